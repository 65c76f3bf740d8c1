#include "ipc/core/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/core/check.h"

namespace nightjar {

void Fd::Close() {
  // close(2) is not retried on EINTR: on Linux the descriptor is gone either way.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Fd> Fd::Duplicate() const {
  int copy = fcntl(fd_, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return FailErrno("duplicating a descriptor");
  return Fd(copy);
}

Result<std::string> ReadFileAt(int dir_fd, const char* name, size_t bytes_max) {
  Fd fd(openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno(name);
  std::string text;
  char chunk[4096];
  for (;;) {
    ssize_t got = read(fd.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(name);
    if (got == 0) return text;
    if (text.size() + static_cast<size_t>(got) > bytes_max)
      return Fail(ErrorCode::kExhausted, std::string(name) + ": larger than allowed");
    text.append(chunk, static_cast<size_t>(got));
  }
}

Status WriteFileAt(int dir_fd, const char* name, std::string_view text) {
  Fd fd(openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno(name);
  ssize_t put;
  do {
    put = write(fd.get(), text.data(), text.size());
  } while (put < 0 && errno == EINTR);
  if (put < 0) return FailErrno(name);
  if (static_cast<size_t>(put) != text.size())
    return Fail(ErrorCode::kInternal, std::string(name) + ": short write");
  return {};
}

Status WriteAll(const Fd& fd, std::string_view content, const char* doing) {
  while (!content.empty()) {
    ssize_t put = write(fd.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FailErrno(doing);
    content.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

namespace {

Result<Fd> CreateMemfd(const char* name) {
  Fd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return FailErrno("memfd_create");
  return fd;
}

}  // namespace

Result<Fd> CreateSizedMemfd(const char* name, size_t bytes) {
  NJ_ASSIGN(Fd fd, CreateMemfd(name));
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return FailErrno("sizing a memfd");
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return FailErrno("sealing a memfd");
  return fd;
}

Result<Fd> CreateImmutableMemfd(const char* name, std::string_view content) {
  NJ_ASSIGN(Fd fd, CreateMemfd(name));
  NJ_TRY(WriteAll(fd, content, "writing a memfd"));
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return FailErrno("sealing a memfd");
  return fd;
}

Result<std::string> ReadForeignMemfd(const Fd& fd, size_t bytes_max) {
  constexpr int kNeeded = F_SEAL_SHRINK | F_SEAL_WRITE;
  int seals = fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kNeeded) != kNeeded)
    return Fail(ErrorCode::kProtocol, "a passed file is not sealed");
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return FailErrno("fstat of a passed file");
  if (info.st_size < 0 || static_cast<size_t>(info.st_size) > bytes_max)
    return Fail(ErrorCode::kExhausted, "a passed file is larger than allowed");
  std::string content(static_cast<size_t>(info.st_size), '\0');
  size_t filled = 0;
  while (filled < content.size()) {
    ssize_t got = pread(fd.get(), content.data() + filled, content.size() - filled,
                        static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("reading a passed file");
    if (got == 0) return Fail(ErrorCode::kProtocol, "a passed file ended early");
    filled += static_cast<size_t>(got);
  }
  return content;
}

Result<std::pair<Fd, Fd>> SeqpacketPair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return FailErrno("socketpair");
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailErrno("making a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (valid()) CHECK(munmap(bytes_.data(), bytes_.size()) == 0);
}

Result<Mapping> Mapping::Create(const Fd& fd, size_t bytes, Access access) {
  int protection = access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* base = mmap(nullptr, bytes, protection, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) return FailErrno("mapping a memfd");
  Mapping mapping;
  mapping.bytes_ = {static_cast<std::byte*>(base), bytes};
  return mapping;
}

}  // namespace nightjar
