#include "supervisor/controls/control_keeper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

// Expiries are told by the host's clock, which may be set meanwhile.
constexpr std::chrono::seconds kLookAtClock(60);

}  // namespace

ControlKeeper::ControlKeeper(Needs needs)
    : needs_(std::move(needs)), timer_(needs_.loop, [this] { OnTime(); }) {}

void ControlKeeper::Load(std::function<void(Status)> loaded) {
  proto::ToWriter question;
  question.mutable_control_work();
  needs_.journal.Ask(std::move(question), [this, loaded](Result<proto::FromWriter> answer) {
    if (!answer) return loaded(tl::unexpected<Error>(answer.error()));
    last_id_ = std::max(last_id_, answer->controls().last_id());
    for (proto::Control& control : *answer->mutable_controls()->mutable_controls()) {
      last_id_ = std::max(last_id_, control.id());
      needs_.book.Add(control);
      needs_.changed(control);
    }
    OnTime();
    loaded({});
  });
}

Result<proto::Control> ControlKeeper::Make(proto::Control control, Kept kept) {
  if (needs_.book.size() >= kControlsMax)
    return Fail(ErrorCode::kExhausted,
                std::to_string(kControlsMax) + " controls are in force: lift some first");
  control.set_id(++last_id_);
  control.set_made_unix_us(UnixMicros(needs_.clock.Wall()));
  needs_.book.Add(control);
  needs_.changed(control);
  StartTimer();
  proto::ControlWork work;
  *work.mutable_save() = control;
  Keep(control.id(), std::move(work), std::move(kept));
  return control;
}

Result<proto::Control> ControlKeeper::Lift(uint64_t id, Kept kept) {
  const proto::Control* there = needs_.book.Find(id);
  if (there == nullptr)
    return Fail(ErrorCode::kNotFound,
                "no control " + std::to_string(id) + " is in force; it may have ended");
  proto::Control control = *there;
  End(id, std::move(kept));
  return control;
}

void ControlKeeper::End(uint64_t id, Kept kept) {
  auto control = needs_.book.Remove(id);
  needs_.changed(*control);
  StartTimer();
  proto::ControlWork work;
  work.set_remove(id);
  Keep(id, std::move(work), std::move(kept));
}

void ControlKeeper::Keep(uint64_t id, proto::ControlWork work, Kept kept) {
  unkept_[id] = {std::move(work), next_turn_++, false};
  auto waiting = std::make_shared<Waiting>(Waiting{std::move(kept), needs_.clock.Mono()});
  waiting_.push_back(waiting);
  Ask(id, std::move(waiting));
}

void ControlKeeper::Ask(uint64_t id, std::shared_ptr<Waiting> waiting) {
  Unkept& unkept = unkept_.at(id);
  unkept.asked = true;
  const uint64_t turn = unkept.turn;
  proto::ToWriter question;
  *question.mutable_control_work() = unkept.work;
  needs_.journal.Ask(
      std::move(question), [this, id, turn, waiting](Result<proto::FromWriter> answer) {
        auto at = unkept_.find(id);
        if (at != unkept_.end() && at->second.turn == turn) {
          if (answer)
            unkept_.erase(at);
          else
            at->second.asked = false;
        }
        if (!answer)
          LogError("control_not_kept", {{"control", id}, {"error", answer.error().ToString()}});
        if (!waiting || !waiting->kept) return;
        waiting_.remove(waiting);
        std::exchange(waiting->kept, nullptr)(answer.has_value());
      });
}

void ControlKeeper::Retry() {
  std::vector<std::shared_ptr<Waiting>> late;
  for (const auto& waiting : waiting_)
    if (needs_.clock.Mono() - waiting->since >= bounds::kAuditAnswerTime) late.push_back(waiting);
  for (const auto& waiting : late) {
    waiting_.remove(waiting);
    std::exchange(waiting->kept, nullptr)(false);
  }
  std::vector<uint64_t> again;
  for (const auto& [id, unkept] : unkept_)
    if (!unkept.asked) again.push_back(id);
  for (uint64_t id : again) Ask(id, nullptr);
}

void ControlKeeper::OnTime() {
  for (uint64_t id : needs_.book.ExpiredAt(UnixMicros(needs_.clock.Wall()))) {
    proto::Control control = *needs_.book.Find(id);
    End(id, [](bool) {});
    LogInfo("control_expired", {{"control", id}, {"canvas", control.canvas()}});
    needs_.expired(control);
  }
  StartTimer();
}

void ControlKeeper::StartTimer() {
  int64_t next = needs_.book.next_expiry_unix_us();
  if (next == 0) return timer_.Stop();
  Nanos left = std::chrono::microseconds(next - UnixMicros(needs_.clock.Wall()));
  timer_.StartAfter(std::clamp(left, Nanos(0), Nanos(kLookAtClock)));
}

}  // namespace nightjar
