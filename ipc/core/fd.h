// Fd owns one file descriptor: move-only, closed once, close-on-exec at birth.
//
// It has no operator bool, so that descriptor 0 and "none" cannot be mixed up: ask valid(). The
// factories below are the ones everything else uses, so that each new descriptor has O_CLOEXEC from
// the start (a fork in another thread must never inherit it). Any thread; one owner.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/core/result.h"

namespace nightjar {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close();
  Result<Fd> Duplicate() const;

 private:
  int fd_ = -1;
};

// Reads a whole small file below a held directory. At most `bytes_max`; longer is kExhausted.
Result<std::string> ReadFileAt(int dir_fd, const char* name, size_t bytes_max = 64 * 1024);
// One write(2) to a file below a held directory; the file must exist (control files do).
Status WriteFileAt(int dir_fd, const char* name, std::string_view text);

// All of `content`, at the file's position. `doing` is for the error: "writing a trace".
Status WriteAll(const Fd& fd, std::string_view content, const char* doing);

// An anonymous file of exactly `bytes`, sealed against growing and shrinking.
Result<Fd> CreateSizedMemfd(const char* name, size_t bytes);
// An anonymous file holding `content`, sealed against every change: an immutable value that can be
// passed on.
Result<Fd> CreateImmutableMemfd(const char* name, std::string_view content);
// Reads a memfd that a stranger made. Refuses one that is not sealed against shrinking and writing
// (a shrink while it is mapped would be SIGBUS here; a write would be time-of-check to time-of-use)
// or is over `bytes_max`.
Result<std::string> ReadForeignMemfd(const Fd& fd, size_t bytes_max);

// Two connected SOCK_SEQPACKET ends: one message is one packet, and the end of the other side is
// seen.
Result<std::pair<Fd, Fd>> SeqpacketPair();

struct Pipe {
  Fd read;
  Fd write;
};
// Both ends close-on-exec.
Result<Pipe> MakePipe();

// A mapping of a memfd, unmapped once. Move-only.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  // Maps the first `bytes` of fd shared. `writable` needs a descriptor without F_SEAL_WRITE.
  enum class Access { kRead, kReadWrite };
  static Result<Mapping> Create(const Fd& fd, size_t bytes, Access access);

  std::span<std::byte> bytes() const { return bytes_; }
  bool valid() const { return bytes_.data() != nullptr; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace nightjar
