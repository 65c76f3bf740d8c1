#include "worker/lang/arena.h"

#include <sys/mman.h>

#include <algorithm>

namespace nightjar::lang {
namespace {

// Of a large thing, so much is mapped in at once; the rest comes page by page, since a program that
// asks for more than its limit is better stopped where it is than in here.
constexpr size_t kPopulatedBytes = 4 * 1024 * 1024;

}  // namespace

Arena::~Arena() {
  Reset();
  UnmapSpares(0);
}

void Arena::Reset() {
  spare_.insert(spare_.end(), used_.begin(), used_.end());
  used_.clear();
  spare_bytes_ = bytes_;
  std::sort(spare_.begin(), spare_.end(),
            [](const Block& a, const Block& b) { return a.bytes < b.bytes; });
  UnmapSpares(kKeptBytes);
  next_block_ = kFirstBlock;
  at_ = end_ = nullptr;
}

void Arena::Require(size_t bytes) const {
  if (bytes > kBytesMax) throw std::bad_alloc();
  if (bytes > bytes_max_ - std::min(bytes_max_, this->bytes()))
    throw ArenaExhausted{this->bytes() + bytes};
}

void* Arena::Grow(size_t bytes) {
  if (bytes > kBytesMax) throw std::bad_alloc();
  // Large things get blocks of their own, so that what is left of the current one stays in use.
  if (bytes > kLarge) return used_.emplace_back(Take(bytes)).at;
  while (next_block_ < bytes) next_block_ *= 2;
  const Block& block = used_.emplace_back(Take(next_block_));
  next_block_ = std::min(2 * next_block_, kLargestBlock);
  at_ = block.at;
  end_ = block.at + block.bytes;
  return Allocate(bytes);
}

Arena::Block Arena::Take(size_t bytes) {
  for (auto spare = spare_.begin(); spare != spare_.end(); ++spare) {
    if (spare->bytes < bytes) continue;
    if (spare->bytes > 2 * bytes) break;  // better kept for what is as large
    Block block = *spare;
    spare_.erase(spare);
    spare_bytes_ -= block.bytes;
    return block;
  }
  return Map(bytes);
}

Arena::Block Arena::Map(size_t bytes) {
  if (bytes > bytes_max_ - std::min(bytes_max_, bytes_)) UnmapSpares(0);
  if (bytes > bytes_max_ - std::min(bytes_max_, bytes_)) throw ArenaExhausted{bytes_ + bytes};
  int populate = bytes <= kPopulatedBytes ? MAP_POPULATE : 0;
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | populate, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  bytes_ += bytes;
  return {static_cast<char*>(at), bytes};
}

void Arena::UnmapSpares(size_t kept_bytes) {
  for (; spare_bytes_ > kept_bytes; spare_.pop_back()) {
    Block& largest = spare_.back();
    munmap(largest.at, largest.bytes);
    spare_bytes_ -= largest.bytes;
    bytes_ -= largest.bytes;
  }
}

}  // namespace nightjar::lang
