// `crime NAME` commits one crime; `crime` lists them all.
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

time_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

const time_t started = Now();

// What still holds when no wall does.
void BoundMyself() {
  alarm(kSecondsMax + 2);
  rlimit processes{200, 200};
  setrlimit(RLIMIT_NPROC, &processes);
}

}  // namespace

std::vector<Crime>& Crimes() {
  static std::vector<Crime> crimes;
  return crimes;
}

bool StillTime() {
  return Now() - started < kSecondsMax;
}

pid_t Fork() {
  pid_t pid = fork();
  if (pid == 0) alarm(kSecondsMax + 2);
  return pid;
}

void Burn() {
  while (StillTime()) continue;
}

pid_t ForkBurner() {
  pid_t pid = Fork();
  if (pid != 0) return pid;
  Burn();
  _exit(0);
}

void Sleep() {
  while (StillTime()) {
    timespec some{0, 50'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &some, nullptr);
  }
}

void InThreads(int count, void (*what)()) {
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    pthread_create(
        &thread, nullptr,
        [](void* argument) -> void* {
          reinterpret_cast<void (*)()>(argument)();
          return nullptr;
        },
        reinterpret_cast<void*>(what));
  }
}

int SendControl(int socket, int type, const void* data, size_t size) {
  alignas(cmsghdr) char control[CMSG_SPACE(64)]{};
  char byte = 0;
  iovec bytes{&byte, 1};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(size);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), data, size);
  return static_cast<int>(sendmsg(socket, &message, 0));
}

void Say(const char* line) {
  printf("%s\n", line);
  fflush(stdout);
}

void SayResult(long result) {
  Say(result >= 0 ? "allowed" : strerrorname_np(errno));
}

void SayOpen(const char* path, int flags) {
  int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);
  SayResult(fd);
  if (fd >= 0) close(fd);
}

}  // namespace nightjar::hostile

int main(int argc, char** argv) {
  using namespace nightjar::hostile;
  if (argc < 2) {
    for (const Crime& crime : Crimes())
      printf("%s\t%s\t%s\t%s\n", crime.name, crime.kind, crime.expected, crime.says);
    return 0;
  }
  if (geteuid() == 0) {
    fputs("crimes are not for root: they belong behind the walls\n", stderr);
    return 2;
  }
  for (const Crime& crime : Crimes()) {
    if (strcmp(crime.name, argv[1]) != 0) continue;
    BoundMyself();
    crime.commit();
    return 0;
  }
  fprintf(stderr, "there is no crime %s\n", argv[1]);
  return 2;
}
