#include "supervisor/writer/trace_reader.h"

#include <xxhash.h>
#include <zstd.h>

#include "ipc/core/bounds.h"
#include "supervisor/writer/container_format.h"

namespace nightjar {
namespace container {

uint64_t BlockChecksum(const BlockHeader& header, std::string_view stored) {
  uint64_t seed = XXH64(&header, offsetof(BlockHeader, checksum), 0);
  return XXH64(stored.data(), stored.size(), seed);
}

}  // namespace container

std::optional<OpenedBlock> OpenBlock(std::string_view object, uint64_t offset) {
  container::BlockHeader header;
  if (!container::Take(object, offset, header) || header.mark != container::kBlockMark)
    return std::nullopt;
  if (header.raw_bytes > bounds::kTraceFooterBytes) return std::nullopt;
  std::string_view stored = object.substr(offset + sizeof header);
  if (header.stored_bytes > stored.size()) return std::nullopt;
  stored = stored.substr(0, header.stored_bytes);
  if (container::BlockChecksum(header, stored) != header.checksum) return std::nullopt;
  OpenedBlock block{header.kind, header.run, header.events, sizeof header + stored.size(),
                    std::string(header.raw_bytes, '\0')};
  size_t raw = ZSTD_decompress(block.raw.data(), block.raw.size(), stored.data(), stored.size());
  if (ZSTD_isError(raw) || raw != header.raw_bytes) return std::nullopt;
  return block;
}

bool SplitEvents(std::string_view raw, const std::function<void(std::string_view event)>& sink) {
  while (!raw.empty()) {
    size_t size = 0;
    unsigned shift = 0;
    unsigned char byte;
    do {
      if (raw.empty() || shift > 21) return false;
      byte = static_cast<unsigned char>(raw.front());
      raw.remove_prefix(1);
      size |= static_cast<size_t>(byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    if (size > raw.size() || size > bounds::kTraceEventBytes) return false;
    sink(raw.substr(0, size));
    raw.remove_prefix(size);
  }
  return true;
}

Result<TraceReader> TraceReader::Open(std::string_view object) {
  TraceReader reader(object);
  container::FileHeader header;
  if (!container::Take(object, 0, header) ||
      std::string_view(header.magic, sizeof header.magic) != container::kMagic) {
    reader.damaged_ = true;  // the blocks behind a damaged header are still worth a try
    return reader;
  }
  if (header.version != container::kVersion)
    return Fail(ErrorCode::kUnsupported,
                "the stored trace is of format version " + std::to_string(header.version) +
                    "; this program reads " + std::to_string(container::kVersion));
  if (!reader.ReadFooter()) reader.damaged_ = true;
  return reader;
}

bool TraceReader::ReadFooter() {
  container::Trailer trailer;
  if (object_.size() < sizeof trailer ||
      !container::Take(object_, object_.size() - sizeof trailer, trailer) ||
      std::string_view(trailer.magic, sizeof trailer.magic) != container::kEndMagic)
    return false;
  auto block = OpenBlock(object_, trailer.footer_offset);
  if (!block || block->kind != container::kFooter) return false;
  proto::TraceFooter footer;
  if (!footer.ParseFromString(block->raw)) return false;
  footer_ = std::move(footer);
  return true;
}

std::optional<uint32_t> TraceReader::IndexOf(const RunId& run) const {
  if (!footer_) return std::nullopt;
  for (int i = 0; i < footer_->runs_size(); ++i)
    if (footer_->runs(i).row().run_id() == run.ToString()) return static_cast<uint32_t>(i);
  return std::nullopt;
}

const proto::StoredRun* TraceReader::Find(const RunId& run) const {
  auto index = IndexOf(run);
  return index ? &footer_->runs(static_cast<int>(*index)) : nullptr;
}

void TraceReader::ReadEvents(const RunId& run,
                             const std::function<void(std::string_view event)>& sink) {
  if (auto index = IndexOf(run)) return ReadIndexed(*index, sink);
  damaged_ = true;
  if (!footer_) ReadSequentially(sink);
}

void TraceReader::ReadIndexed(uint32_t index,
                              const std::function<void(std::string_view event)>& sink) {
  uint64_t next = 0;
  for (const proto::StoredBlock& entry : footer_->runs(static_cast<int>(index)).blocks()) {
    // Offsets only go up, or a forged index could have one block read for ever.
    auto block = entry.offset() < next ? std::nullopt : OpenBlock(object_, entry.offset());
    if (!block || block->kind != container::kEvents || block->run != index ||
        !SplitEvents(block->raw, sink)) {
      damaged_ = true;
      continue;
    }
    next = entry.offset() + block->stored_size;
  }
}

void TraceReader::ReadSequentially(const std::function<void(std::string_view event)>& sink) {
  constexpr uint32_t kMark = container::kBlockMark;
  const std::string_view mark(reinterpret_cast<const char*>(&kMark), sizeof kMark);
  // Behind a damaged block the next mark is looked for. A mark inside of data is no block; their
  // number is bounded because each costs a checksum.
  int misses_left = 1000;
  size_t offset = object_.find(mark);
  while (offset != std::string_view::npos && misses_left > 0) {
    auto block = OpenBlock(object_, offset);
    if (block && block->kind == container::kEvents) SplitEvents(block->raw, sink);
    if (!block) --misses_left;
    offset = object_.find(mark, offset + (block ? block->stored_size : mark.size()));
  }
}

}  // namespace nightjar
