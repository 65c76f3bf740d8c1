#include "supervisor/writer/trace_pack.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "supervisor/writer/container_format.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

// With its offsets, which take more room in a larger object.
constexpr size_t kFooterBytes = bounds::kTraceFooterBytes / 2;

// Nothing is missing in it, and its footer says where everything is.
std::optional<proto::TraceFooter> WholeFooter(std::string_view object) {
  container::FileHeader header;
  container::Trailer trailer;
  if (!container::Take(object, 0, header) || object.size() < sizeof header + sizeof trailer ||
      !container::Take(object, object.size() - sizeof trailer, trailer))
    return std::nullopt;
  if (std::string_view(header.magic, sizeof header.magic) != container::kMagic ||
      header.version != container::kVersion ||
      std::string_view(trailer.magic, sizeof trailer.magic) != container::kEndMagic)
    return std::nullopt;
  auto block = OpenBlock(object, trailer.footer_offset);
  proto::TraceFooter footer;
  if (!block || block->kind != container::kFooter || !footer.ParseFromString(block->raw))
    return std::nullopt;
  return footer;
}

// The block at `offset` behind `out`, as one of run `run`. False: it is damaged.
bool AppendBlock(std::string_view object, uint64_t offset, uint32_t run, std::string& out) {
  container::BlockHeader header;
  if (!container::Take(object, offset, header) || header.mark != container::kBlockMark ||
      header.kind != container::kEvents)
    return false;
  std::string_view stored = object.substr(offset + sizeof header);
  if (header.stored_bytes > stored.size()) return false;
  stored = stored.substr(0, header.stored_bytes);
  if (container::BlockChecksum(header, stored) != header.checksum) return false;
  header.run = run;
  header.checksum = container::BlockChecksum(header, stored);
  container::Put(out, header);
  out += stored;
  return true;
}

}  // namespace

TracePack::TracePack(Compressor& compressor) : compressor_(compressor) {
  container::FileHeader header{{}, container::kVersion, 0};
  container::kMagic.copy(header.magic, sizeof header.magic);
  container::Put(object_, header);
}

bool TracePack::Add(std::string_view object) {
  return Add(object, [](const proto::StoredRun&) { return true; });
}

bool TracePack::Add(std::string_view object, const Wanted& wanted) {
  auto footer = WholeFooter(object);
  if (!footer || footer->runs_size() == 0) return false;
  auto& stored = *footer->mutable_runs();
  stored.erase(
      std::remove_if(stored.begin(), stored.end(), [&](const auto& run) { return !wanted(run); }),
      stored.end());
  const size_t footer_bytes = footer->ByteSizeLong();
  if (footer_bytes_ + footer_bytes > kFooterBytes) return false;
  const size_t before = object_.size();
  for (int i = 0; i < footer->runs_size(); ++i) {
    proto::StoredRun& run = *footer->mutable_runs(i);
    // Who may read an object may read all of it.
    bool ours = runs() == 0 || run.row().canvas() == footer_.runs(0).row().canvas();
    for (proto::StoredBlock& block : *run.mutable_blocks()) {
      const uint64_t at = object_.size();
      ours = ours && AppendBlock(object, block.offset(),
                                 static_cast<uint32_t>(runs()) + static_cast<uint32_t>(i), object_);
      block.set_offset(at);
    }
    if (!ours) {
      object_.resize(before);
      return false;
    }
  }
  footer_bytes_ += footer_bytes;
  for (proto::StoredRun& run : *footer->mutable_runs()) *footer_.add_runs() = std::move(run);
  return true;
}

std::string TracePack::Seal() {
  const std::string raw = footer_.SerializeAsString();
  container::Trailer trailer{object_.size(), {}};
  container::kEndMagic.copy(trailer.magic, sizeof trailer.magic);
  container::BlockHeader header{};
  header.mark = container::kBlockMark;
  header.kind = container::kFooter;
  header.raw_bytes = static_cast<uint32_t>(raw.size());
  std::string stored;
  header.stored_bytes = static_cast<uint32_t>(compressor_.Append(raw, stored));
  header.checksum = container::BlockChecksum(header, stored);
  container::Put(object_, header);
  object_ += stored;
  container::Put(object_, trailer);
  return std::move(object_);
}

}  // namespace nightjar
