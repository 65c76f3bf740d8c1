#include "supervisor/usage/usage_tally.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/proto/usage_sum.h"

namespace nightjar {
namespace {

// What a run counts beside its processor time, so that there is an order where that is not known
// yet.
constexpr uint64_t kRunWeighs = 100;  // microseconds

int64_t HourOf(WallTime time) {
  return std::chrono::floor<std::chrono::hours>(time).time_since_epoch() / std::chrono::seconds(1);
}

int64_t SecondsOf(std::chrono::sys_days day) {
  return day.time_since_epoch() / std::chrono::seconds(1);
}

// Whose matter its end was.
const char* KindOf(proto::Verdict verdict) {
  switch (verdict) {
    case proto::VERDICT_FINISHED:
      return "finished";
    case proto::VERDICT_PROGRAM_ERROR:
      return "program_error";
    case proto::VERDICT_OPERATOR:
    case proto::VERDICT_STOPPING:
      return "stopped";
    default:
      return "killed";
  }
}

}  // namespace

UsageTally::UsageTally(const Clock& clock, Journal& journal, CanvasSeries& series, Cpu cpu)
    : clock_(clock), journal_(journal), series_(series), cpu_(cpu) {
  lives_.push_back(RunId::New(clock.Wall()));
}

proto::UsageCounters* UsageTally::Now(const std::string& canvas) {
  const int64_t hour = HourOf(clock_.Wall());
  if (hour < hour_) lives_.push_back(RunId::New(clock_.Wall()));
  hour_ = hour;
  Key key{hour, canvas, static_cast<uint32_t>(lives_.size() - 1)};
  auto row = rows_.find(key);
  if (row == rows_.end()) {
    if (rows_.size() >= bounds::kUsageRowsWaiting) {
      if (lost_++ == 0) LogError("usage_lost", {{"canvas", canvas}});
      return nullptr;
    }
    row = rows_.emplace(std::move(key), Row()).first;
  }
  Change(row);
  return &row->second.used;
}

void UsageTally::Change(Rows::iterator row) {
  if (!std::exchange(row->second.changed, true)) changed_.push_back(row);
}

policy::DayUse& UsageTally::Today(const std::string& canvas) {
  policy::DayUse& used = days_[canvas];
  std::chrono::sys_days today = policy::DayOf(clock_.Wall());
  if (used.day < today) used = {today};
  return used;
}

policy::DayUse UsageTally::UsedToday(const std::string& canvas) const {
  auto at = days_.find(canvas);
  return at == days_.end() ? policy::DayUse() : at->second;
}

void UsageTally::Ended(const EndedRun& run) {
  CanvasFigures& figures = series_.Of(run.canvas, clock_.Mono());
  proto::UsageCounters* row = Now(run.canvas);
  if (!run.had_worker) {
    bool refused = run.verdict == proto::VERDICT_REFUSED;
    if (refused) ++figures.refused;
    if (row == nullptr) return;
    refused ? row->set_refused(row->refused() + 1) : row->set_unstarted(row->unstarted() + 1);
    return;
  }
  ++figures.runs[KindOf(run.verdict)];
  series_.Weigh(run.canvas, kRunWeighs);
  policy::DayUse& today = Today(run.canvas);
  ++today.runs;
  today.sent_bytes += run.usage.output_bytes();
  if (cpu_ == Cpu::kOfRuns) AddCpu(run.canvas, run.usage.cpu_us());
  if (row == nullptr) return;
  proto::UsageCounters used = UsageOfRun(run.verdict, run.usage);
  if (cpu_ == Cpu::kOfRuns) used.set_cpu_us(run.usage.cpu_us());
  used.set_request_bytes(run.request_bytes);
  AddUsage(used, row);
}

void UsageTally::Refused(const std::string& canvas) {
  ++series_.Of(canvas, clock_.Mono()).refused;
  if (proto::UsageCounters* row = Now(canvas)) row->set_refused(row->refused() + 1);
}

// But for the row.
void UsageTally::AddCpu(const std::string& canvas, uint64_t cpu_us) {
  series_.Of(canvas, clock_.Mono()).cpu_us += cpu_us;
  series_.Weigh(canvas, cpu_us);
  Today(canvas).cpu_us += cpu_us;
}

void UsageTally::CpuUsed(const std::string& canvas, uint64_t cpu_us) {
  AddCpu(canvas, cpu_us);
  if (proto::UsageCounters* row = Now(canvas)) row->set_cpu_us(row->cpu_us() + cpu_us);
}

void UsageTally::Stored(const std::string& canvas, uint64_t bytes) {
  if (proto::UsageCounters* row = Now(canvas)) row->set_stored_bytes(row->stored_bytes() + bytes);
}

void UsageTally::ForgetPastHours() {
  const Key now{hour_, "", static_cast<uint32_t>(lives_.size() - 1)};
  std::erase_if(rows_, [&](const auto& each) {
    bool past = each.first.hour != now.hour || each.first.life != now.life;
    return past && !each.second.changed && each.second.asked == 0;
  });
}

void UsageTally::WriterCame() {
  writer_came_ = true;
  Tell();
}

void UsageTally::Tell() {
  const int64_t hour_before = rows_.empty() ? hour_ : rows_.begin()->first.hour;
  std::vector<Rows::iterator> waiting = std::exchange(changed_, {});
  size_t next = 0;
  // What a writer was told of ended runs before this message is counted: it has to hear so, even
  // where nothing has changed.
  if (std::exchange(writer_came_, false) && waiting.empty()) {
    proto::ToWriter message;
    message.mutable_usage_told()->set_life(std::string(lives_.back().bytes()));
    Ask(std::move(message), {});
  }
  for (size_t asks = 0; next < waiting.size() && asks < bounds::kUsageMessagesPerTell; ++asks) {
    proto::ToWriter message;
    proto::UsageTold& told = *message.mutable_usage_told();
    const uint32_t life = waiting[next]->first.life;
    told.set_life(std::string(lives_[life].bytes()));
    std::vector<Key> keys;
    for (size_t bytes = 0; next < waiting.size() && bytes < bounds::kUsageToldBytes; ++next) {
      auto& [key, row] = *waiting[next];
      if (key.life != life) break;
      proto::UsageRow& said = *told.add_rows();
      said.set_canvas(key.canvas);
      said.set_begins_unix_s(key.hour);
      *said.mutable_used() = row.used;
      bytes += said.ByteSizeLong();
      row.changed = false;
      ++row.asked;
      keys.push_back(key);
    }
    Ask(std::move(message), std::move(keys));
  }
  changed_.insert(changed_.end(), waiting.begin() + static_cast<ptrdiff_t>(next), waiting.end());
  if (hour_before != hour_) ForgetPastHours();
}

void UsageTally::Ask(proto::ToWriter message, std::vector<Key> told) {
  ++asked_;
  journal_.Ask(std::move(message), [this, alive = std::weak_ptr<bool>(alive_),
                                    told = std::move(told)](Result<proto::FromWriter> answer) {
    if (!alive.expired()) OnTold(told, answer);
  });
}

void UsageTally::OnTold(const std::vector<Key>& told, const Result<proto::FromWriter>& answer) {
  --asked_;
  if (!answer && !refused_) LogWarning("usage_untold", {{"error", answer.error().ToString()}});
  refused_ = !answer;
  for (const Key& key : told) {
    auto row = rows_.find(key);
    if (row == rows_.end()) continue;
    --row->second.asked;
    if (!answer) Change(row);
  }
}

void UsageTally::LoadDay(std::function<void(Status)> done) {
  LoadPage(policy::DayOf(clock_.Wall()), "", std::move(done));
}

void UsageTally::LoadPage(std::chrono::sys_days day, std::string after,
                          std::function<void(Status)> done) {
  proto::ToWriter message;
  proto::UsageWanted& wanted = *message.mutable_usage_wanted();
  wanted.set_since_unix_s(SecondsOf(day));
  wanted.set_until_unix_s(SecondsOf(day + std::chrono::days(1)));
  wanted.set_by(proto::USAGE_BY_CANVAS);
  wanted.set_rows_max(bounds::kUsageAnswerRows);
  wanted.set_after(std::move(after));
  journal_.Ask(std::move(message), [this, alive = std::weak_ptr<bool>(alive_), day,
                                    done = std::move(done)](Result<proto::FromWriter> answer) {
    if (alive.expired()) return;
    if (!answer) return done(tl::unexpected<Error>(answer.error()));
    const proto::UsageList& list = answer->usage();
    for (const proto::UsageRow& row : list.rows())
      days_[row.canvas()] = {day, RunsIn(row.used()), row.used().cpu_us(),
                             row.used().response_bytes()};
    if (!list.more() || list.rows().empty()) return done({});
    LoadPage(day, list.rows(list.rows_size() - 1).canvas(), done);
  });
}

}  // namespace nightjar
