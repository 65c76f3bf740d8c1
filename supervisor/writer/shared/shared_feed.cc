#include "supervisor/writer/shared/shared_feed.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ipc/core/log.h"

namespace nightjar::shared {
namespace {

using Kind = TraceOutbox::Entry::Kind;

size_t BytesOf(const IndexedTrace& trace) {
  return trace.row.ByteSizeLong() + trace.touched.ByteSizeLong() + trace.object_key.size();
}

}  // namespace

SharedFeed::SharedFeed(Where where, OnArchive on_archive, const Clock& clock,
                       const Interrupt& interrupt)
    : where_(std::move(where)),
      on_archive_(std::move(on_archive)),
      clock_(clock),
      interrupt_(interrupt) {}

template <typename T>
Result<T> SharedFeed::Ask(const std::function<Result<T>(Archive&)>& question) {
  Result<T> answer =
      Fail(ErrorCode::kExhausted, "the disk is too slow: too much waits for it already");
  on_archive_([&](Archive& archive) { answer = question(archive); });
  return answer;
}

Status SharedFeed::Connect() {
  if (index_ != nullptr && index_->alive()) return {};
  index_.reset();
  NJ_ASSIGN(TraceOutbox::Names names, Ask<TraceOutbox::Names>([](Archive& archive) {
              return archive.index().outbox().Who();
            }));
  NJ_ASSIGN(auto index,
            SharedIndex::Open(where_.keywords, where_.machine, names.index, interrupt_));
  if (names.fed != index->identity() || index->told() > names.newest) {
    auto feed_anew = [&](const std::string& fed) {
      return Ask<void>([&](Archive& archive) -> Status {
        TraceIndex& own = archive.index();
        NJ_ASSIGN(std::vector<TraceDay> days, own.days().Days());
        NJ_TRY(own.Write([&] { return own.outbox().FeedAnew(fed, days); }));
        return archive.CommitNow();
      });
    };
    // A crash in between begins here again.
    NJ_TRY(feed_anew(""));
    NJ_TRY(index->Forget());
    NJ_TRY(feed_anew(index->identity()));
    told_first_ = told_last_ = 0;
    LogInfo("shared_index_told_anew", {{"machine", where_.machine}});
  }
  index_ = std::move(index);
  return {};
}

// The traces that entries name, as far as their days are still there; and those of them that are
// gone, because somebody deleted them.
Status SharedFeed::FindTraces(TraceIndex& index, const std::vector<TraceOutbox::Entry>& entries,
                              Taken& taken) {
  const TraceDay oldest = TraceDay::Of(clock_.Wall()).Before(bounds::kSharedDays);
  std::map<TraceDay, std::vector<TraceDays::Name>> wanted;
  std::set<RunId> seen;
  for (const TraceOutbox::Entry& entry : entries) {
    if (entry.kind != Kind::kTrace || !seen.insert(entry.run).second) continue;
    auto day = TraceDay::Of(entry.run);
    if (!day || *day < oldest) {
      ++counts_.left_untold;
      continue;
    }
    wanted[*day].push_back({entry.canvas, entry.run});
  }
  for (const auto& [day, names] : wanted) {
    std::vector<bool> there(names.size());
    NJ_TRY(index.days().GetMany(
        day, names, [&, &names = names, &day = day](size_t which, IndexedTrace&& trace) {
          there[which] = true;
          taken.telling.traces.push_back({names[which].run, day, std::move(trace)});
        }));
    for (size_t i = 0; i < names.size(); ++i)
      if (!there[i])
        taken.telling.removed.push_back({std::string(names[i].canvas), names[i].run, day});
  }
  return {};
}

// Commits first: what another machine reads must not be lost here.
Result<SharedFeed::Taken> SharedFeed::Take() {
  return Ask<Taken>([&](Archive& archive) -> Result<Taken> {
    TraceIndex& index = archive.index();
    if (told_last_ != 0)
      NJ_TRY(index.Write([&] { return index.outbox().Remove(told_first_, told_last_); }));
    NJ_TRY(archive.CommitNow());
    told_first_ = told_last_ = 0;
    Taken taken;
    NJ_ASSIGN(auto entries, index.outbox().Oldest(batch_max_));
    if (entries.empty()) return taken;
    taken.first = entries.front().seq;
    taken.last = entries.back().seq;
    taken.entries = entries.size();
    taken.telling.newest = taken.last;
    NJ_TRY(FindTraces(index, entries, taken));
    for (const TraceOutbox::Entry& entry : entries) {
      if (entry.kind == Kind::kDayOver) taken.telling.days_over.push_back(entry.day);
      if (entry.kind == Kind::kSlot) {
        const HandlerId handler{entry.canvas, entry.tlid};
        NJ_ASSIGN(auto kept, index.ring().InSlot(handler, entry.slot));
        taken.telling.slots.push_back({handler, entry.slot, std::move(kept)});
      }
      if (entry.kind == Kind::kHold) {
        auto held = index.holds().Get(entry.canvas, entry.run);
        if (!held && held.error().code != ErrorCode::kNotFound)
          return tl::unexpected<Error>(held.error());
        taken.telling.holds.push_back({entry.canvas, entry.run, {}});
        if (held) taken.telling.holds.back().trace = std::move(*held);
      }
    }
    return taken;
  });
}

Result<bool> SharedFeed::Step() {
  NJ_TRY(Connect());
  NJ_ASSIGN(Taken taken, Take());
  if (taken.entries == 0) return false;
  size_t bytes = 0;
  for (const Telling::Trace& one : taken.telling.traces) bytes += BytesOf(one.trace);
  if (bytes > bounds::kSharedBatchBytes && batch_max_ > 1) {
    batch_max_ /= 2;
    return true;
  }
  Status told = index_->Tell(taken.telling, TraceDay::Of(clock_.Wall()));
  if (!told && told.error().code == ErrorCode::kInvalid) {
    NJ_TRY(OnRefused(taken, told.error()));
    return true;
  }
  NJ_TRY(told);
  counts_.told += taken.entries;
  told_first_ = taken.first;
  told_last_ = taken.last;
  batch_max_ = std::min(2 * batch_max_, bounds::kSharedBatch);
  return true;
}

// Values that the server will never take must not hold up everybody else's. One try more: a
// partition that was dropped under us is refused in the same words.
Status SharedFeed::OnRefused(const Taken& taken, const Error& error) {
  if (batch_max_ > 1) {
    batch_max_ = 1;
    return {};
  }
  ++counts_.refused;
  LogError("shared_row_refused", {{"entry", taken.first}, {"error", error.ToString()}});
  told_first_ = taken.first;
  told_last_ = taken.last;
  return {};
}

template <typename T>
Result<T> SharedFeed::Connected(const std::function<Result<T>(SharedIndex&)>& question) {
  // A server that was restarted is found out by asking.
  const bool kept = index_ != nullptr && index_->alive();
  NJ_TRY(Connect());
  Result<T> answer = question(*index_);
  if (answer || !kept || index_->alive() || answer.error().code != ErrorCode::kUnavailable)
    return answer;
  NJ_TRY(Connect());
  return question(*index_);
}

Result<proto::TraceList> SharedFeed::List(const proto::ListTraces& question) {
  return Connected<proto::TraceList>([&](SharedIndex& index) { return index.List(question); });
}

Result<IndexedTrace> SharedFeed::Get(const std::string& canvas, const RunId& run) {
  return Connected<IndexedTrace>([&](SharedIndex& index) { return index.Get(canvas, run); });
}

Result<TraceOutbox::Length> SharedFeed::Measure() {
  return Ask<TraceOutbox::Length>(
      [](Archive& archive) { return archive.index().outbox().Measure(); });
}

}  // namespace nightjar::shared
