#include <google/protobuf/util/json_util.h>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/control/audit_entry.h"
#include "supervisor/control/control_order.h"
#include "supervisor/control/control_service.h"
#include "supervisor/control/request_values.h"

namespace nightjar {
namespace {

// "root", or "uid 0 pid 4711" where that user has no name.
std::string NameOf(const http::Request& request) {
  return StarterName().empty() ? request.peer : StarterName();
}

}  // namespace

void ControlService::MakeControl(Call call) {
  proto::ControlOrder order;
  if (!google::protobuf::util::JsonStringToMessage(call.request.body, &order).ok())
    return call.Fail(400, "a control is ordered by a ControlOrder in JSON");
  proto::AuditEntry& entry = *call.audit;
  entry.set_action(ControlAction(order.kind()));
  entry.set_canvas(order.canvas());
  entry.set_reason(order.reason());
  auto say = [&entry](const char* name, const std::string& value) {
    if (!value.empty()) AddParameter(name, value, &entry);
  };
  say("handler", order.handler());
  say("handler_kind", order.handler_kind());
  say("limit", order.limit());
  say("value", order.value());
  say("for_s", order.for_s() > 0 ? std::to_string(order.for_s()) : "");
  say("urgent", order.urgent() ? "true" : "");
  say("kill", order.kill() ? "true" : "");
  RevisionPtr revision = needs_.book.Find(order.canvas());
  if (!revision) return call.Fail(404, "there is no canvas " + order.canvas());
  std::string wrong =
      WrongOrder(order, *revision, needs_.policy()->For(order.canvas(), order.handler()));
  if (!wrong.empty()) return call.Fail(422, wrong);
  proto::Control control;
  control.set_kind(order.kind());
  control.set_canvas(order.canvas());
  control.set_handler(order.handler());
  control.set_handler_kind(order.handler_kind());
  control.set_limit(order.limit());
  control.set_value(order.value());
  control.set_reason(order.reason());
  control.set_by(NameOf(call.request));
  if (order.for_s() > 0)
    control.set_expires_unix_us(UnixMicros(needs_.clock.Wall()) +
                                static_cast<int64_t>(order.for_s()) * 1'000'000);
  // Answered when it is kept, or cannot be, and when the last run that it kills has ended.
  auto answer = std::make_shared<proto::ControlAnswer>();
  auto left = std::make_shared<int>(2);
  const MonoTime asked = needs_.clock.Mono();
  const Clock& clock = needs_.clock;
  auto done = [call, answer, left, asked, &clock] {
    if (--*left > 0) return;
    answer->set_took_us(Microseconds(clock.Mono() - asked));
    call.audit->set_object(std::to_string(answer->control().id()));
    call.Answer(*answer);
  };
  auto made = needs_.controls.Make(std::move(control), [answer, done](bool kept) {
    answer->set_stored(kept);
    done();
  });
  if (!made) return call.Fail(made.error());
  *answer->mutable_control() = *made;
  LogWarning("control_made", {{"control", made->id()},
                              {"what", ControlAction(made->kind())},
                              {"canvas", made->canvas()},
                              {"by", call.request.peer},
                              {"reason", made->reason()}});
  TakeEffect(order, *made, answer.get(), done);
}

// On runs in flight. `done` is called once, when those that are killed have ended.
void ControlService::TakeEffect(const proto::ControlOrder& order, const proto::Control& control,
                                proto::ControlAnswer* answer, const std::function<void()>& done) {
  auto of_concern = [&control](const RunOrder& its) {
    return its.revision->canvas == control.canvas() &&
           (control.handler().empty() || control.handler() == its.handler.name()) &&
           (control.handler_kind().empty() || control.handler_kind() == HandlerKindOf(its.handler));
  };
  auto concerned = [&of_concern](const Run& run) { return of_concern(run.order()); };
  if (order.urgent())
    needs_.runs.Tighten([&](const RunOrder& its) {
      if (!of_concern(its)) return its.limits;
      policy::Limits limits = needs_.policy()->For(its.revision->canvas, its.handler.name());
      limits.urgent.value = {control.limit()};
      return limits;
    });
  if (order.kill()) {
    uint32_t runs = 0;
    for (const Run* run : needs_.runs.Live()) runs += concerned(*run) ? 1 : 0;
    answer->set_killed(runs);
    needs_.runs.KillAll(concerned, "killed by an operator; " + ControlText(control), done);
    return;
  }
  for (const Run* run : needs_.runs.Live())
    if (concerned(*run)) answer->set_going_on(answer->going_on() + 1);
  done();
}

void ControlService::LiftControl(Call call, const std::string& text) {
  auto id = PositiveNumber(text);
  if (!id) return call.Fail(400, "a control's id is a number, not " + text);
  if (std::string wrong = WrongReason(call.request.body); !wrong.empty())
    return call.Fail(400, wrong);
  auto answer = std::make_shared<proto::ControlAnswer>();
  if (const proto::Control* there = needs_.controls.book().Find(*id)) {
    *answer->mutable_control() = *there;
    call.audit->set_canvas(there->canvas());
  }
  auto lifted = needs_.controls.Lift(*id, [call, answer](bool kept) {
    answer->set_stored(kept);
    call.Answer(*answer);
  });
  if (!lifted) return call.Fail(lifted.error());
  LogWarning("control_lifted", {{"control", *id},
                                {"canvas", lifted->canvas()},
                                {"by", call.request.peer},
                                {"reason", call.request.body}});
}

void ControlService::ListControls(Call call) {
  proto::ControlList list;
  for (proto::Control& control : needs_.controls.book().List(call.Query("canvas")))
    *list.add_controls() = std::move(control);
  call.Answer(list);
}

void ControlService::ListRules(Call call) {
  proto::RuleList list = needs_.rules.List();
  const RulesFile file = needs_.rules_file();
  list.set_file(file.path);
  list.set_trouble(file.trouble);
  call.Answer(list);
}

void ControlService::ListRuleHits(Call call) {
  RuleKeeper::HitFilter filter;
  filter.canvas = call.Query("canvas");
  if (!filter.canvas.empty() && !IsCanvasName(filter.canvas))
    return call.Fail(422, "this is not a canvas name: " + filter.canvas);
  filter.rule = call.Query("rule");
  if (!filter.rule.empty() && needs_.rules.rules().Find(filter.rule) == nullptr)
    return call.Fail(404, "there is no rule " + filter.rule);
  filter.open = call.Query("open") == "1";
  filter.hits_max = call.Rows(bounds::kListRows);
  if (filter.hits_max == 0) return call.Fail(400, "n is a number above 0");
  call.Answer(needs_.rules.Hits(filter));
}

void ControlService::ListCounters(Call call) {
  auto span = call.SpanUntil(needs_.clock.Wall());
  if (!span) return call.Fail(400, span.error());
  const std::string after = call.Query("after");
  auto behind = after.empty() ? std::optional<uint64_t>(0) : PositiveNumber(after);
  if (!behind || *behind > INT64_MAX) return call.Fail(400, "after is seconds since 1970");
  auto seconds = [](WallTime time) { return UnixMillis(time) / 1000; };
  proto::ToWriter question;
  proto::CountersWanted& wanted = *question.mutable_counters_wanted();
  wanted.set_since_unix_s(seconds(span->since));
  wanted.set_until_unix_s(seconds(span->until));
  wanted.set_after_unix_s(static_cast<int64_t>(*behind));
  needs_.journal.Ask(std::move(question), [this, call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    proto::CounterHistory& history = *answer->mutable_counters();
    if (!history.more()) needs_.rules.AddUnkept(&history);
    call.Answer(history);
  });
}

}  // namespace nightjar
