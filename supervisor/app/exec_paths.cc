#include "supervisor/app/exec_paths.h"

#include <sys/stat.h>

#include <filesystem>

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

Status Check(const std::string& path, const fs::path& state) {
  auto refuse = [&](const std::string& why) {
    return Fail(ErrorCode::kInvalid, "programs cannot be shown " + path + ": " + why);
  };
  fs::path plain = Plain(path);
  if (!path.starts_with('/') || plain == "/") return refuse("it has to be a path below /");
  for (const char* own : {"/proc", "/dev", "/sys", "/tmp", "/app", "/etc"})
    if (Holds(own, plain)) return refuse("their root has its own " + std::string(own));
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return FailErrno("programs cannot be shown " + path);
  if (!S_ISDIR(found.st_mode) && !S_ISREG(found.st_mode))
    return refuse("it is neither a file nor a directory");
  if ((found.st_mode & S_IWOTH) != 0) return refuse("anyone may write to it");
  if (Holds(plain, state)) return refuse("the state directory " + state.string() + " is in it");
  return {};
}

}  // namespace

Status CheckExecPaths(const std::vector<std::string>& paths, const std::string& state) {
  for (const std::string& path : paths) NJ_TRY(Check(path, Plain(state)));
  return {};
}

}  // namespace nightjar
