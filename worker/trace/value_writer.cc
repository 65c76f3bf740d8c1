#include "worker/trace/value_writer.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "ipc/core/check.h"
#include "ipc/core/utf8.h"
#include "worker/trace/wire.h"

namespace nightjar {
namespace {

using wire::Type;

// Truncated as field 30: two bytes of tag and two of length, then `bytes` and `hash`.
constexpr size_t kMarkBytes = 2 + wire::kLengthBytes + 1 + wire::kVarintBytes + 1 + 8;
static_assert(kMarkBytes + 16 <= ValueWriter::kLeastCapacity);
// What one item can need around it: a tag and a length.
constexpr size_t kItemBytes = 1 + wire::kLengthBytes;
// A tag of a Value's field and a length.
constexpr size_t kHeadBytes = 2 + wire::kLengthBytes;
// A text that would be cut shorter than this is left out.
constexpr size_t kLeastText = 8;

}  // namespace

ValueWriter::ValueWriter(char* buffer, size_t capacity)
    : begin_(buffer), at_(buffer), limit_(buffer + capacity - kMarkBytes) {
  CHECK(capacity >= kLeastCapacity && capacity < 16 * bounds::kKiB);
}

void ValueWriter::GoDeaf(size_t unwritten) {
  full_ = true;
  unwritten_ += unwritten;
}

// Opens the message of one more item where the container has one. False: deaf, or no room for it
// and `need` more.
bool ValueWriter::OpenValue(size_t need) {
  if (full_ || Room() < kItemBytes + need) [[unlikely]] {
    GoDeaf(need);
    return false;
  }
  value_ = nullptr;
  if (depth_ == 0) return true;
  switch (frames_[depth_ - 1].shape) {
    case Shape::kItems:
      at_ = value_ = wire::OpenMessage<1>(at_);
      break;
    case Shape::kFields:
      at_ = value_ = wire::OpenMessage<2>(at_);
      break;
    case Shape::kResponse:
      at_ = value_ = wire::OpenMessage<3>(at_);
      break;
    case Shape::kWrapper:
      break;
  }
  return true;
}

void ValueWriter::CloseValue() {
  if (value_ != nullptr) wire::CloseMessage(value_, at_);
  if (field_ != nullptr) wire::CloseMessage(field_, at_);
  value_ = field_ = nullptr;
}

template <uint32_t kField>
void ValueWriter::Empty() {
  if (!OpenValue(kHeadBytes)) return;
  at_ = wire::PutText<kField>(at_, {});
  CloseValue();
}

template <uint32_t kField>
void ValueWriter::Raw(std::string_view bytes) {
  if (!OpenValue(kHeadBytes)) {
    unwritten_ += bytes.size();
    return;
  }
  size_t fits = Room() - kHeadBytes;
  if (bytes.size() > fits) GoDeaf(bytes.size() - fits);
  at_ = wire::PutText<kField>(at_, bytes.substr(0, fits));
  CloseValue();
}

template <uint32_t kField>
void ValueWriter::Text(std::string_view text) {
  if (!OpenValue(kHeadBytes + std::min(text.size(), kLeastText))) {
    unwritten_ += text.size();
    return;
  }
  size_t kept = Utf8PrefixSize(text, Room() - kHeadBytes);
  if (kept < text.size()) GoDeaf(text.size() - kept);
  at_ = wire::PutText<kField>(at_, text.substr(0, kept));
  CloseValue();
}

void ValueWriter::Int(int64_t value) {
  if (!OpenValue(1 + wire::kVarintBytes)) return;
  at_ = wire::PutUint<1>(at_, protozero::encode_zigzag64(value));
  CloseValue();
}

void ValueWriter::Float(double value) {
  if (!OpenValue(1 + sizeof value)) return;
  at_ = wire::PutFixed64<2>(at_, std::bit_cast<uint64_t>(value));
  CloseValue();
}

void ValueWriter::Bool(bool value) {
  if (!OpenValue(2)) return;
  at_ = wire::PutUint<3>(at_, value ? 1 : 0);
  CloseValue();
}

void ValueWriter::DateMs(int64_t unix_ms) {
  if (!OpenValue(2 + wire::kVarintBytes)) return;
  at_ = wire::PutUint<16>(at_, protozero::encode_zigzag64(unix_ms));
  CloseValue();
}

void ValueWriter::Null() {
  Empty<4>();
}
void ValueWriter::Incomplete() {
  Empty<12>();
}
void ValueWriter::Password() {
  Empty<17>();
}
void ValueWriter::Nothing() {
  Empty<20>();
}
void ValueWriter::String(std::string_view utf8) {
  Text<5>(utf8);
}
void ValueWriter::Character(std::string_view utf8) {
  Text<6>(utf8);
}
void ValueWriter::Function(std::string_view name) {
  Text<10>(name);
}
void ValueWriter::Datastore(std::string_view name) {
  Text<15>(name);
}
void ValueWriter::Uuid(std::string_view sixteen_bytes) {
  Raw<18>(sixteen_bytes);
}
void ValueWriter::Bytes(std::string_view bytes) {
  Raw<23>(bytes);
}

void ValueWriter::Error(std::string_view message, uint64_t expr_id) {
  constexpr size_t kFixed = kHeadBytes + 1 + wire::kVarintBytes + kHeadBytes;
  if (!OpenValue(kFixed)) {
    unwritten_ += message.size();
    return;
  }
  char* body = at_ = wire::OpenMessage<11>(at_);
  at_ = wire::PutUint<2>(at_, expr_id);
  size_t kept = Utf8PrefixSize(message, Room() - kHeadBytes);
  if (kept < message.size()) GoDeaf(message.size() - kept);
  at_ = wire::PutText<1>(at_, message.substr(0, kept));
  wire::CloseMessage(body, at_);
  CloseValue();
}

void ValueWriter::BeginList() {
  Open<7>(Shape::kItems);
}
void ValueWriter::BeginTuple() {
  Open<8>(Shape::kItems);
}
void ValueWriter::BeginObject() {
  Open<9>(Shape::kFields);
}
void ValueWriter::BeginErrorRail() {
  Open<13>(Shape::kWrapper);
}
void ValueWriter::BeginJust() {
  Open<19>(Shape::kWrapper);
}
void ValueWriter::BeginOk() {
  Open<21>(Shape::kWrapper);
}
void ValueWriter::BeginErrorResult() {
  Open<22>(Shape::kWrapper);
}

// Begins a container whose message is the Value's field kField; `need` is what is written into it
// at once.
template <uint32_t kField>
bool ValueWriter::Open(Shape shape, size_t need) {
  // Messages that a container puts around its items: protobuf's readers refuse to go deeper than
  // 100.
  static constexpr uint8_t kLevels[] = {2, 3, 1, 2};
  uint8_t levels = kLevels[static_cast<size_t>(shape)];
  if (!full_ && levels_ + levels > bounds::kTraceValueLevels) GoDeaf(0);
  if (!OpenValue(kHeadBytes + need)) {
    ++ignored_;
    return false;
  }
  at_ = wire::OpenMessage<kField>(at_);
  frames_[depth_++] = {at_, value_, field_, shape, levels};
  levels_ += levels;
  value_ = field_ = nullptr;
  return true;
}

void ValueWriter::Pop() {
  CloseValue();  // a key without its value
  const Frame& frame = frames_[--depth_];
  levels_ -= frame.levels;
  wire::CloseMessage(frame.body, at_);
  value_ = frame.value;
  field_ = frame.field;
  CloseValue();
}

void ValueWriter::End() {
  if (ignored_ > 0) {
    --ignored_;
    return;
  }
  CHECK(depth_ > 0);
  Pop();
}

void ValueWriter::Key(std::string_view key) {
  CloseValue();
  size_t need = kItemBytes + kHeadBytes + key.size();
  if (full_ || Room() < need) {
    GoDeaf(need);
    return;
  }
  CHECK(depth_ > 0 && frames_[depth_ - 1].shape == Shape::kFields);
  at_ = field_ = wire::OpenMessage<1>(at_);
  size_t kept = Utf8PrefixSize(key, key.size());
  if (kept < key.size()) GoDeaf(key.size() - kept);
  at_ = wire::PutText<1>(at_, key.substr(0, kept));
}

void ValueWriter::BeginResponse(uint32_t status, std::string_view redirect_url) {
  size_t kept = Utf8PrefixSize(redirect_url, Room() / 2);
  if (!Open<14>(Shape::kResponse, 1 + wire::kVarintBytes + kHeadBytes + kept)) return;
  at_ = wire::PutUint<1>(at_, status);
  if (kept > 0) at_ = wire::PutText<4>(at_, redirect_url.substr(0, kept));
  if (kept < redirect_url.size()) GoDeaf(redirect_url.size() - kept);
}

void ValueWriter::Header(std::string_view name, std::string_view value) {
  size_t need = 3 * kHeadBytes + name.size() + value.size();
  if (full_ || Room() < need) {
    GoDeaf(need);
    return;
  }
  CHECK(depth_ > 0 && frames_[depth_ - 1].shape == Shape::kResponse);
  size_t name_kept = Utf8PrefixSize(name, name.size());
  size_t value_kept = Utf8PrefixSize(value, value.size());
  char* body = at_ = wire::OpenMessage<2>(at_);
  at_ = wire::PutText<1>(at_, name.substr(0, name_kept));
  at_ = wire::PutText<2>(at_, value.substr(0, value_kept));
  wire::CloseMessage(body, at_);
  size_t cut = name.size() - name_kept + value.size() - value_kept;
  if (cut > 0) GoDeaf(cut);
}

size_t ValueWriter::Finish() {
  while (depth_ > 0) Pop();
  if (full_) {
    auto kept = static_cast<size_t>(at_ - begin_);
    uint64_t hash = XXH64(begin_, kept, 0);
    char* body = at_ = wire::OpenMessage<30>(at_);
    at_ = wire::PutUint<1>(at_, kept + unwritten_);
    at_ = wire::PutFixed64<2>(at_, hash);
    wire::CloseMessage(body, at_);
  }
  return static_cast<size_t>(at_ - begin_);
}

}  // namespace nightjar
