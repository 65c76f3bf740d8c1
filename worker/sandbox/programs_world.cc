#include "worker/sandbox/programs_world.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/core/programs_root.h"
#include "worker/sandbox/new_root.h"

namespace nightjar {
namespace {

namespace fs = std::filesystem;

constexpr unsigned long kQuiet = MS_NOSUID | MS_NODEV;
constexpr unsigned long kProcFlags = kQuiet | MS_NOEXEC | MS_RDONLY;

std::string Inside(const std::string& path) {
  return kNewRoot + path;
}

Status MakeFolder(const std::string& path) {
  std::error_code failed;
  fs::create_directories(Inside(path), failed);
  if (failed) return FailErrno("making " + path + " in the programs' root", failed.value());
  return {};
}

Status MakeFile(const std::string& path, std::string_view content) {
  NJ_TRY(MakeFolder(fs::path(path).parent_path().string()));
  Fd file(open(Inside(path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0444));
  if (!file.valid()) return FailErrno("making " + path + " in the programs' root");
  return WriteAll(file, content, path.c_str());
}

// `flags` of the mount that shows `path` of the host as `place` inside.
Status Show(const std::string& path, const std::string& place, unsigned long flags) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return FailErrno(path);
  NJ_TRY(S_ISDIR(found.st_mode) ? MakeFolder(place) : MakeFile(place, ""));
  std::string inside = Inside(place);
  if (mount(path.c_str(), inside.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return FailErrno("showing " + path + " to programs");
  // What the host forbids at this mount stays forbidden. A user namespace may not undo it anyway.
  struct statvfs host {};
  if (statvfs(inside.c_str(), &host) != 0) return FailErrno("looking at the mount of " + path);
  constexpr unsigned long kForbids = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
  static_assert(kForbids == (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
  flags |= host.f_flag & kForbids;
  if (mount(nullptr, inside.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) != 0)
    return FailErrno("protecting " + path + " from programs");
  return {};
}

Status Show(const std::string& path, unsigned long flags) {
  return Show(path, path, flags);
}

// Hosts with a merged /usr have /bin, /lib and others as links into it, which programs rely on.
Status CopyRootLinks() {
  for (const char* name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code failed;
    fs::path target = fs::read_symlink(name, failed);
    if (failed) continue;
    // One that was asked for by its own name is there already.
    if (symlink(target.c_str(), Inside(name).c_str()) != 0 && errno != EEXIST)
      return FailErrno(name);
  }
  return {};
}

Status FurnishEtc() {
  NJ_TRY(MakeFile("/etc/passwd", "nobody:x:65534:65534:nobody:/tmp:/usr/sbin/nologin\n"));
  NJ_TRY(MakeFile("/etc/group", "nogroup:x:65534:\n"));
  NJ_TRY(MakeFile("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"));
  NJ_TRY(MakeFile("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"));
  // Of the dynamic linker, and the links that packages' programs go through.
  for (const char* path : {"/etc/ld.so.cache", "/etc/alternatives"})
    if (access(path, F_OK) == 0) NJ_TRY(Show(path, kQuiet | MS_RDONLY));
  return {};
}

Status FurnishDevices() {
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"})
    NJ_TRY(Show(device, MS_NOSUID | MS_NOEXEC));
  return {};
}

Status ShowPaths(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) NJ_TRY(Show(path, kQuiet | MS_RDONLY));
  NJ_TRY(CopyRootLinks());
  return FurnishEtc();
}

// All that is in it, but what the root has of its own.
Status ShowDirectory(const std::string& directory) {
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failed)) {
    std::string place = "/" + entry.path().filename().string();
    if (IsOwnPlace(place)) continue;
    if (!entry.is_symlink()) {
      NJ_TRY(Show(entry.path().string(), place, kQuiet | MS_RDONLY));
      continue;
    }
    fs::path target = fs::read_symlink(entry.path(), failed);
    if (failed || symlink(target.c_str(), Inside(place).c_str()) != 0)
      return FailErrno(entry.path().string());
  }
  if (failed) return FailErrno(directory, failed.value());
  return access(Inside("/etc").c_str(), F_OK) == 0 ? Status{} : FurnishEtc();
}

// The zygote's own. Each worker mounts one of its own over it, which the kernel allows the root of
// a user namespace only where a whole /proc is to be seen already.
Status FurnishProc() {
  if (mount("proc", Inside("/proc").c_str(), "proc", kProcFlags, nullptr) != 0)
    return FailErrno("mounting /proc for programs");
  return {};
}

}  // namespace

Status EnterProgramsWorld(const ProgramsRoot& root) {
  NJ_TRY(MountNewRoot(kQuiet, "size=256k,nr_inodes=512,mode=0755"));
  umask(022);
  for (const char* folder : {"/proc", "/tmp", "/app"}) NJ_TRY(MakeFolder(folder));
  NJ_TRY(root.directory.empty() ? ShowPaths(root.paths) : ShowDirectory(root.directory));
  NJ_TRY(FurnishDevices());
  NJ_TRY(FurnishProc());
  return BecomeNewRoot(kQuiet);
}

int MountOwnFiles(uint32_t uid, uint64_t tmp_bytes) {
  auto mount_memory = [&](const char* path, unsigned long long bytes, unsigned files) {
    char options[128];
    snprintf(options, sizeof options, "size=%llu,nr_inodes=%u,mode=0755,uid=%u,gid=%u", bytes,
             files, uid, uid);
    return mount("nightjar", path, "tmpfs", kQuiet, options);
  };
  if (mount_memory("/tmp", tmp_bytes, bounds::kProgramFiles) != 0) return -1;
  // Each file takes whole pages, and folders are inodes too.
  constexpr size_t kBytes = bounds::kProgramBytes + bounds::kCanvasFiles * 4 * bounds::kKiB;
  if (mount_memory("/app", kBytes, bounds::kCanvasFiles * 8) != 0) return -1;
  int filled = open("/app", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (filled < 0) return -1;
  // The same again over it, read-only: by its name nobody comes to the one below any more.
  if (mount("/app", "/app", nullptr, MS_BIND, nullptr) != 0 ||
      mount(nullptr, "/app", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kQuiet, nullptr) != 0 ||
      mount("proc", "/proc", "proc", kProcFlags, "hidepid=invisible,subset=pid") != 0)
    return -1;
  return filled;
}

}  // namespace nightjar
