// Walks over DER (X.690), as keys and certificates are encoded: one element after the other.
//
// Every length is checked against what is there. It only walks and shows: what an element means is
// its reader's to know. Pure; views into the input.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nightjar::lang {

namespace der {
inline constexpr uint8_t kInteger = 0x02;
inline constexpr uint8_t kBitString = 0x03;
inline constexpr uint8_t kOctetString = 0x04;
inline constexpr uint8_t kOid = 0x06;
inline constexpr uint8_t kSequence = 0x30;
inline constexpr uint8_t kVersion = 0xa0;  // [0] of a certificate
}  // namespace der

struct DerElement {
  uint8_t tag = 0;
  std::string_view content;
  std::string_view whole;  // with its tag and length
};

class DerReader {
 public:
  explicit DerReader(std::string_view bytes) : rest_(bytes) {}

  // The next element; nothing at the end, or where the bytes are no DER.
  std::optional<DerElement> Next();
  // The next one's content, when it has this tag.
  std::optional<std::string_view> Next(uint8_t tag);
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace nightjar::lang
