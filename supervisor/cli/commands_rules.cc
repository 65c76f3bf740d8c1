#include "supervisor/cli/commands.h"
#include "supervisor/cli/query.h"
#include "supervisor/cli/render_rules.h"

namespace nightjar::cli {

ExitCode ShowRules(Session& session) {
  proto::RuleList list;
  if (ExitCode code = session.Ask({.target = "/rules"}, &list); code != kOk) return code;
  if (!session.PrintedJson()) session.out() << RenderRules(list, session.paint());
  return kOk;
}

ExitCode ShowRuleHits(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("canvas", line.canvas).With("rule", line.rule);
  query.With("open", line.open_only ? "1" : "");
  query.With("n", line.count ? std::to_string(*line.count) : "");
  proto::RuleHitList list;
  ExitCode code = session.Ask({.target = "/rules/hits" + query.text()}, &list);
  if (code != kOk) return code;
  if (!session.PrintedJson()) session.out() << RenderRuleHits(list, session.paint());
  return kOk;
}

}  // namespace nightjar::cli
