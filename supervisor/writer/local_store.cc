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

}  // namespace nightjar
