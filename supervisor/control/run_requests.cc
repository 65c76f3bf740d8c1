#include <optional>
#include <set>
#include <vector>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "supervisor/control/control_service.h"
#include "supervisor/control/request_values.h"

namespace nightjar {
namespace {

const char* StateName(Run::State state) {
  switch (state) {
    case Run::State::kQueued:
      return "queued";
    case Run::State::kRunning:
      return "running";
    case Run::State::kKilling:
      return "killing";
    case Run::State::kEnded:
      return "ended";
  }
  return "";
}

proto::RunRow RowOf(const Run& run) {
  proto::RunRow row;
  const RunOrder& order = run.order();
  row.set_run_id(order.id.ToString());
  row.set_canvas(order.revision->canvas);
  row.set_handler(order.handler.name());
  row.set_pid(run.pid());
  row.set_state(StateName(run.state()));
  proto::Usage usage = run.CurrentUsage();
  row.set_wall_us(usage.wall_us());
  row.set_cpu_us(usage.cpu_us());
  row.set_memory_bytes(usage.memory_peak_bytes());
  row.set_wall_limit_us(Microseconds(order.limits.wall.value));
  return row;
}

bool CallerMatches(const std::string& caller, const std::string& wanted) {
  return wanted.empty() || caller == wanted ||
         (caller.starts_with(wanted) && caller.rfind(':') == wanted.size()) ||
         (caller.starts_with("uid ") && caller.starts_with(wanted + " "));
}

}  // namespace

void ControlService::Runs(Call call) {
  proto::RunList list;
  for (const Run* run : needs_.runs.Live()) *list.add_runs() = RowOf(*run);
  call.Answer(list);
}

// The writer knows runs that have ended; those that go on are asked for here.
void ControlService::Why(Call call, const std::string& text) {
  const std::string id = ToLowerAscii(text);
  std::vector<proto::RunRow> live;
  for (const Run* run : needs_.runs.Live())
    if (run->order().id.ToString().starts_with(id)) live.push_back(RowOf(*run));
  proto::ToWriter question;
  question.mutable_explain_run()->set_id(id);
  needs_.journal.Ask(std::move(question), [call, id, live](Result<proto::FromWriter> answer) {
    bool clear =
        live.empty() || (answer && live.size() == 1 && answer->why().run_id() == live[0].run_id());
    if (answer && clear) return call.Answer(answer->why());
    using enum ErrorCode;
    bool wrong = !answer && (answer.error().code == kInvalid || answer.error().code == kExists);
    if (live.empty() || wrong) return call.Fail(answer.error());
    if (answer || live.size() > 1)
      return call.Fail(Error{
          kExists, 0,
          "`" + id + "` is the start of several ids, among them " + live[0].run_id() + " and " +
              (answer ? answer->why().run_id() : live[1].run_id()) + ": give more of it"});
    proto::WhyAnswer running;
    running.set_run_id(live[0].run_id());
    *running.mutable_running() = live[0];
    call.Answer(running);
  });
}

void ControlService::KillRun(Call call, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not a run id: " + text);
  const std::string& reason = call.request.body;
  if (std::string wrong = WrongReason(reason); !reason.empty() && !wrong.empty())
    return call.Fail(400, wrong);
  MonoTime asked = needs_.clock.Mono();
  const Clock& clock = needs_.clock;
  const std::string by = call.request.peer + (reason.empty() ? "" : ": " + reason);
  Status found = needs_.runs.Kill(*id, by, [call, asked, &clock](const RunResult& result) {
    proto::KillAnswer answer;
    answer.set_run_id(result.id.ToString());
    answer.set_verdict(result.verdict);
    answer.set_took_us(Microseconds(clock.Mono() - asked));
    call.Answer(answer);
  });
  if (!found) call.Fail(found.error());
}

struct ControlService::RunFilter {
  std::string canvas, handler, caller;
  std::optional<std::set<std::pair<std::string, RevisionNumber>>> revisions;  // of a code's hash

  bool Matches(const RunOrder& order) const {
    return (canvas.empty() || order.revision->canvas == canvas) &&
           (handler.empty() || order.handler.name() == handler) &&
           CallerMatches(order.caller, caller) &&
           (!revisions || revisions->contains({order.revision->canvas, order.revision->number}));
  }
};

void ControlService::KillAll(Call call) {
  if (std::string wrong = WrongReason(call.request.body); !wrong.empty())
    return call.Fail(400, wrong);
  RunFilter filter{call.Query("canvas"), call.Query("handler"), call.Query("caller"), {}};
  const std::string hash = call.Query("code_hash");
  if (hash.empty()) return KillMatching(std::move(call), filter);
  // Which revisions that is the storage writer knows.
  proto::ToWriter question;
  question.mutable_find_code()->set_code_sha256(hash);
  std::set<std::pair<std::string, RevisionNumber>> live;
  for (const Run* run : needs_.runs.Live())
    live.emplace(run->order().revision->canvas, run->order().revision->number);
  for (const auto& [canvas, number] : live) {
    proto::RevisionName& name = *question.mutable_find_code()->add_revisions();
    name.set_canvas(canvas);
    name.set_revision(number);
  }
  needs_.journal.Ask(std::move(question),
                     [this, call, filter](Result<proto::FromWriter> answer) mutable {
                       if (!answer) return call.Fail(answer.error());
                       filter.revisions.emplace();
                       for (const proto::RevisionName& name : answer->code_found().revisions())
                         filter.revisions->emplace(name.canvas(), name.revision());
                       KillMatching(call, filter);
                     });
}

void ControlService::KillMatching(Call call, const RunFilter& filter) {
  auto answer = std::make_shared<proto::KillAllAnswer>();
  auto which = [&filter](const Run& run) { return filter.Matches(run.order()); };
  for (const Run* run : needs_.runs.Live())
    if (which(*run)) *answer->add_runs() = RowOf(*run);
  answer->set_dry_run(!call.Query("dry_run").empty());
  call.audit->set_outcome((answer->dry_run() ? "would kill " : "killed ") +
                          std::to_string(answer->runs_size()) + " runs");
  if (answer->dry_run()) return call.Answer(*answer);
  const MonoTime asked = needs_.clock.Mono();
  const Clock& clock = needs_.clock;
  needs_.runs.KillAll(which,
                      "killed by an operator (" + call.request.peer + "): " + call.request.body,
                      [call, answer, asked, &clock] {
                        answer->set_took_us(Microseconds(clock.Mono() - asked));
                        call.Answer(*answer);
                      });
}

}  // namespace nightjar
