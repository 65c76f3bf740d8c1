// Programs whose answer is the attack.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "output";

void Put(int fd, const std::string& bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    ssize_t put = write(fd, bytes.data() + at, bytes.size() - at);
    if (put <= 0) return;
    at += static_cast<size_t>(put);
  }
}

void Flood(int fd, const std::string& piece) {
  for (size_t had = 0; had < kMuch && StillTime(); had += piece.size()) Put(fd, piece);
}

NJ_CRIME(flood, "output", "") {
  Flood(STDOUT_FILENO, std::string(65536, 'x') + "\n");
}

NJ_CRIME(flood_without_lines, "output", "") {
  Flood(STDOUT_FILENO, std::string(65536, 'x'));
}

NJ_CRIME(flood_of_empty_lines, "output|cpu_time", "") {
  Flood(STDOUT_FILENO, std::string(65536, '\n'));
}

NJ_CRIME(flood_of_errors, "cpu_time|wall_time", "") {
  Flood(STDERR_FILENO, std::string(65536, 'e'));
  Sleep();
}

NJ_CRIME(flood_of_single_bytes, "cpu_time|wall_time", "") {
  while (StillTime()) Put(STDERR_FILENO, "\n");
}

NJ_CRIME(flood_from_children, "output", "") {
  for (int i = 0; i < 4; ++i)
    if (Fork() == 0) Flood(STDOUT_FILENO, std::string(65536, 'c'));
  Sleep();
}

NJ_CRIME(half_a_header, "finished", "X-Half") {
  Put(STDOUT_FILENO, "Content-Type: text/html\r\nX-Half");
}

NJ_CRIME(splits_the_answer, "program_error", "control characters") {
  Put(STDOUT_FILENO, "Content-Type: text/html\r\nX-A: a\rSet-Cookie: stolen=1\r\n\r\nbody");
}

NJ_CRIME(zero_in_a_header, "program_error", "control characters") {
  Put(STDOUT_FILENO, std::string("Content-Type: text/html\r\nX-A: a\0b\r\n\r\nbody", 40));
}

NJ_CRIME(too_many_headers, "program_error", "more than 100 headers") {
  std::string head = "Content-Type: text/html\n";
  for (int i = 0; i < 100'000; ++i) head += "A: b\n";
  Put(STDOUT_FILENO, head + "\nbody");
}

NJ_CRIME(long_header, "finished|program_error", "") {
  Put(STDOUT_FILENO, "Content-Type: text/html\nX-A: " + std::string(500'000, 'a') + "\n\nbody");
}

NJ_CRIME(status_of_the_future, "program_error", "Status") {
  Put(STDOUT_FILENO, "Status: 99999999999999999999\n\nbody");
}

NJ_CRIME(status_101, "program_error", "Status") {
  Put(STDOUT_FILENO, "Status: 101 Switching Protocols\n\nGET / HTTP/1.1\r\n\r\n");
}

NJ_CRIME(lies_about_its_length, "finished", "short") {
  Put(STDOUT_FILENO, "Content-Type: text/plain\nContent-Length: 100000\n\nshort\n");
}

NJ_CRIME(second_answer_in_the_body, "finished", "HTTP/1.1 200 OK") {
  Put(STDOUT_FILENO,
      "Content-Type: text/plain\nContent-Length: 0\nTransfer-Encoding: chunked\n\n"
      "0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

NJ_CRIME(body_where_none_may_be, "finished", "") {
  Put(STDOUT_FILENO, "Status: 204\nContent-Type: text/plain\n\nHTTP/1.1 200 OK\r\n\r\n");
}

NJ_CRIME(not_modified_with_a_body, "finished", "") {
  Put(STDOUT_FILENO, "Status: 304\nContent-Type: text/plain\n\nHTTP/1.1 200 OK\r\n\r\n");
}

NJ_CRIME(keeps_its_connection, "finished", "body") {
  Put(STDOUT_FILENO,
      "Content-Type: text/plain\nConnection: upgrade\nUpgrade: h2c\nKeep-Alive: timeout=9999\n"
      "Trailer: X\nTE: trailers\nContent-Length: -1\nContent-Length: 7\n\nbody");
}

// Headers and body come close to what one packet from the worker may be.
#define NJ_HEADERS(name, kib, outcome)                                                            \
  NJ_CRIME(name, outcome, "") {                                                                   \
    Put(STDOUT_FILENO, "Content-Type: text/html\nX-A: " + std::string((kib)*1024, 'a') + "\n\n" + \
                           std::string(65536, 'b'));                                              \
  }
NJ_HEADERS(header_of_15_kib, 15, "finished")
NJ_HEADERS(header_of_31_kib, 31, "finished|program_error")
NJ_HEADERS(header_of_33_kib, 33, "finished|program_error")
NJ_HEADERS(header_of_95_kib, 95, "finished|program_error")
NJ_HEADERS(header_of_97_kib, 97, "program_error")

// The runner takes the verdict from this header.
NJ_CRIME(verdict_of_its_own, "finished", "body") {
  Put(STDOUT_FILENO,
      "Content-Type: text/plain\nX-Nightjar-Verdict: operator\n"
      "X-Nightjar-Trace: 00000000-0000-0000-0000-000000000000\n\nbody\n");
}

NJ_CRIME(lines_for_the_log, "finished", "said") {
  Put(STDERR_FILENO, "\x1b]0;owned\x07\x1b[2J\n{\"verdict\":\"finished\"}\nevent=worker_died\n");
  Say("said");
}

NJ_CRIME(every_byte, "finished", "abc") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  Put(STDOUT_FILENO, bytes);
  Put(STDERR_FILENO, bytes);
}

NJ_CRIME(closes_all_and_spins, "cpu_time", "") {
  close(0);
  close(1);
  close(2);
  Burn();
}

NJ_CRIME(closes_all_and_sleeps, "wall_time", "") {
  close(0);
  close(1);
  close(2);
  Sleep();
}

// For so many milliseconds since the start of the program.
bool Within(long milliseconds) {
  timespec now{};
  static const timespec start = [] {
    timespec first{};
    clock_gettime(CLOCK_MONOTONIC, &first);
    return first;
  }();
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1'000'000 <
         milliseconds;
}

// The worker is told of bytes that somebody else then reads: it must not wait for more of them
// when the program is over, while a survivor holds the pipe open.
NJ_CRIME(steals_its_own_output, "finished", "") {
  Within(0);
  if (Fork() == 0) {
    timespec nap{0, 20'000};
    while (Within(150)) {
      Put(STDOUT_FILENO, "x");
      clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
    }
    Sleep();
  }
  if (Fork() == 0) {
    int thief = open("/proc/self/fd/1", O_RDONLY | O_NONBLOCK);
    char byte;
    while (Within(160)) (void)!read(thief, &byte, 1);
    Sleep();
  }
  timespec while_they_do{0, 200'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &while_they_do, nullptr);
}

}  // namespace
}  // namespace nightjar::hostile
