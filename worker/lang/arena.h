// Memory of one run: handed out by moving a pointer, freed all at once. What a program allocates
// without end is stopped by its cell's memory limit, not here. Single thread.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace nightjar::lang {

class Arena {
 public:
  // Aligned for everything. Throws std::bad_alloc, which the engine catches around a run.
  void* Allocate(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) return Grow(bytes);
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
  // Everything handed out becomes invalid; the first block is kept warm for the next run.
  void Reset() {
    if (blocks_.size() > 1) blocks_.resize(1);
    at_ = blocks_.empty() ? nullptr : blocks_[0].get();
    end_ = blocks_.empty() ? nullptr : at_ + kFirstBlock;
  }

 private:
  static constexpr size_t kFirstBlock = 64 * 1024;
  static constexpr size_t kBlock = 1024 * 1024;
  static constexpr size_t kLarge = kBlock / 4;
  // More than any machine has; below it, sizes cannot overflow.
  static constexpr size_t kBytesMax = size_t{1} << 46;

  void* Grow(size_t bytes) {
    if (bytes > kBytesMax) throw std::bad_alloc();
    if (blocks_.empty()) NewBlock(kFirstBlock);
    // Large things get blocks of their own, so that what is left of the current one stays in use.
    if (bytes > kLarge) {
      blocks_.emplace_back(static_cast<char*>(::operator new(bytes)));
      return blocks_.back().get();
    }
    if (static_cast<size_t>(end_ - at_) < bytes) NewBlock(kBlock);
    return Allocate(bytes);
  }

  // Not zeroed: untouched pages cost nothing.
  void NewBlock(size_t bytes) {
    blocks_.emplace_back(static_cast<char*>(::operator new(bytes)));
    at_ = blocks_.back().get();
    end_ = at_ + bytes;
  }

  struct Delete {
    void operator()(char* block) const { ::operator delete(block); }
  };
  using Block = std::unique_ptr<char, Delete>;
  std::vector<Block> blocks_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace nightjar::lang
