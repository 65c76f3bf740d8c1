#include "supervisor/writer/trace_builder.h"

#include <zstd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "supervisor/writer/container_format.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

// Events of one run repeat each other so much that higher levels win a few per cent for twice the
// time.
constexpr int kLevel = 1;

void PutVarint(std::string& out, size_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

}  // namespace

Compressor::Compressor() : context_(ZSTD_createCCtx()) {
  CHECK(context_ != nullptr);
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kLevel)));
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(context_);
}

size_t Compressor::Append(std::string_view raw, std::string& out) {
  size_t before = out.size();
  out.resize(before + ZSTD_compressBound(raw.size()));
  size_t stored =
      ZSTD_compress2(context_, out.data() + before, out.size() - before, raw.data(), raw.size());
  CHECK(!ZSTD_isError(stored));
  out.resize(before + stored);
  return stored;
}

TraceBuilder::TraceBuilder(Compressor& compressor) : compressor_(&compressor) {
  container::FileHeader header{{}, container::kVersion, 0};
  container::kMagic.copy(header.magic, sizeof header.magic);
  container::Put(object_, header);
}

void TraceBuilder::Append(std::string_view event, uint64_t seq) {
  if (block_events_ == 0) block_first_seq_ = seq;
  PutVarint(block_, event.size());
  block_ += event;
  ++block_events_;
  ++events_;
  event_bytes_ += event.size();
  if (block_.size() >= bounds::kTraceBlockBytes) CloseBlock();
}

void TraceBuilder::CloseBlock() {
  if (block_events_ == 0) return;
  proto::StoredBlock& block = blocks_.emplace_back();
  block.set_offset(object_.size());
  block.set_events(block_events_);
  block.set_first_seq(block_first_seq_);
  AppendBlock(container::kEvents, block_events_, block_);
  block_.clear();
  block_events_ = 0;
}

void TraceBuilder::AppendBlock(uint32_t kind, uint32_t events, std::string_view raw) {
  size_t at = object_.size();
  container::BlockHeader header{};
  header.mark = container::kBlockMark;
  header.kind = kind;
  header.events = events;
  header.raw_bytes = static_cast<uint32_t>(raw.size());
  container::Put(object_, header);
  header.stored_bytes = static_cast<uint32_t>(compressor_->Append(raw, object_));
  std::string_view stored(object_);
  stored.remove_prefix(at + sizeof header);
  header.checksum = container::BlockChecksum(header, stored);
  std::memcpy(object_.data() + at, &header, sizeof header);
}

std::vector<std::string> TraceBuilder::Newest(size_t count) const {
  std::vector<std::string> newest;  // newest block's events first, each block's in order
  auto take = [&](std::string_view raw) {
    std::vector<std::string> events;
    SplitEvents(raw, [&](std::string_view event) { events.emplace_back(event); });
    size_t taken = std::min(events.size(), count - newest.size());
    newest.insert(newest.begin(), std::make_move_iterator(events.end() - taken),
                  std::make_move_iterator(events.end()));
  };
  take(block_);
  for (auto block = blocks_.rbegin(); block != blocks_.rend() && newest.size() < count; ++block)
    if (auto opened = OpenBlock(object_, block->offset())) take(opened->raw);
  return newest;
}

std::string TraceBuilder::Oldest() const {
  std::string oldest;
  bool found = false;
  auto take = [&](std::string_view event) {
    if (!std::exchange(found, true)) oldest = event;
  };
  if (blocks_.empty()) {
    SplitEvents(block_, take);
  } else if (auto opened = OpenBlock(object_, blocks_.front().offset())) {
    SplitEvents(opened->raw, take);
  }
  return oldest;
}

std::string TraceBuilder::Seal(proto::StoredRun run) {
  CloseBlock();
  run.set_events(events_);
  run.set_event_bytes(event_bytes_);
  for (proto::StoredBlock& block : blocks_) *run.add_blocks() = std::move(block);
  proto::TraceFooter footer;
  *footer.add_runs() = std::move(run);
  container::Trailer trailer{object_.size(), {}};
  AppendBlock(container::kFooter, 0, footer.SerializeAsString());
  container::kEndMagic.copy(trailer.magic, sizeof trailer.magic);
  container::Put(object_, trailer);
  return std::move(object_);
}

}  // namespace nightjar
