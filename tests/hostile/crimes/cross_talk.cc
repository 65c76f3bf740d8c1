// Programs that leave something for the next run, and look for what the one before has left. The
// suite asks each several times as one canvas, and then as another.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "cross-talk";

NJ_CRIME(first_descriptors, "finished", "open: 0 1 2 .") {
  std::string open = "open:";
  for (int fd = 0; fd < 4096; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) open += " " + std::to_string(fd);
  Say((open + " .").c_str());
}

NJ_CRIME(descriptors_of_the_worker, "finished", "EBADF") {
  char byte = 0;
  for (int fd = 3; fd < 64; ++fd)
    if (write(fd, &byte, 1) >= 0 || errno != EBADF) return Say("one of them is open");
  SayResult(write(3, &byte, 1));
}

NJ_CRIME(file_in_tmp, "finished", "clean") {
  Say(access("/tmp/left", F_OK) == 0 ? "found" : "clean");
  close(open("/tmp/left", O_WRONLY | O_CREAT, 0666));
}

NJ_CRIME(any_file_in_tmp, "finished", "files 2") {
  int files = 0;
  DIR* tmp = opendir("/tmp");
  while (tmp != nullptr && readdir(tmp) != nullptr) ++files;
  printf("files %d\n", files);
  mkdir("/tmp/deep", 0777);
}

NJ_CRIME(file_in_app, "finished", "clean") {
  Say(access("/app/left", F_OK) == 0 ? "found" : "clean");
  close(open("/app/left", O_WRONLY | O_CREAT, 0666));
}

NJ_CRIME(processes_of_others, "finished", "alone") {
  // A number of a pid namespace says how many there were before.
  bool alone = getpid() <= 4;
  for (int pid = 2; pid < 300; ++pid) alone = alone && (pid == getpid() || kill(pid, 0) != 0);
  Say(alone ? "alone" : "others");
  if (Fork() == 0) Sleep();
}

NJ_CRIME(priority_of_the_user, "finished", "nice 0") {
  printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
  setpriority(PRIO_USER, 0, 19);
}

NJ_CRIME(mask_and_session, "finished", "new") {
  mode_t mask = umask(0);
  Say(mask == 077 && getsid(0) == getpid() ? "new" : "inherited");
  chdir("/tmp") == 0 ? Say("moved") : Say("stayed");
}

NJ_CRIME(locks_left_behind, "finished", "allowed") {
  int fd = open("/usr/bin/env", O_RDONLY);
  struct flock whole {};
  whole.l_type = F_RDLCK;
  SayResult(fcntl(fd, F_SETLK, &whole));
  if (Fork() == 0) Sleep();
}

// What a /tmp held must not count as the memory of the next run in its cell.
NJ_CRIME(memory_of_the_one_before, "finished", "enough") {
  static char piece[1 << 20];
  int fd = open("/tmp/full", O_WRONLY | O_CREAT, 0600);
  while (write(fd, piece, sizeof piece) > 0) continue;
  constexpr size_t kMost = 36 << 20;
  volatile char* most = static_cast<char*>(malloc(kMost));
  for (size_t at = 0; at < kMost; at += 4096) most[at] = 1;
  Say("enough");
}

NJ_CRIME(environment, "finished", "clean") {
  Say(getenv("LEFT") == nullptr && getenv("NOTIFY_SOCKET") == nullptr &&
              getenv("LD_PRELOAD") == nullptr
          ? "clean"
          : "found");
  setenv("LEFT", "1", 1);
}

}  // namespace
}  // namespace nightjar::hostile
