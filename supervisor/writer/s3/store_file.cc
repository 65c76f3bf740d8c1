#include "supervisor/writer/s3/store_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/core/secret_file.h"
#include "policies/policy_errors.h"
#include "policies/toml_reader.h"

namespace nightjar::s3 {
namespace {

// What a key may be: it becomes a part of a header.
bool IsKey(const std::string& text) {
  for (char c : text)
    if (c <= ' ' || c > '~') return false;
  return !text.empty() && text.size() <= 256;
}

Result<Credentials> ReadCredentials(const std::string& path) {
  NJ_ASSIGN(Fd file, OpenSecretFile(path));
  std::string text(bounds::kStoreFileBytes, '\0');
  ssize_t got = read(file.get(), text.data(), text.size());
  if (got < 0) return FailErrno(path);
  text.resize(static_cast<size_t>(got));
  std::vector<policy::PolicyError> errors;
  policy::TomlNode top = policy::ReadToml(text, &errors);
  Credentials credentials;
  for (const policy::TomlNode& node : top.children) {
    if (node.key == "access_key") credentials.access_key = node.text;
    if (node.key == "secret_key") credentials.secret_key = node.text;
  }
  // A reader's own words would quote the text.
  if (!errors.empty() || top.children.size() != 2 || !IsKey(credentials.access_key) ||
      !IsKey(credentials.secret_key))
    return Fail(ErrorCode::kInvalid,
                path + " is not two lines, access_key = \"...\" and secret_key = \"...\"");
  return credentials;
}

}  // namespace

Result<StoreFile> ReadStoreFile(const std::string& path) {
  NJ_ASSIGN(std::string text, ReadFileAt(AT_FDCWD, path.c_str(), bounds::kStoreFileBytes));
  std::vector<policy::PolicyError> errors;
  auto settings = ParseStoreSettings(text, &errors);
  if (!settings) return Fail(ErrorCode::kInvalid, policy::ErrorLines(path, errors));
  auto credentials = ReadCredentials(settings->credentials_file);
  if (!credentials)
    return Fail(
        credentials.error().code,
        policy::ErrorLines(path, {{settings->credentials_at.line, settings->credentials_at.column,
                                   credentials.error().ToString()}}));
  return StoreFile{std::move(*settings), std::move(*credentials)};
}

}  // namespace nightjar::s3
