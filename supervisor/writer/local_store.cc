#include "supervisor/writer/local_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace nightjar {
namespace {

constexpr const char* kUnfinished = "unfinished";
constexpr size_t kKeyBytes = 256;

Result<Fd> OpenDirectory(int parent, const char* name) {
  if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) return FailErrno(name);
  Fd dir(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!dir.valid()) return FailErrno(name);
  return dir;
}

void RemoveFiles(const Fd& dir) {
  auto copy = dir.Duplicate();
  if (!copy) return;
  DIR* list = fdopendir(copy->get());
  if (list == nullptr) return;
  (void)copy->Release();  // closedir's now
  while (dirent* entry = readdir(list))
    if (entry->d_type != DT_DIR) unlinkat(dir.get(), entry->d_name, 0);
  closedir(list);
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
  RemoveFiles(*unfinished);
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
  const std::string name = path.substr(path.rfind('/') + 1);
  Fd file(openat(unfinished_.get(), name.c_str(),
                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return FailErrno("making a trace's file");
  Status written = WriteAll(file, object, "writing a trace");
  auto rename = [&] {
    return renameat(unfinished_.get(), name.c_str(), root_.get(), path.c_str());
  };
  if (written && rename() != 0) {
    // The day's or the canvas's first trace: only then is anything made.
    if (errno == ENOENT) written = MakeParents(path);
    if (written && rename() != 0) written = FailErrno("naming a trace");
  }
  if (!written) unlinkat(unfinished_.get(), name.c_str(), 0);
  return written;
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
  NJ_TRY(MakeParents(path));
  // A link does not replace what is there, a name that is moved does. No trace's own name begins
  // so.
  const std::string aside = "copy-" + path.substr(path.rfind('/') + 1);
  unlinkat(unfinished_.get(), aside.c_str(), 0);
  if (linkat(root_.get(), source.c_str(), unfinished_.get(), aside.c_str(), 0) != 0)
    return FailErrno("copying a trace");
  Status named;
  if (renameat(unfinished_.get(), aside.c_str(), root_.get(), path.c_str()) != 0)
    named = FailErrno("naming a copy of a trace");
  // Two names of one file are not moved onto each other: both stay.
  unlinkat(unfinished_.get(), aside.c_str(), 0);
  return named;
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
