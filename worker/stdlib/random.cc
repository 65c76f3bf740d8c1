#include "worker/stdlib/random.h"

#include <sys/random.h>

#include <string_view>

#include "ipc/core/check.h"

namespace nightjar::lang {
namespace {

uint64_t RandomBits() {
  uint64_t bits;
  // Up to 256 bytes are never cut short.
  CHECK(getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits));
  return bits;
}

}  // namespace

int64_t RandomBetween(int64_t low, int64_t high) {
  uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  if (span == 0) return static_cast<int64_t>(RandomBits());  // all there are
  // What is left over at the top would favour the low ones.
  uint64_t limit = UINT64_MAX - UINT64_MAX % span;
  uint64_t bits = RandomBits();
  while (bits >= limit) bits = RandomBits();
  return static_cast<int64_t>(static_cast<uint64_t>(low) + bits % span);
}

std::string RandomText(size_t length) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string text(length, ' ');
  for (char& c : text) c = kLetters[static_cast<size_t>(RandomBetween(0, kLetters.size() - 1))];
  return text;
}

}  // namespace nightjar::lang
