// Hands what rules count to the storage writer, a slot of bounds::kCounterSlot after the other, so
// that windows outlive the supervisor and rules can be tried out on what has been.
//
// Nothing waits for the writer. While it is away slots wait here, bounded; what finds no room is
// lost, and counted. Of a supervisor that is killed the slot that is not over is lost. Loop thread
// only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "rules/counts.h"
#include "supervisor/journal/journal.h"

namespace nightjar {

class CounterRecorder {
 public:
  CounterRecorder(const Clock& clock, Journal& journal);

  // What happened on a canvas just now.
  void Add(const std::string& canvas, const rules::Counts& counts);
  // Hands over the slots that are over. Call every second or so.
  void Tell();
  // That too which is not. Nothing is to be added afterwards.
  void TellAll();
  // Nothing is under way, and nothing waits but the slot that is not over.
  bool settled() const { return waiting_.empty(); }
  // Parts of slots that found no room.
  uint64_t lost() const { return lost_; }

  // What the writer has not kept yet, oldest first.
  void ForEachUnkept(const std::function<void(const proto::CounterSlot&)>& each) const;

 private:
  int64_t SlotOf(WallTime time) const;
  // Of the time that is counted now.
  proto::CounterSlot EmptySlot() const;
  // The slot is over, or is taken for that.
  void Close();
  void AddPart(uint32_t number, proto::CounterSlot slot);
  void Ask();

  const Clock& clock_;
  Journal& journal_;
  RunId life_;  // another one after the clock was set back: a slot is counted once in a life
  int64_t begins_ = 0;
  std::unordered_map<std::string, rules::Counts> slot_;
  std::deque<proto::ToWriter> waiting_;
  bool asked_ = false;    // for the first one
  bool refused_ = false;  // the last time
  uint64_t lost_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nightjar
