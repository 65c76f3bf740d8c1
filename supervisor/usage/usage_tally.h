// What each canvas uses, hour by hour (UTC): counted here, kept by the storage writer.
//
// Nothing of it waits for the writer. A row says all that this supervisor has counted of a canvas
// in an hour, and each time it is told it takes the place of what was told before: a writer that
// dies between keeping it and saying so counts nothing twice. Of a supervisor that is killed the
// writer adds the runs that it had not told yet; the rest of that, a second of it mostly, is lost.
// While the writer is away rows wait here, bounded.
//
// The day's use of each canvas is here too, for quotas: loaded once, before the doors open, and
// counted on from there. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "policies/quota.h"
#include "supervisor/journal/journal.h"
#include "supervisor/metrics/canvas_series.h"

namespace nightjar {

// A request that was let in, at its end.
struct EndedRun {
  std::string canvas;
  proto::Verdict verdict = proto::VERDICT_UNSPECIFIED;
  bool had_worker = false;
  proto::Usage usage;
  uint64_t request_bytes = 0;
};

class UsageTally {
 public:
  // Where processor time comes from: CpuUsed(), or what each run says of itself, where no control
  // group counts a canvas.
  enum class Cpu { kOfCanvases, kOfRuns };

  // All of them outlive it, or at least `journal` answers no question of it afterwards.
  UsageTally(const Clock& clock, Journal& journal, CanvasSeries& series, Cpu cpu);

  void Ended(const EndedRun& run);
  void Refused(const std::string& canvas);
  void CpuUsed(const std::string& canvas, uint64_t cpu_us);
  void Stored(const std::string& canvas, uint64_t bytes);

  // A writer was started, and told of runs that ended. Call at once.
  void WriterCame();
  // Hands over what was counted since. Call every second or so.
  void Tell();
  // Nothing is under way to the writer, and nothing waits.
  bool settled() const { return asked_ == 0 && changed_.empty(); }
  // What found no room to be counted.
  uint64_t lost() const { return lost_; }

  // Today's use as the writer knows it, of supervisors before this. Before the first count.
  void LoadDay(std::function<void(Status)> done);
  // Without what is still running.
  policy::DayUse UsedToday(const std::string& canvas) const;

 private:
  // A clock that is set back begins another life: what is told of an hour takes the place of all
  // that this life has told of it, and rows of past hours are not kept here.
  struct Key {
    int64_t hour = 0;  // its begin, in seconds
    std::string canvas;
    uint32_t life = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Row {
    proto::UsageCounters used;
    bool changed = false;  // since it was told last
    unsigned asked = 0;    // questions under way with it
  };
  using Rows = std::map<Key, Row>;

  // Where to count now; null: there is no room.
  proto::UsageCounters* Now(const std::string& canvas);
  policy::DayUse& Today(const std::string& canvas);
  void AddCpu(const std::string& canvas, uint64_t cpu_us);
  void LoadPage(std::chrono::sys_days day, std::string after, std::function<void(Status)> done);
  void Change(Rows::iterator row);
  void ForgetPastHours();
  void Ask(proto::ToWriter message, std::vector<Key> told);
  void OnTold(const std::vector<Key>& told, const Result<proto::FromWriter>& answer);

  const Clock& clock_;
  Journal& journal_;
  CanvasSeries& series_;
  const Cpu cpu_;
  std::vector<RunId> lives_;
  int64_t hour_ = 0;  // the last one that was counted in
  Rows rows_;
  std::vector<Rows::iterator> changed_;
  std::unordered_map<std::string, policy::DayUse> days_;  // by canvas
  size_t asked_ = 0;
  uint64_t lost_ = 0;
  bool refused_ = false;  // the last time
  bool writer_came_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nightjar
