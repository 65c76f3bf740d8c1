#include "supervisor/policy/policy_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "policies/policy_errors.h"

namespace nightjar {
namespace {

constexpr std::string_view kEnding = ".toml";

// What tells one state of a file from the next.
struct Stamp {
  std::string path;
  ino_t inode = 0;
  off_t bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  bool operator==(const Stamp&) const = default;
};

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Stamp StampOf(std::string path, const struct stat& seen) {
  return {std::move(path), seen.st_ino, seen.st_size, Nanoseconds(seen.st_mtim),
          Nanoseconds(seen.st_ctim)};
}

Result<std::vector<std::string>> NamesIn(int dir_fd, const std::string& path) {
  // A stream of its own, whose place in the directory nobody else moves.
  Fd own(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.valid()) return FailErrno("opening " + path);
  DIR* dir = fdopendir(own.get());
  if (dir == nullptr) return FailErrno("reading " + path);
  own.Release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(dir)) {
    std::string_view name = entry->d_name;
    if (name.ends_with(kEnding) && !name.starts_with('.')) names.emplace_back(name);
  }
  int failed = errno;
  closedir(dir);
  if (failed != 0) {
    errno = failed;
    return FailErrno("reading " + path);
  }
  if (names.empty())
    return Fail(ErrorCode::kInvalid, path + " is a directory without a file *.toml");
  if (names.size() > bounds::kPolicyFiles)
    return Fail(ErrorCode::kInvalid,
                path + " has more than " + std::to_string(bounds::kPolicyFiles) + " files *.toml");
  std::sort(names.begin(), names.end());
  return names;
}

// A policy on the disk: what it consists of, opened once, so that a directory that is exchanged for
// another as a whole is read as one of the two.
struct Source {
  std::string path;
  Fd fd;
  bool is_directory = false;

  static Result<Source> Open(const std::string& path) {
    Source source{path, Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), false};
    if (!source.fd.valid()) return FailErrno("opening " + path);
    struct stat seen;
    if (fstat(source.fd.get(), &seen) != 0) return FailErrno("looking at " + path);
    source.is_directory = S_ISDIR(seen.st_mode);
    return source;
  }

  Result<std::vector<std::string>> Names() const {
    if (is_directory) return NamesIn(fd.get(), path);
    return std::vector<std::string>{path.substr(path.rfind('/') + 1)};
  }

  // Of a file its own path, for a directory that of a file in it.
  std::string PathOf(const std::string& name) const {
    if (!is_directory) return path;
    return path + (path.ends_with('/') ? "" : "/") + name;
  }

  Result<std::string> Read(const std::string& name) const {
    if (is_directory) return ReadFileAt(fd.get(), name.c_str(), bounds::kPolicyBytes);
    return ReadFileAt(AT_FDCWD, path.c_str(), bounds::kPolicyBytes);
  }

  Result<std::vector<Stamp>> Stamps(const std::vector<std::string>& names) const {
    std::vector<Stamp> stamps;
    struct stat seen;
    if (is_directory) {
      if (fstat(fd.get(), &seen) != 0) return FailErrno("looking at " + path);
      stamps.push_back(StampOf(path, seen));
    }
    for (const std::string& name : names) {
      int failed =
          is_directory ? fstatat(fd.get(), name.c_str(), &seen, 0) : stat(path.c_str(), &seen);
      if (failed != 0) return FailErrno("looking at " + PathOf(name));
      stamps.push_back(StampOf(PathOf(name), seen));
    }
    return stamps;
  }
};

Status SameAsBefore(const std::vector<Stamp>& before, const std::vector<Stamp>& after) {
  if (before == after) return {};
  auto [was, is] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  const std::string& path = is != after.end() ? is->path : was->path;
  return Fail(ErrorCode::kUnavailable, path + " changed while it was read");
}

void NoteYoungest(const std::vector<Stamp>& stamps, PolicyText* text) {
  auto youngest =
      std::max_element(stamps.begin(), stamps.end(),
                       [](const Stamp& a, const Stamp& b) { return a.changed_ns < b.changed_ns; });
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::chrono::nanoseconds age(Nanoseconds(now) - youngest->changed_ns);
  text->youngest = youngest->path;
  if (age.count() >= 0) text->age = std::chrono::duration_cast<std::chrono::milliseconds>(age);
}

}  // namespace

Result<PolicyText> ReadPolicyText(const std::string& path, PolicyState wanted) {
  NJ_ASSIGN(Source source, Source::Open(path));
  NJ_ASSIGN(std::vector<std::string> names, source.Names());
  NJ_ASSIGN(std::vector<Stamp> before, source.Stamps(names));
  PolicyText text;
  for (const std::string& name : names) {
    auto read = source.Read(name);
    // It was there a moment ago.
    if (!read && source.is_directory && read.error().code == ErrorCode::kNotFound)
      return Fail(ErrorCode::kUnavailable,
                  source.PathOf(name) + " went away while its directory was read");
    if (!read) return tl::unexpected<Error>(read.error());
    text.files.push_back({name, source.PathOf(name), std::move(*read)});
  }
  NJ_ASSIGN(std::vector<std::string> names_after, source.Names());
  NJ_ASSIGN(std::vector<Stamp> after, source.Stamps(names_after));
  NJ_TRY(SameAsBefore(before, after));
  NoteYoungest(after, &text);
  if (wanted == PolicyState::kSettled) NJ_TRY(CheckSettled(text));
  return text;
}

Status CheckSettled(const PolicyText& text) {
  if (!text.age || *text.age >= bounds::kPolicySettle) return {};
  return Fail(ErrorCode::kUnavailable, text.youngest + " was changed " +
                                           std::to_string(text.age->count()) +
                                           " ms ago: it is being written");
}

Result<std::shared_ptr<const policy::Policy>> ParsePolicyText(const PolicyText& text) {
  std::vector<policy::PolicyError> errors;
  auto parsed = policy::Policy::Parse(text.files, &errors);
  if (parsed) return parsed;
  return Fail(ErrorCode::kInvalid, policy::ErrorLines("", errors));
}

Result<std::shared_ptr<const policy::Policy>> LoadPolicy(const std::string& path,
                                                         PolicyState wanted) {
  if (path.empty()) return policy::Policy::BuiltIn();
  NJ_ASSIGN(PolicyText text, ReadPolicyText(path, wanted));
  return ParsePolicyText(text);
}

}  // namespace nightjar
