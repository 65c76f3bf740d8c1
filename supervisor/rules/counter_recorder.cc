#include "supervisor/rules/counter_recorder.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {

CounterRecorder::CounterRecorder(const Clock& clock, Journal& journal)
    : clock_(clock), journal_(journal), life_(RunId::New(clock.Wall())) {}

int64_t CounterRecorder::SlotOf(WallTime time) const {
  const auto now = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch();
  return (now - now % bounds::kCounterSlot).count();
}

void CounterRecorder::Add(const std::string& canvas, const rules::Counts& counts) {
  const int64_t begins = SlotOf(clock_.Wall());
  if (begins != begins_) {
    Close();
    if (begins < begins_) life_ = RunId::New(clock_.Wall());
    begins_ = begins;
  }
  slot_[canvas].Add(counts);
}

proto::CounterSlot CounterRecorder::EmptySlot() const {
  proto::CounterSlot slot;
  slot.set_begins_unix_s(begins_);
  slot.set_seconds(static_cast<uint32_t>(bounds::kCounterSlot.count()));
  return slot;
}

void CounterRecorder::Close() {
  if (slot_.empty()) return;
  proto::CounterSlot part = EmptySlot();
  uint32_t number = 0;
  size_t bytes = 0;
  for (const auto& [canvas, counts] : slot_) {
    proto::CounterRow row = rules::OnWire(canvas, counts);
    const size_t row_bytes = row.ByteSizeLong();
    if (bytes > 0 && bytes + row_bytes > bounds::kCounterToldBytes) {
      AddPart(number++, std::exchange(part, EmptySlot()));
      bytes = 0;
    }
    *part.add_rows() = std::move(row);
    bytes += row_bytes;
  }
  AddPart(number, std::move(part));
  slot_.clear();
}

void CounterRecorder::AddPart(uint32_t number, proto::CounterSlot slot) {
  if (waiting_.size() >= bounds::kCounterPartsWaiting) {
    if (lost_++ == 0) LogError("counters_lost", {{"waiting", waiting_.size()}});
    return;
  }
  proto::CountersTold& told = *waiting_.emplace_back().mutable_counters_told();
  told.set_life(std::string(life_.bytes()));
  told.set_part(number);
  *told.mutable_slot() = std::move(slot);
}

void CounterRecorder::Tell() {
  if (SlotOf(clock_.Wall()) != begins_) Close();
  Ask();
}

void CounterRecorder::TellAll() {
  Close();
  Ask();
}

// One after the other.
void CounterRecorder::Ask() {
  if (asked_ || waiting_.empty()) return;
  asked_ = true;
  std::weak_ptr<bool> alive = alive_;
  journal_.Ask(waiting_.front(), [this, alive](Result<proto::FromWriter> answer) {
    if (alive.expired()) return;
    asked_ = false;
    if (!answer && !refused_) LogWarning("counters_untold", {{"error", answer.error().ToString()}});
    refused_ = !answer;
    // Another Tell() tries again.
    if (!answer) return;
    waiting_.pop_front();
    Ask();
  });
}

void CounterRecorder::ForEachUnkept(
    const std::function<void(const proto::CounterSlot&)>& each) const {
  for (const proto::ToWriter& told : waiting_) each(told.counters_told().slot());
  if (slot_.empty()) return;
  proto::CounterSlot slot = EmptySlot();
  for (const auto& [canvas, counts] : slot_) *slot.add_rows() = rules::OnWire(canvas, counts);
  each(slot);
}

}  // namespace nightjar
