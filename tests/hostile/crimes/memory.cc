// Programs that want all memory there is, and look for some that nobody counts.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "memory";
constexpr size_t kPiece = 1 << 20;

// Writes `bytes` zeros; false where no more goes in.
bool Fill(int fd, size_t bytes) {
  static char piece[kPiece];
  while (bytes > 0) {
    ssize_t put = write(fd, piece, bytes < kPiece ? bytes : kPiece);
    if (put <= 0) return false;
    bytes -= static_cast<size_t>(put);
  }
  return true;
}

void TouchAll(int flags) {
  for (size_t had = 0; had < kMuch; had += kPiece) {
    void* piece = mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (piece == MAP_FAILED) return Say("no more");
    memset(piece, 1, kPiece);
  }
}

NJ_CRIME(touches_all, "memory", "") {
  TouchAll(MAP_PRIVATE | MAP_ANONYMOUS);
}

NJ_CRIME(touches_all_shared, "memory", "") {
  TouchAll(MAP_SHARED | MAP_ANONYMOUS);
}

NJ_CRIME(small_pieces, "memory", "") {
  for (size_t had = 0; had < kMuch; had += 64)
    if (void* piece = malloc(48)) memset(piece, 1, 48);
}

NJ_CRIME(children_share_it, "memory", "") {
  for (int i = 0; i < 5; ++i)
    if (Fork() == 0) {
      void* piece = malloc(24 << 20);
      memset(piece, 1, 24 << 20);
      Sleep();
    }
  while (wait(nullptr) > 0) continue;
  exit(1);
}

NJ_CRIME(file_without_a_name, "memory|crashed", "") {
  int fd = memfd_create("much", 0);
  Fill(fd, kMuch);
}

NJ_CRIME(files_without_a_name, "memory", "") {
  for (int i = 0; i < 200; ++i) Fill(memfd_create("some", 0), kPiece);
}

NJ_CRIME(its_own_input, "crashed|memory", "") {
  Fill(STDIN_FILENO, kMuch);
}

NJ_CRIME(full_pipes, "finished|memory", "") {
  for (int i = 0; i < 110; ++i) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0) break;
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    Fill(ends[1], kPiece);
  }
}

NJ_CRIME(full_socket_pairs, "finished|memory", "") {
  for (int i = 0; i < 110; ++i) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) break;
    Fill(ends[0], kPiece);
    Fill(ends[1], kPiece);
  }
}

// A page table for each page: the table is memory too.
NJ_CRIME(sparse_pages, "memory", "") {
  constexpr size_t kStep = 2 << 20;
  constexpr size_t kSpan = 40'000 * kStep;
  void* span = mmap(nullptr, kSpan, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (span == MAP_FAILED) return Say("refused");
  madvise(span, kSpan, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < kSpan; at += kStep) static_cast<volatile char*>(span)[at] = 1;
}

NJ_CRIME(many_mappings, "memory|finished", "") {
  for (int i = 0; i < 60'000; ++i)
    mmap(nullptr, 4096, i % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

[[gnu::noinline]] long Deeper(long level) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(level);
  return level > 100'000 ? 0 : Deeper(level + 1) + frame[0];
}

NJ_CRIME(deep_recursion, "crashed", "signal 11") {
  if (Deeper(0) == 1) Say("deep");
}

NJ_CRIME(locked_pages, "finished", "EPERM") {
  static char page[8192];
  SayResult(mlock(page, sizeof page));
}

NJ_CRIME(locks_everything, "finished", "EPERM") {
  SayResult(mlockall(MCL_CURRENT | MCL_FUTURE));
}

NJ_CRIME(huge_pages, "finished", "ENO") {
  void* page = mmap(nullptr, 2 << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  SayResult(page == MAP_FAILED ? -1 : 0);
}

// On their way through a socket, and in no process's table.
NJ_CRIME(descriptors_in_flight, "finished", "E") {
  int sent = 0;
  for (int i = 0; i < 100'000 && sent >= 0; ++i) {
    int ends[2];
    sent = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends);
    if (sent < 0) break;
    sent = SendControl(ends[0], SCM_RIGHTS, ends, sizeof ends);
    if (sent < 0) break;
    close(ends[0]);
    close(ends[1]);
  }
  SayResult(sent);
}

NJ_CRIME(words_without_end, "finished", "E2BIG") {
  char self[] = "/proc/self/exe";
  char* word = static_cast<char*>(malloc(kPiece * 4));
  memset(word, 'w', kPiece * 4 - 1);
  word[kPiece * 4 - 1] = 0;
  char* words[] = {self, word, nullptr};
  SayResult(execve(self, words, nullptr));
}

NJ_CRIME(descriptors_to_the_last, "finished", "EMFILE") {
  int fd = 0;
  for (int i = 0; i < 100'000 && fd >= 0; ++i) fd = eventfd(0, 0);
  SayResult(fd);
}

}  // namespace
}  // namespace nightjar::hostile
