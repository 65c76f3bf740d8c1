// A fuzzer's bytes as a script: numbers and texts, taken from the front. When it is used up it
// gives zeros and empty texts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nightjar::fuzz {

class Script {
 public:
  explicit Script(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  std::string_view rest() { return Take(rest_.size()); }
  uint8_t Byte() { return Number<uint8_t>(); }
  uint64_t Long() { return Number<uint64_t>(); }
  // Its length comes first, in one byte.
  std::string_view Text() { return Take(Byte()); }

 private:
  template <typename T>
  T Number() {
    T number{};
    std::string_view bytes = Take(sizeof number);
    if (!bytes.empty()) memcpy(&number, bytes.data(), bytes.size());
    return number;
  }
  std::string_view Take(size_t bytes) {
    std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
};

}  // namespace nightjar::fuzz
