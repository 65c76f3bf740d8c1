// The few pieces of protobuf's encoding that a recorder writes, straight into memory whose room was
// checked before.
//
// A length inside an event is always a varint of two bytes: it can be patched in place when the
// message is closed, with nothing moved, and every protobuf reader takes it. That bounds a message
// at 16 KiB - 1, as bounds.h does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <protozero/types.hpp>
#include <protozero/varint.hpp>
#include <string_view>

namespace nightjar::wire {

using Type = protozero::pbf_wire_type;

inline constexpr size_t kLengthBytes = 2;
inline constexpr size_t kVarintBytes = protozero::max_varint_length;

inline char* PutVarint(char* at, uint64_t value) {
  return at + protozero::add_varint_to_buffer(at, value);
}

template <uint32_t kField, Type kType>
char* PutTag(char* at) {
  constexpr uint32_t kTag = kField << 3 | static_cast<uint32_t>(kType);
  static_assert(kTag < 1 << 14);
  if constexpr (kTag < 0x80) {
    *at++ = static_cast<char>(kTag);
  } else {
    *at++ = static_cast<char>((kTag & 0x7F) | 0x80);
    *at++ = static_cast<char>(kTag >> 7);
  }
  return at;
}

template <uint32_t kField>
char* PutUint(char* at, uint64_t value) {
  return PutVarint(PutTag<kField, Type::varint>(at), value);
}

template <uint32_t kField>
char* PutText(char* at, std::string_view text) {
  at = PutVarint(PutTag<kField, Type::length_delimited>(at), text.size());
  return std::copy_n(text.data(), text.size(), at);  // which takes the null of an empty text
}

template <uint32_t kField>
char* PutFixed64(char* at, uint64_t value) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  at = PutTag<kField, Type::fixed64>(at);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

// Opens a message: its length is at the returned place minus kLengthBytes.
template <uint32_t kField>
char* OpenMessage(char* at) {
  return PutTag<kField, Type::length_delimited>(at) + kLengthBytes;
}

// `body` is what OpenMessage returned, `end` the end of what was written since.
inline void CloseMessage(char* body, const char* end) {
  auto size = static_cast<uint32_t>(end - body);
  body[-2] = static_cast<char>((size & 0x7F) | 0x80);
  body[-1] = static_cast<char>(size >> 7);
}

}  // namespace nightjar::wire
