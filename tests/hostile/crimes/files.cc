// Programs that look for files which are not theirs, or make too many.
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "files";

NJ_CRIME(fills_tmp, "finished", "ENOSPC") {
  static char piece[1 << 16];
  int fd = open("/tmp/full", O_WRONLY | O_CREAT, 0600);
  ssize_t put = 1;
  for (size_t had = 0; had < kMuch && put > 0; had += sizeof piece)
    put = write(fd, piece, sizeof piece);
  SayResult(put);
}

NJ_CRIME(uses_all_inodes, "finished", "ENOSPC") {
  int fd = 0;
  for (int i = 0; i < 100'000 && fd >= 0; ++i) {
    fd = open(("/tmp/f" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT, 0600);
    if (fd >= 0) close(fd);
  }
  SayResult(fd);
}

NJ_CRIME(deep_tree, "finished", "allowed") {
  int made = chdir("/tmp");
  for (int i = 0; i < 1'000 && made == 0; ++i) {
    made = mkdir("deeper", 0700);
    if (made == 0) made = chdir("deeper");
  }
  SayResult(made);
}

NJ_CRIME(sparse_file, "crashed", "signal 25") {
  int fd = open("/tmp/sparse", O_WRONLY | O_CREAT, 0600);
  SayResult(ftruncate(fd, off_t{1} << 40));
}

NJ_CRIME(fifo_that_nobody_writes, "wall_time", "") {
  mkfifo("/tmp/fifo", 0600);
  SayResult(open("/tmp/fifo", O_RDONLY));
}

NJ_CRIME(reads_shadow, "finished", "ENOENT") {
  SayOpen("/etc/shadow", O_RDONLY);
}

NJ_CRIME(planted_link, "finished", "ENOENT") {
  if (symlink("/etc/shadow", "/tmp/words") != 0) return Say("no link");
  SayOpen("/tmp/words", O_RDONLY);
}

NJ_CRIME(up_and_out, "finished", "ENOENT") {
  std::string path = "/tmp";
  for (int i = 0; i < 60; ++i) path += "/..";
  SayOpen((path + "/root/.ssh").c_str(), O_RDONLY);
}

NJ_CRIME(writes_to_usr, "finished", "EROFS") {
  SayOpen("/usr/bin/planted", O_WRONLY | O_CREAT);
}

NJ_CRIME(writes_to_app, "finished", "EROFS") {
  SayOpen("/app/planted", O_WRONLY | O_CREAT);
}

NJ_CRIME(writes_to_the_root, "finished", "EROFS") {
  SayOpen("/planted", O_WRONLY | O_CREAT);
}

NJ_CRIME(writes_to_its_own_program, "finished", "E") {
  SayOpen("/proc/self/exe", O_WRONLY);
}

NJ_CRIME(changes_modes_of_usr, "finished", "EROFS") {
  SayResult(chmod("/usr/bin/env", 0777));
}

NJ_CRIME(link_out_of_usr, "finished", "EXDEV") {
  SayResult(link("/usr/bin/env", "/tmp/env"));
}

NJ_CRIME(gives_a_file_to_root, "finished", "EPERM") {
  SayOpen("/tmp/mine", O_WRONLY | O_CREAT);
  SayResult(chown("/tmp/mine", 0, 0));
}

NJ_CRIME(init_in_proc, "finished", "hidden 6") {
  int hidden = 0;
  for (const char* name : {"mem", "environ", "maps", "fd/3", "root/etc/shadow", "cwd"})
    if (open(("/proc/1/" + std::string(name)).c_str(), O_RDONLY) < 0) ++hidden;
  printf("hidden %d\n", hidden);
}

NJ_CRIME(others_in_proc, "finished", "others 0") {
  int others = 0;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return Say("no proc");
  while (dirent* entry = readdir(proc)) {
    int pid = atoi(entry->d_name);
    if (pid > 0 && pid != getpid()) ++others;
  }
  printf("others %d\n", others);
}

NJ_CRIME(switches_of_the_kernel, "finished", "there 0") {
  int there = 0;
  for (const char* path :
       {"/proc/sysrq-trigger", "/proc/kcore", "/proc/kmsg", "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe", "/proc/keys", "/proc/mounts/x", "/sys/kernel",
        "/sys/fs/cgroup", "/sys/firmware", "/run/systemd", "/var/run/docker.sock"})
    if (access(path, F_OK) == 0) ++there;
  printf("there %d\n", there);
}

NJ_CRIME(spared_by_the_killer, "finished", "E") {
  SayOpen("/proc/self/oom_score_adj", O_WRONLY);
}

NJ_CRIME(maps_its_users, "finished", "E") {
  SayOpen("/proc/self/uid_map", O_WRONLY);
}

NJ_CRIME(leaves_its_cgroup, "finished", "ENOENT") {
  SayOpen("/sys/fs/cgroup/cgroup.procs", O_WRONLY);
}

NJ_CRIME(devices_of_the_host, "finished", "there 0") {
  int there = 0;
  for (const char* path : {"/dev/mem", "/dev/kmsg", "/dev/fuse", "/dev/kvm", "/dev/sda", "/dev/vda",
                           "/dev/tty", "/dev/ptmx", "/dev/shm", "/dev/mqueue", "/dev/net/tun"})
    if (access(path, F_OK) == 0) ++there;
  printf("there %d\n", there);
}

NJ_CRIME(makes_a_device, "finished", "EPERM") {
  SayResult(mknod("/tmp/memory", S_IFCHR | 0600, makedev(1, 1)));
}

// No set-user-id program makes another of it.
NJ_CRIME(set_user_programs, "finished", "honoured 0") {
  int honoured = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
  for (const char* path : {"/usr", "/tmp", "/app", "/"}) {
    struct statvfs mounted {};
    if (statvfs(path, &mounted) != 0 || (mounted.f_flag & ST_NOSUID) == 0) ++honoured;
  }
  printf("honoured %d\n", honoured);
}

// Each name that is not there is remembered by the kernel.
NJ_CRIME(names_that_are_not_there, "finished|memory|cpu_time", "") {
  struct stat found {};
  for (int i = 0; i < 50'000; ++i) stat(("/usr/lib/" + std::to_string(i)).c_str(), &found);
}

// Who opens the files that everybody is shown: the host and other canvases do.
NJ_CRIME(spies_on_usr, "finished", "ENOSYS") {
  int fd = inotify_init1(0);
  if (fd < 0) return SayResult(fd);
  SayResult(inotify_add_watch(fd, "/usr/bin", IN_OPEN));
  alignas(inotify_event) char bytes[4096];
  if (read(fd, bytes, sizeof bytes) > 0) Say(reinterpret_cast<inotify_event*>(bytes)->name);
}

NJ_CRIME(rests_in_its_cgroup, "finished", "") {
  char text[4096] = {};
  int fd = open("/proc/self/cgroup", O_RDONLY);
  if (read(fd, text, sizeof text - 1) < 0) return Say("not to be read");
  Say(text);
}

}  // namespace
}  // namespace nightjar::hostile
