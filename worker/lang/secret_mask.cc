#include "worker/lang/secret_mask.h"

#include <utility>

namespace nightjar::lang {

void SecretMask::Remake() {
  HiddenTexts hidden;
  hidden.all = run_.all;
  for (const std::string& secret : secrets_) hidden.texts.push_back({secret, "<secret>"});
  hidden.texts.insert(hidden.texts.end(), run_.texts.begin(), run_.texts.end());
  mask_.Set(std::move(hidden));
}

void SecretMask::Set(std::vector<std::string> secrets) {
  secrets_ = std::move(secrets);
  run_ = {};
  Remake();
}

void SecretMask::SetRun(const RequestRedactor& input) {
  rules_ = input.rules();
  bool same =
      run_.texts.empty() && !run_.all && input.hidden().texts.empty() && !input.hidden().all;
  if (same) return;
  run_ = input.hidden();
  Remake();
}

void SecretMask::HideInRun(std::string_view text) {
  size_t before = run_.texts.size();
  run_.Add(text, "<redacted>");
  if (run_.texts.size() != before || run_.all) Remake();
}

std::string_view SecretMask::ApplyToHeader(std::string_view name, std::string_view value,
                                           std::string* room) {
  auto kind = rules_.For(name);
  if (kind == RedactionRules::Kind::kKeep) return Apply(value, room);
  *room = rules_.Shown(kind, value);
  return *room;
}

}  // namespace nightjar::lang
