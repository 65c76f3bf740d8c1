#include "ipc/ring/tail.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "ipc/core/check.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

constexpr uint32_t kKindMax = 4;  // proto::CALL_KIND_PROGRAM

// `tail` is a private copy, so what is checked stays true.
Result<std::vector<std::string>> TakeTail(const std::string& tail, uint64_t begin, uint64_t end) {
  if (begin > end || end - begin > tail.size() || (begin | end) % 8 != 0)
    return Fail(ErrorCode::kProtocol, "a trace ring's tail has impossible ends");
  std::vector<std::string> records;
  while (begin < end) {
    size_t offset = begin & (tail.size() - 1);
    uint32_t length;
    std::memcpy(&length, tail.data() + offset, sizeof length);
    if (length == 0 || length > bounds::kTraceEventBytes || ring::FramedBytes(length) > end - begin)
      return Fail(ErrorCode::kProtocol, "a trace ring's tail holds a record of an impossible size");
    offset += ring::kLengthBytes;
    size_t first = std::min<size_t>(length, tail.size() - offset);
    std::string& record = records.emplace_back(tail, offset, first);
    record.append(tail, 0, length - first);
    begin += ring::FramedBytes(length);
  }
  return records;
}

// False: the slot was being written at the moment of death, or lies.
bool TakeFrame(const ring::Header& header, uint64_t depth, std::vector<OpenFrame>& frames) {
  const ring::SpineSlot& slot = depth < bounds::kSpineFrames
                                    ? header.outer[depth]
                                    : header.inner[depth % bounds::kSpineFrames];
  if (slot.mark != depth + 1 || slot.name_bytes > sizeof slot.name || slot.kind > kKindMax)
    return false;
  OpenFrame& frame = frames.emplace_back();
  frame.depth = depth;
  frame.call_id = slot.call_id;
  frame.expr_id = slot.expr_id;
  frame.opened_ns = slot.opened_ns;
  frame.calls = slot.calls;
  frame.kind = slot.kind;
  frame.fn = Utf8Prefix({slot.name, slot.name_bytes}, sizeof slot.name);
  return true;
}

}  // namespace

Result<RingEvidence> ReadRingEvidence(std::span<const std::byte> ring) {
  CHECK(ring.size() >= RingBytes());
  auto header = std::make_unique<ring::Header>();
  std::memcpy(header.get(), ring.data(), sizeof *header);
  RingEvidence evidence;
  if (header->magic == 0) return evidence;
  evidence.counters = ReadRingCounters(ring);

  std::string tail(reinterpret_cast<const char*>(ring.data()) + ring::kTailOffset,
                   bounds::kRingTailBytes);
  NJ_ASSIGN(evidence.newest, TakeTail(tail, header->tail_begin, header->tail_end));

  evidence.open_calls = header->open_calls;
  constexpr uint64_t kFrames = bounds::kSpineFrames;
  uint64_t outer_end = std::min(evidence.open_calls, kFrames);
  for (uint64_t depth = 0; depth < outer_end; ++depth) TakeFrame(*header, depth, evidence.frames);
  uint64_t inner_begin =
      std::max(outer_end, evidence.open_calls - std::min(evidence.open_calls, kFrames));
  for (uint64_t depth = inner_begin; depth < evidence.open_calls; ++depth)
    TakeFrame(*header, depth, evidence.frames);
  return evidence;
}

}  // namespace nightjar
