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
  void* Allocate(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (static_cast<size_t>(end_ - at_) < bytes) Grow(bytes);
    void* place = at_;
    at_ += bytes;
    return place;
  }
  template <typename T>
  T* Array(size_t count) {
    return static_cast<T*>(Allocate(count * sizeof(T)));
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

  void Grow(size_t bytes) {
    size_t size = blocks_.empty() ? kFirstBlock : kBlock;
    if (bytes > size) size = bytes;
    // Not zeroed: untouched pages cost nothing.
    blocks_.emplace_back(static_cast<char*>(::operator new(size)));
    at_ = blocks_.back().get();
    end_ = at_ + size;
    // The first block must be the standard one, for Reset().
    if (blocks_.size() == 1 && size != kFirstBlock)
      blocks_.insert(blocks_.begin(), Block(static_cast<char*>(::operator new(kFirstBlock))));
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
