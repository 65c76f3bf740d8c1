// What lies where in a stored trace object; docs/formats/trace.md is its description for readers in
// other languages.
//
// Header, blocks, footer block, trailer. Numbers are little-endian. A reader trusts none of it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace nightjar::container {

static_assert(std::endian::native == std::endian::little,
              "numbers are stored as they lie in memory");

inline constexpr std::string_view kMagic = "NJTRACE\n";
inline constexpr std::string_view kEndMagic = "NJTREND\n";
inline constexpr uint32_t kVersion = 1;

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t reserved;  // 0
};
static_assert(sizeof(FileHeader) == 16);

enum BlockKind : uint32_t { kEvents = 1, kFooter = 2 };

struct BlockHeader {
  uint32_t mark;          // kBlockMark
  uint32_t kind;          // BlockKind
  uint32_t run;           // kEvents: which of the footer's runs
  uint32_t events;        // kEvents: how many
  uint32_t raw_bytes;     // of the content
  uint32_t stored_bytes;  // of the zstd frame that follows
  uint64_t checksum;      // BlockChecksum()
};
static_assert(sizeof(BlockHeader) == 32);
inline constexpr uint32_t kBlockMark = 0x4b424a4e;  // "NJBK"

struct Trailer {
  uint64_t footer_offset;  // of the footer block's header
  char magic[8];
};
static_assert(sizeof(Trailer) == 16);

// XXH64 of the stored bytes, seeded with the XXH64 of the header's fields before the checksum.
uint64_t BlockChecksum(const BlockHeader& header, std::string_view stored);

template <typename T>
void Put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// False: `object` is too short for a T at `offset`.
template <typename T>
bool Take(std::string_view object, uint64_t offset, T& value) {
  if (offset > object.size() || object.size() - offset < sizeof value) return false;
  std::memcpy(&value, object.data() + offset, sizeof value);
  return true;
}

}  // namespace nightjar::container
