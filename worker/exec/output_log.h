// What a program writes, as events of its run's trace: whole lines, as many as came at once, or a
// few KiB of a line that is longer, with the canvas's secrets masked even where one was written in
// two pieces.
//
// What does not fit the trace's budget is dropped and counted there. Single thread.
#pragma once

#include <string>
#include <string_view>

#include "worker/trace/recorder.h"

namespace nightjar {

class OutputLog {
 public:
  OutputLog(Recorder& recorder, Recorder::Stream stream) : recorder_(recorder), stream_(stream) {}

  void Add(std::string_view bytes);
  // The rest, which no line end followed.
  void Finish();

 private:
  void Write(size_t bytes);

  Recorder& recorder_;
  const Recorder::Stream stream_;
  std::string pending_;
  size_t hidden_ = 0;  // of its first bytes: the end of a secret that is masked already
};

}  // namespace nightjar
