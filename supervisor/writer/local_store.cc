#include "supervisor/writer/local_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "ipc/core/bounds.h"
#include "supervisor/writer/trace_day.h"

namespace nightjar {
namespace {

constexpr const char* kUnfinished = "unfinished";
constexpr const char* kWeek = "week";
// Of the one copy that is being made; traces being written are called after their run.
constexpr const char* kCopy = "copy";
constexpr size_t kKeyBytes = 256;

Result<Fd> OpenDirectory(int parent, const char* name) {
  if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) return FailErrno(name);
  Fd dir(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!dir.valid()) return FailErrno(name);
  return dir;
}

// The names in a directory; files and directories alike.
struct Entry {
  std::string name;
  bool is_directory = false;
};
Result<std::vector<Entry>> List(int parent, const char* name) {
  Fd dir(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!dir.valid()) return FailErrno(name);
  DIR* list = fdopendir(dir.get());
  if (list == nullptr) return FailErrno(name);
  (void)dir.Release();  // closedir's now
  std::vector<Entry> listed;
  while (dirent* entry = readdir(list)) {
    std::string_view found = entry->d_name;
    if (found == "." || found == "..") continue;
    bool is_directory = entry->d_type == DT_DIR;
    struct stat info;
    if (entry->d_type == DT_UNKNOWN &&  // some file systems do not tell
        fstatat(dirfd(list), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
      is_directory = S_ISDIR(info.st_mode);
    listed.push_back({std::string(found), is_directory});
  }
  closedir(list);
  return listed;
}

// Removes what lies in the directory `name` until `budget` is used up; then the directory too.
// True: it is gone.
Result<bool> RemoveTree(int parent, const std::string& name, size_t& budget) {
  NJ_ASSIGN(auto listed, List(parent, name.c_str()));
  Fd dir(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!dir.valid()) return FailErrno(name);
  for (const Entry& entry : listed) {
    if (budget == 0) return false;
    if (entry.is_directory) {
      NJ_ASSIGN(bool gone, RemoveTree(dir.get(), entry.name, budget));
      if (!gone) return false;
      continue;
    }
    if (unlinkat(dir.get(), entry.name.c_str(), 0) != 0 && errno != ENOENT)
      return FailErrno("removing an expired trace");
    --budget;
  }
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    return FailErrno("removing an expired day");
  return true;
}

// Keys are made by TraceKey, or come out of the index, which is a file and may say anything.
Result<std::string> PathOf(std::string_view key) {
  bool good = !key.empty() && key.size() <= kKeyBytes && key.find('\0') == key.npos;
  std::string_view rest = key;
  while (good && !rest.empty()) {
    std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    good = !part.empty() && part.front() != '.';
  }
  if (!good || key.back() == '/') return Fail(ErrorCode::kInvalid, "not the key of an object");
  return std::string(key);
}

using Seen = std::function<bool(const std::string& key, uint64_t bytes)>;

// What to do with directories once what is in them was seen.
enum class Emptied { kKeep, kRemove };

// Below `path`, which is a directory. False: `seen` has had enough.
Result<bool> WalkBelow(int parent, const std::string& name, const std::string& path,
                       const Seen& seen, Emptied emptied) {
  Fd dir(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  // Emptied and removed by somebody else since it was listed.
  if (!dir.valid() && errno == ENOENT) return true;
  if (!dir.valid()) return FailErrno("looking through " + path);
  std::unique_ptr<DIR, int (*)(DIR*)> list(fdopendir(dir.get()), closedir);
  if (list == nullptr) return FailErrno("looking through " + path);
  const int fd = dir.Release();  // closedir's now
  while (dirent* entry = readdir(list.get())) {
    std::string child = entry->d_name;
    if (child.front() == '.') continue;
    std::string key = path.empty() ? child : path + "/" + child;
    struct stat info;
    if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // it is gone
    bool more = true;
    if (S_ISDIR(info.st_mode)) {
      if (path.empty() && child == kUnfinished) continue;
      NJ_ASSIGN(more, WalkBelow(fd, child, key, seen, emptied));
      if (emptied == Emptied::kRemove) unlinkat(fd, child.c_str(), AT_REMOVEDIR);
    } else if (S_ISREG(info.st_mode)) {
      more = seen(key, static_cast<uint64_t>(info.st_size));
    }
    if (!more) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<LocalStore>> LocalStore::Create(const std::string& root) {
  auto dir = OpenDirectory(AT_FDCWD, root.c_str());
  if (!dir) return Wrap(dir.error(), "opening the trace store");
  auto unfinished = OpenDirectory(dir->get(), kUnfinished);
  if (!unfinished) return Wrap(unfinished.error(), "opening the trace store " + root);
  // Expired days are left to ExpireBefore: they may be large, and nobody waits for them.
  auto left = List(dir->get(), kUnfinished);
  if (!left) return Wrap(left.error(), "opening the trace store " + root);
  for (const Entry& entry : *left)
    if (!entry.is_directory) unlinkat(unfinished->get(), entry.name.c_str(), 0);
  return std::unique_ptr<LocalStore>(new LocalStore(std::move(*dir), std::move(*unfinished)));
}

Status LocalStore::MakeParents(const std::string& path) {
  for (size_t end = path.find('/'); end != path.npos; end = path.find('/', end + 1)) {
    std::string parent = path.substr(0, end);
    if (mkdirat(root_.get(), parent.c_str(), 0700) != 0 && errno != EEXIST)
      return FailErrno("making " + parent);
  }
  return {};
}

Status LocalStore::Put(std::string_view key, std::string_view object) {
  NJ_ASSIGN(std::string path, PathOf(key));
  return WriteAside(path.substr(path.rfind('/') + 1), object, path);
}

// Under the name of copies, which are the same thread's. What is there may be another name of an
// object, which stays as it is.
Status LocalStore::Replace(std::string_view key, std::string_view object) {
  NJ_ASSIGN(std::string path, PathOf(key));
  if (unlinkat(unfinished_.get(), kCopy, 0) != 0 && errno != ENOENT)
    return FailErrno("making a trace's file");
  return WriteAside(kCopy, object, path);
}

Status LocalStore::WriteAside(const std::string& name, std::string_view object,
                              const std::string& path) {
  Fd file(openat(unfinished_.get(), name.c_str(),
                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return FailErrno("making a trace's file");
  Status written = WriteAll(file, object, "writing a trace");
  if (written) written = NameUnfinished(name, path);
  if (!written) unlinkat(unfinished_.get(), name.c_str(), 0);
  return written;
}

Status LocalStore::NameUnfinished(const std::string& name, const std::string& path) {
  auto rename = [&] {
    return renameat(unfinished_.get(), name.c_str(), root_.get(), path.c_str());
  };
  if (rename() == 0) return {};
  // The day's or the canvas's first trace: only then is anything made.
  if (errno == ENOENT) NJ_TRY(MakeParents(path));
  if (rename() != 0) return FailErrno("naming a trace");
  return {};
}

Result<std::string> LocalStore::Get(std::string_view key, size_t bytes_max) {
  NJ_ASSIGN(std::string path, PathOf(key));
  return ReadFileAt(root_.get(), path.c_str(), bytes_max);
}

Status LocalStore::Delete(std::string_view key) {
  NJ_ASSIGN(std::string path, PathOf(key));
  if (unlinkat(root_.get(), path.c_str(), 0) != 0 && errno != ENOENT)
    return FailErrno("deleting a trace");
  return {};
}

Status LocalStore::Copy(std::string_view from, std::string_view to) {
  NJ_ASSIGN(std::string source, PathOf(from));
  NJ_ASSIGN(std::string path, PathOf(to));
  if (unlinkat(unfinished_.get(), kCopy, 0) != 0 && errno != ENOENT)
    return FailErrno("copying a trace");
  if (linkat(root_.get(), source.c_str(), unfinished_.get(), kCopy, 0) != 0)
    return FailErrno("copying a trace");
  // A rename onto another name of the same file does nothing and leaves both: the copy is there.
  Status named = NameUnfinished(kCopy, path);
  unlinkat(unfinished_.get(), kCopy, 0);
  return named;
}

Status LocalStore::RenameAway(const std::string& day) {
  const std::string from = std::string(kWeek) + "/" + day;
  // Where one of the same day is still being removed, this one gets another name.
  std::string to = day;
  while (renameat(root_.get(), from.c_str(), unfinished_.get(), to.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST) return FailErrno("expiring " + day);
    to += "'";
  }
  return {};
}

// The rename is the decision: a crash behind it leaves nothing that can be read, and what is left
// is removed by the next call.
Result<bool> LocalStore::ExpireBefore(std::string_view day) {
  auto days = List(root_.get(), kWeek);
  if (!days && days.error().code != ErrorCode::kNotFound)
    return tl::unexpected<Error>(days.error());
  if (days) {
    for (const Entry& entry : *days) {
      if (!TraceDay::Parse(entry.name) || entry.name >= day) continue;
      NJ_TRY(RenameAway(entry.name));
    }
  }
  size_t budget = bounds::kExpiredFilesPerCall;
  NJ_ASSIGN(auto expired, List(root_.get(), kUnfinished));
  for (const Entry& entry : expired) {
    if (!entry.is_directory) continue;
    NJ_ASSIGN(bool gone, RemoveTree(unfinished_.get(), entry.name, budget));
    if (!gone) return true;
  }
  return false;
}

Result<uint64_t> LocalStore::SizeOf(std::string_view key) const {
  NJ_ASSIGN(std::string path, PathOf(key));
  struct stat info;
  if (fstatat(root_.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return FailErrno("a trace's file");
  return static_cast<uint64_t>(info.st_size);
}

Status LocalStore::Walk(const Seen& seen) const {
  auto walked = WalkBelow(root_.get(), ".", "", seen, Emptied::kKeep);
  return walked ? Status() : Status(tl::unexpect, walked.error());
}

Status LocalStore::RemoveEmptyDirectories() {
  auto all = [](const std::string&, uint64_t) { return true; };
  auto walked = WalkBelow(root_.get(), ".", "", all, Emptied::kRemove);
  return walked ? Status() : Status(tl::unexpect, walked.error());
}

}  // namespace nightjar
