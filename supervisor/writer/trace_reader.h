// Reads a stored trace object: the footer alone, or the events of one run.
//
// The object may be cut short, damaged or made by an enemy. What can be read is read, and damaged()
// says that it was not all; memory stays within one block and the footer. Borrowed bytes; one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/container.pb.h"

namespace nightjar {

struct OpenedBlock {
  uint32_t kind = 0;
  uint32_t run = 0;
  uint32_t events = 0;
  uint64_t stored_size = 0;  // with its header: the next block begins after it
  std::string raw;
};

// nullopt: there is no whole block at `offset`, or its checksum is wrong.
std::optional<OpenedBlock> OpenBlock(std::string_view object, uint64_t offset);

// The events in an events block's content. False when it ends inside of one.
bool SplitEvents(std::string_view raw, const std::function<void(std::string_view event)>& sink);

class TraceReader {
 public:
  // kUnsupported: another version's object. Everything else that is wrong is damage, not an error.
  static Result<TraceReader> Open(std::string_view object);

  // Null without a readable footer, or when the object does not hold this run.
  const proto::StoredRun* Find(const RunId& run) const;
  // Each event's bytes in order. Without a footer, those of all runs that the blocks hold. They are
  // as the worker wrote them: whether one parses is the caller's to find out.
  void ReadEvents(const RunId& run, const std::function<void(std::string_view event)>& sink);

  bool damaged() const { return damaged_; }

 private:
  explicit TraceReader(std::string_view object) : object_(object) {}
  bool ReadFooter();
  std::optional<uint32_t> IndexOf(const RunId& run) const;
  void ReadIndexed(uint32_t index, const std::function<void(std::string_view event)>& sink);
  void ReadSequentially(const std::function<void(std::string_view event)>& sink);

  std::string_view object_;
  std::optional<proto::TraceFooter> footer_;
  bool damaged_ = false;
};

}  // namespace nightjar
