#include "policies/index_settings.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "policies/policy_errors.h"
#include "policies/settings_file.h"

namespace nightjar {
namespace {

using policy::TomlNode;

// The last ones are libpq's own, and are handed on as they are.
constexpr std::string_view kKeys[] = {"kind",
                                      "host",
                                      "port",
                                      "database",
                                      "user",
                                      "password_file",
                                      "machine",
                                      "sslmode",
                                      "sslrootcert",
                                      "sslcert",
                                      "sslkey",
                                      "sslcrl",
                                      "channel_binding",
                                      "ssl_min_protocol_version"};
constexpr std::string_view kSslModes[] = {"disable", "allow",     "prefer",
                                          "require", "verify-ca", "verify-full"};

template <size_t N>
bool IsOneOf(std::string_view word, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

class Builder {
 public:
  explicit Builder(std::vector<policy::PolicyError>* errors) : errors_(errors) {}

  void Take(const TomlNode& node) {
    if (!IsOneOf(node.key, kKeys))
      return Complain(node.key_at, "unknown key " + policy::Quoted(node.key) +
                                       policy::Suggestion(node.key, kKeys));
    given_.push_back(node.key);
    if (node.key == "port") return TakePort(node);
    if (node.kind != TomlNode::Kind::kString)
      return Complain(node.at, policy::Quoted(node.key) + " takes a text in quotes, not " +
                                   std::string(node.KindName()));
    if (node.text.empty() || node.text.find('\0') != node.text.npos)
      return Complain(node.at, policy::Quoted(node.key) + " is empty, or has a zero byte in it");
    if (node.key == "kind") return TakeKind(node);
    if (node.key == "machine") return TakeMachine(node);
    if (node.key == "password_file") return TakePasswordFile(node);
    if (node.key == "host") settings_.host = node.text;
    if (node.key == "sslmode" && !IsOneOf(node.text, kSslModes))
      return Complain(node.at,
                      "`sslmode` is \"disable\", \"allow\", \"prefer\", \"require\", \"verify-ca\" "
                      "or \"verify-full\", as libpq has them, not \"" +
                          node.text + "\"");
    settings_.keywords.emplace_back(node.key == "database" ? "dbname" : node.key, node.text);
  }

  std::optional<IndexSettings> Finish() {
    Want("kind", "kind = \"postgresql\"");
    Want("host", "host = \"db.example.com\", or the directory of its socket");
    Want("database", "database = \"nightjar\"");
    Want("user", "user = \"nightjar\"");
    if (!errors_->empty()) return std::nullopt;
    return settings_;
  }

 private:
  void Complain(policy::Place at, std::string message) {
    errors_->push_back({at.line, at.column, std::move(message)});
  }

  // One that was given and is wrong is told as that.
  void Want(std::string_view key, std::string_view wanted) {
    if (std::find(given_.begin(), given_.end(), key) == given_.end())
      Complain({1, 1}, policy::Quoted(key) + " is missing: " + std::string(wanted));
  }

  void TakeKind(const TomlNode& node) {
    if (node.text != "postgresql")
      Complain(node.at, "`kind` is \"postgresql\", not \"" + node.text + "\"");
  }

  void TakePort(const TomlNode& node) {
    if (node.kind != TomlNode::Kind::kInteger || node.integer < 1 || node.integer > 65535)
      return Complain(node.at, "`port` is a number from 1 to 65535");
    settings_.keywords.emplace_back("port", std::to_string(node.integer));
  }

  void TakeMachine(const TomlNode& node) {
    if (!IsMachineName(node.text))
      return Complain(node.at, "`machine` is 1 to " + std::to_string(bounds::kMachineNameBytes) +
                                   " of letters, digits, '-', '_' and '.', and starts with a "
                                   "letter or digit");
    settings_.machine = node.text;
  }

  void TakePasswordFile(const TomlNode& node) {
    if (!node.text.starts_with('/'))
      return Complain(node.at, "`password_file` is a whole path, which starts with /");
    settings_.password_file = node.text;
    settings_.password_at = node.at;
  }

  IndexSettings settings_;
  std::vector<std::string> given_;
  std::vector<policy::PolicyError>* errors_;
};

}  // namespace

bool IsMachineName(std::string_view name) {
  return !name.empty() && name.size() <= bounds::kMachineNameBytes && IsAlphanumeric(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

std::optional<IndexSettings> ParseIndexSettings(std::string_view text,
                                                std::vector<policy::PolicyError>* errors) {
  return policy::ReadSettingsFile<Builder>(text, "an index file", errors);
}

}  // namespace nightjar
