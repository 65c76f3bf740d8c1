#include "worker/lang/arena.h"

#include <sys/mman.h>

namespace nightjar::lang {
namespace {

// Of a large thing, so much is mapped in at once; the rest comes page by page, since a program that
// asks for more than its limit is better stopped where it is than in here.
constexpr size_t kPopulatedBytes = 4 * 1024 * 1024;

}  // namespace

Arena::~Arena() {
  Unmap(blocks_, 0);
  Unmap(large_, 0);
}

void Arena::Reset() {
  Unmap(large_, 0);
  size_t kept = 0;
  for (size_t bytes = 0; kept < blocks_.size() && (bytes += blocks_[kept].bytes) <= kKeptBytes;)
    ++kept;
  Unmap(blocks_, kept);
  next_ = 0;
  at_ = end_ = nullptr;
}

void* Arena::Grow(size_t bytes) {
  if (bytes > kBytesMax) throw std::bad_alloc();
  // Large things get blocks of their own, so that what is left of the current one stays in use.
  if (bytes > kLarge) {
    large_.push_back(Map(bytes));
    return large_.back().at;
  }
  for (;;) {
    if (next_ == blocks_.size())
      blocks_.push_back(
          Map(blocks_.empty() ? kFirstBlock : std::min(2 * blocks_.back().bytes, kLargestBlock)));
    Enter(blocks_[next_++]);
    if (static_cast<size_t>(end_ - at_) >= bytes) return Allocate(bytes);
  }
}

Arena::Block Arena::Map(size_t bytes) {
  if (bytes > bytes_max_ - std::min(bytes_max_, bytes_)) throw ArenaExhausted{bytes_ + bytes};
  int populate = bytes <= kPopulatedBytes ? MAP_POPULATE : 0;
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | populate, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  bytes_ += bytes;
  return {static_cast<char*>(at), bytes};
}

void Arena::Unmap(std::vector<Block>& blocks, size_t kept) {
  for (size_t i = kept; i < blocks.size(); ++i) {
    munmap(blocks[i].at, blocks[i].bytes);
    bytes_ -= blocks[i].bytes;
  }
  blocks.resize(std::min(kept, blocks.size()));
}

}  // namespace nightjar::lang
