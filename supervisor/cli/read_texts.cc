#include "supervisor/cli/read_texts.h"

#include "policies/policy_layers.h"
#include "rules/rule_file.h"
#include "supervisor/cli/complaints.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_policy.h"
#include "supervisor/policy/policy_files.h"

namespace nightjar::cli {
namespace {

template <typename ReadPtr, typename Parse>
ExitCode ParseText(Session& session, const std::string& path, ReadPtr* read,
                   proto::PolicyCheck* check, Parse parse) {
  auto text = ReadPolicyText(path);
  if (!text) return session.Complain(kUsage, text.error().ToString());
  std::vector<policy::PolicyError> errors;
  *read = parse(text->files, &errors);
  AddComplaints(errors, false, check);
  return *read ? kOk : kNo;
}

template <typename ReadPtr>
ExitCode TellMistakes(Session& session, const std::string& path, ReadPtr* read) {
  proto::PolicyCheck check;
  ExitCode code = ReadText(session, path, read, &check);
  if (code != kNo) return code;
  session.err() << RenderComplaints(check, session.error_paint());
  return session.Complain(
      kNo,
      CountText(static_cast<uint64_t>(check.complaints_size()), "error", "errors") + " in " + path);
}

}  // namespace

ExitCode ReadText(Session& session, const std::string& path, PolicyPtr* read,
                  proto::PolicyCheck* check) {
  auto parse = [](const auto& files, auto* errors) { return policy::Policy::Parse(files, errors); };
  ExitCode code = ParseText(session, path, read, check, parse);
  if (code == kOk) AddComplaints((*read)->layers().warnings, true, check);
  return code;
}

ExitCode ReadText(Session& session, const std::string& path, RulesPtr* read,
                  proto::PolicyCheck* check) {
  return ParseText(session, path, read, check, rules::ParseRules);
}

ExitCode ReadOrTell(Session& session, const std::string& path, PolicyPtr* read) {
  return TellMistakes(session, path, read);
}

ExitCode ReadOrTell(Session& session, const std::string& path, RulesPtr* read) {
  return TellMistakes(session, path, read);
}

}  // namespace nightjar::cli
