#include "rules/rule_file.h"
#include "rules/trial.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/query.h"
#include "supervisor/cli/read_texts.h"
#include "supervisor/cli/render_rules.h"

namespace nightjar::cli {
namespace {

// Of the file or directory; without one those that come with the program.
ExitCode RulesOf(Session& session, const std::string& path, RulesPtr* rules) {
  if (!path.empty()) return ReadOrTell(session, path, rules);
  *rules = rules::ShippedRules();
  return kOk;
}

}  // namespace

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

ExitCode TestRules(Session& session) {
  const CommandLine& line = session.line();
  RulesPtr rules;
  if (!line.file.empty())
    if (ExitCode code = RulesOf(session, line.file, &rules); code != kOk) return code;
  proto::RuleList in_force;
  if (ExitCode code = session.Ask({.target = "/rules"}, &in_force); code != kOk) return code;
  const std::string file = line.file.empty() ? in_force.file() : line.file;
  if (rules == nullptr) {
    if (ExitCode code = RulesOf(session, file, &rules); code != kOk) return code;
    if (rules->version != in_force.version())
      session.err() << "what is tried is " << file << " as it is now, " << rules->version
                    << "; in force is " << in_force.version() << "\n";
  }
  rules::Trial trial(rules, in_force.processors());
  proto::CounterHistory history;
  std::string after;
  do {
    Query query;
    query.With("since", line.since.empty() ? "7d" : line.since).With("until", line.until);
    query.With("after", after);
    ExitCode code = session.Ask({.target = "/rules/counters" + query.text()}, &history);
    if (code != kOk) return code;
    for (const proto::CounterSlot& slot : history.slots()) trial.Take(slot);
    if (!history.slots().empty()) after = std::to_string(history.slots().rbegin()->begins_unix_s());
  } while (history.more() && !history.slots().empty());
  auto moment = [](int64_t unix_s) { return rules::Time(std::chrono::seconds(unix_s)); };
  proto::RuleTrial found =
      trial.Finish(moment(history.since_unix_s()), moment(history.until_unix_s()));
  found.set_file(file);
  if (line.json)
    session.Print(found);
  else
    session.out() << RenderRuleTrial(found, session.paint());
  return kOk;
}

}  // namespace nightjar::cli
