// Decides where each event of a run goes: into the ring's stream while the run's budget and the
// ring's room last, else into the tail, counted as dropped.
//
// It keeps the promise of trace.proto that a hole in the stream's seq is explained by a Gap, and
// that a run's first event in the stream is its RunStart, also when the ring was full at the time.
// Single thread; owned by Recorder.
#pragma once

#include <cstdint>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/ring/producer.h"

namespace nightjar {

class EventStream {
 public:
  // How much of the budget an event may use.
  enum class Share {
    kAny,     // seven eighths
    kReturn,  // all but what the end needs: the return of a call that is in the stream
    kEnd,     // all
  };

  explicit EventStream(RingProducer* ring) : ring_(ring) {}  // not owned

  void StartRun(const RunId& run, uint64_t bytes_max);

  // Counts one more event, which is then written with Write(). Returns its seq.
  uint64_t CountEvent(uint64_t at_ns) {
    at_ns_ = at_ns;
    return ++events_;
  }
  // True: it is in the stream, published.
  bool Write(std::string_view event, Share share);

  // What is left for the fields of one event of this share when all that can be owed has to go
  // before it.
  uint64_t RoomFor(Share share) const;

  uint64_t bytes() const { return bytes_; }
  uint64_t events() const { return events_; }
  uint64_t dropped() const { return dropped_; }
  bool overflowed() const { return overflowed_; }

 private:
  uint64_t Limit(Share share) const;
  bool Append(std::string_view event);
  bool AppendOwed();
  void Drop(std::string_view event);

  RingProducer* const ring_;
  RunId run_;
  uint64_t budget_ = 0;
  uint64_t at_ns_ = 0;  // of the newest event
  uint64_t bytes_ = 0;
  uint64_t events_ = 0;
  uint64_t dropped_ = 0;
  uint64_t gap_ = 0;         // dropped since the stream's last event
  bool start_owed_ = false;  // this run's RunStart is not in the stream yet
  bool overflowed_ = false;
};

}  // namespace nightjar
