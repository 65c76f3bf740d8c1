#include "policies/store_settings.h"

#include <algorithm>
#include <charconv>

#include "ipc/core/bounds.h"
#include "policies/policy_errors.h"
#include "policies/settings_file.h"
#include "policies/units.h"

namespace nightjar {
namespace {

using policy::TomlNode;

constexpr std::string_view kKeys[] = {
    "kind",    "provider",    "endpoint",     "region",          "addressing",
    "bucket",  "bucket_week", "bucket_kept",  "bucket_evidence", "credentials_file",
    "ca_file", "spool_max",   "evidence_lock"};
constexpr uint64_t kSpoolLeast = 16 * bounds::kMiB;

bool IsHostByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

// Names of 3 to 63 of a-z 0-9 - and ., as S3 has them: they become a part of a URL.
bool IsBucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && name.front() != '.' && name.front() != '-' &&
         name.find("..") == name.npos && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

bool IsRegion(std::string_view name) {
  return !name.empty() && name.size() <= 63 &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsHostByte(c) && c != '.'; });
}

bool IsAddress6(std::string_view host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
         std::all_of(host.begin() + 1, host.end() - 1, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                  c == ':';
         });
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<StoreEndpoint> ParseEndpoint(std::string_view text) {
  StoreEndpoint endpoint;
  endpoint.tls = TakePrefix(text, "https://");
  if (!endpoint.tls && !TakePrefix(text, "http://")) return std::nullopt;
  if (text.ends_with('/')) text.remove_suffix(1);
  size_t colon = text.find(':', text.starts_with('[') ? text.find(']') : 0);
  if (colon != text.npos) {
    std::string_view digits = text.substr(colon + 1);
    auto [end, failed] =
        std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (failed != std::errc() || end != digits.data() + digits.size() || endpoint.port == 0)
      return std::nullopt;
    text = text.substr(0, colon);
  }
  bool name = !text.empty() && std::all_of(text.begin(), text.end(), IsHostByte);
  if (!name && !IsAddress6(text)) return std::nullopt;
  endpoint.host = text;
  return endpoint;
}

class Builder {
 public:
  explicit Builder(std::vector<policy::PolicyError>* errors) : errors_(errors) {}

  void Take(const TomlNode& node) {
    if (std::find(std::begin(kKeys), std::end(kKeys), node.key) == std::end(kKeys))
      return Complain(node.key_at, "unknown key " + policy::Quoted(node.key) +
                                       policy::Suggestion(node.key, kKeys));
    if (node.kind != TomlNode::Kind::kString)
      return Complain(node.at, policy::Quoted(node.key) + " takes a text in quotes, not " +
                                   std::string(node.KindName()));
    if (node.key == "kind") return TakeKind(node);
    if (node.key == "provider") return TakeProvider(node);
    if (node.key == "endpoint") return TakeEndpoint(node);
    if (node.key == "region") return TakeRegion(node);
    if (node.key == "addressing") return TakeAddressing(node);
    if (node.key.starts_with("bucket")) return TakeBucket(node);
    if (node.key == "spool_max") return TakeSpool(node);
    if (node.key == "evidence_lock") return TakeLock(node);
    TakeFile(node);
  }

  std::optional<StoreSettings> Finish() {
    if (!kind_) Miss("kind", "kind = \"s3\"");
    if (settings_.endpoint.host.empty()) Miss("endpoint", "endpoint = \"https://s3.example.com\"");
    if (settings_.credentials_file.empty())
      Miss("credentials_file", "credentials_file = \"/etc/nightjar/store.credentials\"");
    for (auto [own, key] : {std::pair{&settings_.bucket_week, "bucket_week"},
                            {&settings_.bucket_kept, "bucket_kept"},
                            {&settings_.bucket_evidence, "bucket_evidence"}}) {
      if (own->empty()) *own = bucket_;
      if (own->empty()) Miss(key, "bucket = \"traces\" for all, or " + std::string(key));
    }
    if (settings_.lock_evidence) CheckLock();
    if (!errors_->empty()) return std::nullopt;
    return settings_;
  }

 private:
  void Complain(policy::Place at, std::string message) {
    errors_->push_back({at.line, at.column, std::move(message)});
  }

