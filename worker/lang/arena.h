// Memory of one run: handed out by moving a pointer, freed all at once.
//
// What a program allocates without end is stopped at a limit of the arena's own, a little below its
// cell's: so it stops where it is, and the kernel's kill is the backstop. Memory comes from the
// kernel in blocks that double in size and are mapped in at once: a page that is faulted in alone
// costs as much as several of a block. Single thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace nightjar::lang {

// The arena would be larger than it may be.
struct ArenaExhausted {
  size_t bytes;
};

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Of memory that is taken from the kernel; at first there is no bound.
  void SetLimit(size_t bytes) { bytes_max_ = bytes; }
  // Throws as Allocate would for so much: for what grows outside of here before it comes in.
  void Require(size_t bytes) const;
  // In use.
  size_t bytes() const { return bytes_ - spare_bytes_; }

  // Aligned for everything. Throws ArenaExhausted, or std::bad_alloc for what no machine has; the
  // engine catches both around a run.
  void* Allocate(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) [[unlikely]]
      return Grow(bytes);
    char* place = at_;
    // Never beyond the end, which is aligned, too.
    at_ += (bytes + 15) & ~size_t{15};
    return place;
  }
  template <typename T>
  T* Array(size_t count) {
    if (count > kBytesMax / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(Allocate(count * sizeof(T)));
  }
  template <typename T>
  T* New(const T& value) {
    return new (Allocate(sizeof(T))) T(value);
  }

  // Everything handed out becomes invalid. Some memory is kept for the next run: pages that were
  // touched already are many times as fast as new ones.
  void Reset();

 private:
  static constexpr size_t kFirstBlock = 16 * 1024;
  static constexpr size_t kLargestBlock = 1024 * 1024;
  static constexpr size_t kLarge = kLargestBlock / 4;
  static constexpr size_t kKeptBytes = 8 * 1024 * 1024;
  // More than any machine has; below it, sizes cannot overflow.
  static constexpr size_t kBytesMax = size_t{1} << 46;

  struct Block {
    char* at;
    size_t bytes;
  };

  void* Grow(size_t bytes);
  // Of at least that size: a spare one, or a new one.
  Block Take(size_t bytes);
  Block Map(size_t bytes);
  void UnmapSpares(size_t kept_bytes);

  std::vector<Block> used_;
  std::vector<Block> spare_;  // the smallest first
  size_t next_block_ = kFirstBlock;
  size_t bytes_ = 0;
  size_t spare_bytes_ = 0;
  size_t bytes_max_ = SIZE_MAX;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace nightjar::lang
