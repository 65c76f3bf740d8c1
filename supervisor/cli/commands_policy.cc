#include <algorithm>

#include "ipc/core/nearest_word.h"
#include "policies/limit_table.h"
#include "policies/policy_diff.h"
#include "policies/policy_schema.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/read_texts.h"
#include "supervisor/cli/render_policy.h"
#include "supervisor/policy/limits_on_wire.h"

namespace nightjar::cli {
namespace {

// `read` is given a path, and says what is to be said about what lies there and, in a few words,
// what it is.
template <typename ReadOne>
ExitCode CheckFiles(Session& session, ReadOne read) {
  const CommandLine& line = session.line();
  ExitCode worst = kOk;
  proto::PolicyCheck all;
  for (const std::string& path : line.files) {
    proto::PolicyCheck check;
    std::string is;
    worst = std::max<ExitCode>(worst, read(path, &check, &is));
    all.MergeFrom(check);
    if (line.json) continue;
    session.err() << RenderComplaints(check, session.error_paint());
    if (!is.empty()) session.out() << path << ": " << is << "\n";
  }
  if (line.json) session.Print(all);
  return worst;
}

proto::LimitDirection OnWire(policy::Direction direction) {
  switch (direction) {
    case policy::Direction::kTighter:
      return proto::LIMIT_TIGHTER;
    case policy::Direction::kLooser:
      return proto::LIMIT_LOOSER;
    default:
      return proto::LIMIT_OTHERWISE;
  }
}

ExitCode AskToExplain(Session& session, proto::LimitsAnswer* answer) {
  const CommandLine& line = session.line();
  std::string target = "/canvases/" + EncodePart(line.canvas) + "/limits?explain=1";
  if (!line.handler.empty()) target += "&handler=" + EncodePart(line.handler);
  return session.Ask({.target = target}, answer);
}

ExitCode ExplainFile(Session& session, proto::LimitsAnswer* answer) {
  const CommandLine& line = session.line();
  PolicyPtr policy;
  if (ExitCode code = ReadOrTell(session, line.file, &policy); code != kOk) return code;
  *answer = LimitsOf(*policy, line.canvas, line.handler, Explained::kYes);
  return kOk;
}

void KeepOnly(const std::string& limit, proto::LimitsAnswer* answer) {
  auto* all = answer->mutable_explained();
  all->erase(std::remove_if(all->begin(), all->end(),
                            [&](const proto::LimitExplained& explained) {
                              return explained.said().empty() || explained.said(0).name() != limit;
                            }),
             all->end());
  auto* values = answer->mutable_limits();
  values->erase(std::remove_if(values->begin(), values->end(),
                               [&](const proto::LimitInForce& one) { return one.name() != limit; }),
                values->end());
}

}  // namespace

ExitCode CheckPolicy(Session& session) {
  return CheckFiles(session,
                    [&](const std::string& path, proto::PolicyCheck* check, std::string* is) {
                      PolicyPtr policy;
                      ExitCode code = ReadText(session, path, &policy, check);
                      if (policy)
                        *is = "policy " + policy->layers().version + ", " +
                              CountText(policy->layers().plans.size(), "plan", "plans") + ", " +
                              CountText(policy->layers().canvases.size(), "canvas", "canvases");
                      return code;
                    });
}

ExitCode CheckRules(Session& session) {
  return CheckFiles(
      session, [&](const std::string& path, proto::PolicyCheck* check, std::string* is) {
        RulesPtr rules;
        if (ExitCode code = ReadText(session, path, &rules, check); code != kOk) return code;
        *is = "rules " + rules->version + ", " + CountText(rules->rules.size(), "rule", "rules");
        return kOk;
      });
}

ExitCode DiffPolicies(Session& session) {
  const CommandLine& line = session.line();
  PolicyPtr from;
  PolicyPtr to;
  if (ExitCode code = ReadOrTell(session, line.files[0], &from); code != kOk) return code;
  if (ExitCode code = ReadOrTell(session, line.files[1], &to); code != kOk) return code;
  proto::PolicyDiff diff;
  for (const policy::PolicyChange& change : policy::Compare(from->layers(), to->layers())) {
    proto::PolicyChange& out = *diff.add_changes();
    for (const std::string& who : change.who) out.add_who(who);
    for (const policy::LimitChange& limit : change.limits) {
      proto::LimitChange& changed = *out.add_limits();
      *changed.mutable_from() = LimitOnWire(limit.from);
      *changed.mutable_to() = LimitOnWire(limit.to);
      changed.set_direction(OnWire(limit.direction));
    }
  }
  if (line.json)
    session.Print(diff);
  else
    session.out() << RenderPolicyDiff(diff, session.paint());
  return kOk;
}

ExitCode ExplainPolicy(Session& session) {
  const CommandLine& line = session.line();
  if (!line.limit.empty() && policy::FindLimitKey(line.limit) == nullptr) {
    return session.Complain(kUsage, "there is no limit `" + line.limit + "`" +
                                        DidYouMean(NearestWord(line.limit, policy::LimitNames())));
  }
  proto::LimitsAnswer answer;
  ExitCode code =
      line.file.empty() ? AskToExplain(session, &answer) : ExplainFile(session, &answer);
  if (code != kOk) return code;
  if (!line.limit.empty()) KeepOnly(line.limit, &answer);
  if (line.json)
    session.Print(answer);
  else
    session.out() << RenderExplained(answer, session.paint());
  return kOk;
}

ExitCode ShowPolicySchema(Session& session) {
  session.out() << policy::PolicySchema();
  return kOk;
}

}  // namespace nightjar::cli
