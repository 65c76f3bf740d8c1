// SHA-256 of bytes that come in parts, from nettle, as `sha256sum` prints it.
#pragma once

#include <nettle/sha2.h>

#include <string>
#include <string_view>

namespace nightjar::cli {

class Sha256Sum {
 public:
  Sha256Sum() { sha256_init(&state_); }
  void Add(std::string_view bytes) {
    sha256_update(&state_, bytes.size(), reinterpret_cast<const uint8_t*>(bytes.data()));
  }
  // "9f86d0...". Begins anew.
  std::string Take();

 private:
  sha256_ctx state_;
};

}  // namespace nightjar::cli