  // One that was given and is wrong is told as that.
  void Miss(std::string_view key, std::string_view wanted) {
    if (std::find(tried_.begin(), tried_.end(), key) != tried_.end()) return;
    if (key.starts_with("bucket_") &&
        std::find(tried_.begin(), tried_.end(), "bucket") != tried_.end())
      return;
    Complain({1, 1}, policy::Quoted(key) + " is missing: " + std::string(wanted));
  }

  void TakeKind(const TomlNode& node) {
    tried_.push_back(node.key);
    kind_ = node.text == "s3";
    if (!kind_) Complain(node.at, "`kind` is \"s3\", not \"" + node.text + "\"");
  }

  void TakeProvider(const TomlNode& node) {
    if (node.text == "gcs")
      settings_.provider = StoreProvider::kGcs;
    else if (node.text != "aws")
      Complain(node.at, "`provider` is \"aws\", which most stores speak, or \"gcs\", not \"" +
                            node.text + "\"");
  }

  void TakeEndpoint(const TomlNode& node) {
    tried_.push_back(node.key);
    auto endpoint = ParseEndpoint(node.text);
    if (endpoint)
      settings_.endpoint = *endpoint;
    else
      Complain(node.at,
               "`endpoint` is http:// or https://, a host and perhaps a port, without a path");
  }

  void TakeRegion(const TomlNode& node) {
    if (!IsRegion(node.text)) Complain(node.at, "`region` is a name such as \"eu-central-1\"");
    settings_.region = node.text;
  }

  void TakeAddressing(const TomlNode& node) {
    if (node.text == "virtual")
      settings_.addressing = StoreAddressing::kVirtual;
    else if (node.text != "path")
      Complain(node.at,
               "`addressing` is \"path\" (http://host/bucket/key) or \"virtual\" "
               "(http://bucket.host/key), not \"" +
                   node.text + "\"");
  }

  void TakeBucket(const TomlNode& node) {
    tried_.push_back(node.key);
    if (!IsBucket(node.text))
      return Complain(node.at, policy::Quoted(node.key) +
                                   " is 3 to 63 of a-z, 0-9, '-' and '.', and starts with a letter "
                                   "or digit");
    if (node.key == "bucket") bucket_ = node.text;
    if (node.key == "bucket_week") settings_.bucket_week = node.text;
    if (node.key == "bucket_kept") settings_.bucket_kept = node.text;
    if (node.key == "bucket_evidence") settings_.bucket_evidence = node.text;
  }

  void TakeSpool(const TomlNode& node) {
    auto size = policy::ParseSize(node.text);
    if (!size) return Complain(node.at, size.error());
    if (*size < kSpoolLeast)
      return Complain(node.at, "`spool_max` is at least " + policy::FormatSize(kSpoolLeast));
    settings_.spool_bytes_max = *size;
  }

  void TakeLock(const TomlNode& node) {
    settings_.lock_evidence = node.text == "legal-hold";
    lock_at_ = node.at;
    if (!settings_.lock_evidence && node.text != "none")
      Complain(node.at, "`evidence_lock` is \"none\" or \"legal-hold\", not \"" + node.text + "\"");
  }

  // A bucket with object lock keeps a version of all that is removed from it.
  void CheckLock() {
    if (settings_.provider == StoreProvider::kGcs)
      return Complain(lock_at_, "`evidence_lock` = \"legal-hold\" is not to be had from \"gcs\"");
    if (settings_.bucket_evidence == settings_.bucket_week ||
        settings_.bucket_evidence == settings_.bucket_kept)
      Complain(lock_at_,
               "`evidence_lock` = \"legal-hold\" takes a `bucket_evidence` for nothing else");
  }

  void TakeFile(const TomlNode& node) {
    tried_.push_back(node.key);
    if (!node.text.starts_with('/') || node.text.find('\0') != node.text.npos)
      return Complain(node.at, policy::Quoted(node.key) + " is a whole path, which starts with /");
    if (node.key == "ca_file") {
      settings_.ca_file = node.text;
      return;
    }
    settings_.credentials_file = node.text;
    settings_.credentials_at = node.at;
  }

  StoreSettings settings_;
  std::string bucket_;
  bool kind_ = false;
  policy::Place lock_at_;           // of that value
  std::vector<std::string> tried_;  // required keys that stand there, right or wrong
  std::vector<policy::PolicyError>* errors_;
};

}  // namespace

std::optional<StoreSettings> ParseStoreSettings(std::string_view text,
                                                std::vector<policy::PolicyError>* errors) {
  return policy::ReadSettingsFile<Builder>(text, "a store file", errors);
}

}  // namespace nightjar
