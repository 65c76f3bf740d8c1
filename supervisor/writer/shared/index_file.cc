#include "supervisor/writer/shared/index_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/core/secret_file.h"
#include "policies/index_settings.h"
#include "policies/policy_errors.h"

namespace nightjar::shared {
namespace {

// Its one line.
Result<std::string> ReadPassword(const std::string& path) {
  NJ_ASSIGN(Fd file, OpenSecretFile(path));
  std::string text(bounds::kStoreFileBytes, '\0');
  ssize_t got = read(file.get(), text.data(), text.size());
  if (got < 0) return FailErrno(path);
  text.resize(static_cast<size_t>(got));
  if (text.ends_with('\n')) text.pop_back();
  if (text.empty() || text.find_first_of(std::string_view("\n\r\0", 3)) != text.npos)
    return Fail(ErrorCode::kInvalid, path + " is not one line with a password");
  return text;
}

Result<std::string> HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return FailErrno("gethostname");
  if (IsMachineName(name)) return std::string(name);
  return Fail(ErrorCode::kInvalid,
              "this host's name cannot be a machine's: name it, machine = \"...\"");
}

}  // namespace

Result<SharedFeed::Where> ReadIndexFile(const std::string& path) {
  NJ_ASSIGN(std::string text, ReadFileAt(AT_FDCWD, path.c_str(), bounds::kStoreFileBytes));
  std::vector<policy::PolicyError> errors;
  auto settings = ParseIndexSettings(text, &errors);
  if (!settings) return Fail(ErrorCode::kInvalid, policy::ErrorLines(path, errors));
  SharedFeed::Where where;
  where.keywords = std::move(settings->keywords);
  where.machine = settings->machine;
  if (where.machine.empty()) {
    NJ_ASSIGN(where.machine, HostName());
  }
  if (!settings->password_file.empty()) {
    auto password = ReadPassword(settings->password_file);
    if (!password)
      return Fail(password.error().code, policy::ErrorLines(path, {{settings->password_at.line,
                                                                    settings->password_at.column,
                                                                    password.error().ToString()}}));
    where.keywords.emplace_back("password", std::move(*password));
  }
  // Nothing that the environment or a home directory may have to say.
  where.keywords.emplace_back("passfile", "/nonexistent");
  where.keywords.emplace_back("gssencmode", "disable");
  where.keywords.emplace_back("client_encoding", "UTF8");
  where.keywords.emplace_back("application_name", "nightjar " + where.machine);
  return where;
}

}  // namespace nightjar::shared
