// Builds the stored object of one run, event by event, compressing as it goes.
//
// It takes events as bytes and looks into none. It keeps no promise about size: the drain asks
// memory_bytes() and stops in time. One thread; a compressor is shared by all builders of that
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/proto/container.pb.h"

struct ZSTD_CCtx_s;

namespace nightjar {

// A zstd context that is used again and again.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  // Appends one zstd frame of `raw` to `out`; returns its size.
  size_t Append(std::string_view raw, std::string& out);

 private:
  struct ZSTD_CCtx_s* context_;
};

class TraceBuilder {
 public:
  explicit TraceBuilder(Compressor& compressor);  // outlives the builder
  // From here on: the builder goes to another thread, which has one of its own.
  void UseCompressor(Compressor& compressor) { compressor_ = &compressor; }

  void Append(std::string_view event, uint64_t seq);

  uint64_t events() const { return events_; }
  uint64_t event_bytes() const { return event_bytes_; }
  size_t memory_bytes() const { return object_.size() + block_.capacity(); }

  // Up to `count` events that were appended last, oldest first. Costs a decompression: for evidence
  // only.
  std::vector<std::string> Newest(size_t count) const;
  // The one that was appended first; empty where there is none. At the same cost.
  std::string Oldest() const;

  // The whole object. `run` has everything but blocks, events and event_bytes. Once; the builder is
  // then good for nothing but to be destroyed.
  std::string Seal(proto::StoredRun run);

 private:
  void CloseBlock();
  void AppendBlock(uint32_t kind, uint32_t events, std::string_view raw);

  Compressor* compressor_;
  std::string object_;  // header and closed blocks
  std::string block_;   // the open block, raw
  uint32_t block_events_ = 0;
  uint64_t block_first_seq_ = 0;
  uint64_t events_ = 0;
  uint64_t event_bytes_ = 0;
  std::vector<proto::StoredBlock> blocks_;
};

}  // namespace nightjar
