#include "supervisor/app/exec_paths.h"

#include <sys/stat.h>

#include <filesystem>

#include "ipc/core/programs_root.h"

namespace nightjar {
namespace {

namespace fs = std::filesystem;

// Without links, dots and a slash at the end.
fs::path Plain(const std::string& path) {
  std::error_code ignored;
  fs::path plain = fs::weakly_canonical(path, ignored);
  return plain.has_filename() ? plain : plain.parent_path();
}

bool Holds(const fs::path& outer, const fs::path& inner) {
  auto [end, _] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

auto Refuse(const std::string& path, const std::string& why) {
  return Fail(ErrorCode::kInvalid, "programs cannot be shown " + path + ": " + why);
}

// What is true of whatever is shown.
Status CheckShown(const std::string& path, const fs::path& state) {
  fs::path plain = Plain(path);
  if (!path.starts_with('/') || plain == "/") return Refuse(path, "it has to be a path below /");
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return FailErrno("programs cannot be shown " + path);
  if (!S_ISDIR(found.st_mode) && !S_ISREG(found.st_mode))
    return Refuse(path, "it is neither a file nor a directory");
  if ((found.st_mode & S_IWOTH) != 0) return Refuse(path, "anyone may write to it");
  if (Holds(plain, state))
    return Refuse(path, "the state directory " + state.string() + " is in it");
  return {};
}

}  // namespace

Status CheckExecPaths(const std::vector<std::string>& paths, const std::string& state) {
  for (const std::string& path : paths) {
    for (std::string_view own : kOwnPlaces)
      if (Holds(own, Plain(path)))
        return Refuse(path, "their root has its own " + std::string(own));
    if (Holds("/etc", Plain(path))) return Refuse(path, "their root has its own /etc");
    NJ_TRY(CheckShown(path, Plain(state)));
  }
  return {};
}

Result<std::vector<std::string>> CheckExecRoot(const std::string& directory,
                                               const std::string& state) {
  NJ_TRY(CheckShown(directory, Plain(state)));
  std::vector<std::string> shown;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failed)) {
    if (IsOwnPlace("/" + entry.path().filename().string()) || entry.is_symlink()) continue;
    shown.push_back(entry.path().string());
    NJ_TRY(CheckShown(shown.back(), Plain(state)));
  }
  if (failed) return FailErrno("programs cannot be shown " + directory, failed.value());
  return shown;
}

}  // namespace nightjar
