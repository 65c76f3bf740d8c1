// Makes one stored object of several: the runs of one canvas side by side, as docs/formats/trace.md
// allows.
//
// Blocks are taken over as they are stored; nothing is compressed again but the footer. What is
// damaged is not taken: it stays an object of its own. One thread, which the compressor is of.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ipc/proto/container.pb.h"
#include "supervisor/writer/trace_builder.h"

namespace nightjar {

class TracePack {
 public:
  explicit TracePack(Compressor& compressor);  // outlives the pack

  // Which of an object's runs are taken.
  using Wanted = std::function<bool(const proto::StoredRun&)>;
  // False, and nothing is changed: it is damaged, or of another canvas, or its footer would make
  // the pack's too large.
  bool Add(std::string_view object);
  bool Add(std::string_view object, const Wanted& wanted);

  size_t runs() const { return static_cast<size_t>(footer_.runs_size()); }
  // The whole object. Once.
  std::string Seal();

 private:
  Compressor& compressor_;
  std::string object_;
  proto::TraceFooter footer_;
  size_t footer_bytes_ = 0;
};

}  // namespace nightjar
