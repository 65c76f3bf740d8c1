#include "supervisor/writer/keeper.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/writer/trace_keeping.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

// A round goes on with what does not depend on what failed.
void Remember(Status& first, Status next) {
  if (first && !next) first = std::move(next);
}

bool IsThere(const proto::Manifest& manifest, Tlid tlid) {
  return std::any_of(manifest.handlers().begin(), manifest.handlers().end(),
                     [&](const proto::HandlerEntry& handler) { return handler.tlid() == tlid; });
}

// Whether the newest revision still has the handler.
Result<bool> InForce(Archive& archive, const HandlerId& handler) {
  auto manifest = archive.catalog().NewestManifest(handler.canvas);
  if (manifest) return IsThere(*manifest, handler.tlid);
  if (manifest.error().code == ErrorCode::kNotFound) return false;
  return tl::unexpected<Error>(manifest.error());
}

}  // namespace

Keeper::Keeper(ObjectStore& objects, OnArchive on_archive, const Clock& clock)
    : objects_(objects), on_archive_(std::move(on_archive)), clock_(clock) {}

template <typename T>
Result<T> Keeper::Ask(const std::function<Result<T>(Archive&)>& question) {
  Result<T> answer =
      Fail(ErrorCode::kExhausted, "the disk is too slow: too much waits for it already");
  on_archive_([&](Archive& archive) { answer = question(archive); });
  return answer;
}

// On the disk when it returns.
Status Keeper::Change(const std::function<Status(TraceIndex&)>& change) {
  return Ask<void>([&](Archive& archive) -> Status {
    NJ_TRY(archive.index().Write([&] { return change(archive.index()); }));
    return archive.CommitNow();
  });
}

Status Keeper::Round() {
  Status status;
  Remember(status, KeepDue());
  Remember(status, RemoveLeftovers());
  Remember(status, EmptyRemoved());
  Remember(status, Expire());
  return status;
}

Status Keeper::KeepDue() {
  while (!stopping_) {
    NJ_ASSIGN(auto batch,
              Ask<std::vector<Keeping>>([&](Archive& archive) -> Result<std::vector<Keeping>> {
                TraceIndex& index = archive.index();
                NJ_ASSIGN(auto slots, index.ring().Unkept(clock_.Wall() - bounds::kKeepAfter,
                                                          bounds::kKeeperBatch));
                std::vector<Keeping> found;
                for (const RingSlot& slot : slots) {
                  auto trace = index.days().Get(slot.handler.canvas, slot.run);
                  if (!trace && trace.error().code != ErrorCode::kNotFound)
                    return tl::unexpected<Error>(trace.error());
                  found.push_back({slot, {}});
                  if (trace) found.back().trace = std::move(*trace);
                }
                return found;
              }));
    if (batch.empty()) return {};
    Status copied;
    size_t done = 0;
    while (copied && done < batch.size() && !stopping_) {
      copied = Keep(batch[done]);
      if (copied) ++done;
    }
    batch.resize(done);
    NJ_TRY(Change([&](TraceIndex& index) -> Status {
      for (const Keeping& kept : batch)
        NJ_TRY(kept.trace ? index.ring().Keep(kept.slot, *kept.trace)
                          : index.ring().Empty(kept.slot));
      return {};
    }));
    NJ_TRY(copied);
  }
  return {};
}

Status Keeper::Keep(Keeping& keeping) {
  if (!keeping.trace || keeping.trace->object_key.empty()) return {};
  NJ_ASSIGN(std::string key,
            KeptKey(keeping.slot.handler.canvas, keeping.slot.handler.tlid, keeping.slot.slot));
  Status copied = CopyFrom(keeping.slot.handler.canvas, keeping.slot.run, *keeping.trace, key);
  if (copied || copied.error().code != ErrorCode::kNotFound) return copied;
  // It is gone whatever we do, and must not hold up everybody else's.
  LogError("kept_trace_lost", {{"run", keeping.slot.run.ToString()},
                               {"canvas", keeping.slot.handler.canvas},
                               {"error", copied.error().ToString()}});
  keeping.trace->object_key.clear();
  return {};
}

// A spooled object may go into a pack between the index's answer and this: then the index has its
// new key.
Status Keeper::CopyFrom(const std::string& canvas, const RunId& run, const IndexedTrace& trace,
                        const std::string& to) {
  Status copied = objects_.Copy(trace.object_key, to);
  if (copied || copied.error().code != ErrorCode::kNotFound) return copied;
  auto again =
      Ask<IndexedTrace>([&](Archive& archive) { return archive.index().Get(canvas, run); });
  if (!again || again->object_key.empty() || again->object_key == trace.object_key) return copied;
  return objects_.Copy(again->object_key, to);
}

// Holds are made on this thread: one that is neither whole nor gone is of a writer that died.
Status Keeper::RemoveLeftovers() {
  NJ_ASSIGN(auto leftovers, Ask<std::vector<TraceHolds::Leftover>>([](Archive& archive) {
              return archive.index().holds().Leftovers(bounds::kKeeperBatch);
            }));
  for (const TraceHolds::Leftover& leftover : leftovers) NJ_TRY(RemoveEvidence(leftover));
  return {};
}

Status Keeper::EmptyRemoved() {
  NJ_ASSIGN(auto removed,
            Ask<std::vector<HandlerId>>([&](Archive& archive) -> Result<std::vector<HandlerId>> {
              TraceRing& ring = archive.index().ring();
              NJ_ASSIGN(auto noted, ring.RemovedBefore(clock_.Wall() - bounds::kHandlerGone,
                                                       bounds::kKeeperBatch));
              std::vector<HandlerId> gone, back;
              for (HandlerId& handler : noted) {
                NJ_ASSIGN(bool in_force, InForce(archive, handler));
                (in_force ? back : gone).push_back(std::move(handler));
              }
              if (back.empty()) return gone;
              NJ_TRY(archive.index().Write([&]() -> Status {
                for (const HandlerId& handler : back) NJ_TRY(ring.ForgetRemoved(handler));
                return {};
              }));
              NJ_TRY(archive.CommitNow());
              return gone;
            }));
  for (const HandlerId& handler : removed) {
    // Objects first: a crash leaves rows, which bring us here again.
    for (unsigned slot = 0; slot < bounds::kRingSlots; ++slot) {
      NJ_ASSIGN(std::string key, KeptKey(handler.canvas, handler.tlid, slot));
      NJ_TRY(objects_.Delete(key));
    }
    NJ_TRY(Change([&](TraceIndex& index) -> Status {
      NJ_TRY(index.accounts().ForgetFirst(handler));
      return index.ring().EmptySlots(handler, clock_.Wall() - bounds::kHandlerGone);
    }));
    LogInfo("handler_slots_emptied", {{"canvas", handler.canvas}, {"tlid", handler.tlid}});
  }
  return {};
}

// What is not kept yet, because copies fail or no round was made for long, holds up its day.
Result<TraceDay> Keeper::DropDays() {
  return Ask<TraceDay>([&](Archive& archive) -> Result<TraceDay> {
    TraceIndex& index = archive.index();
    TraceDay first = TraceDay::Of(clock_.Wall()).Before(bounds::kTraceDays);
    NJ_ASSIGN(auto unkept, index.ring().OldestUnkept());
    if (unkept) first = std::min(first, TraceDay::Of(*unkept));
    NJ_ASSIGN(auto days, index.days().Days());
    for (TraceDay day : days) {
      if (day >= first) continue;
      NJ_TRY(index.Write([&]() -> Status {
        NJ_TRY(index.accounts().Drop(day));
        return index.days().Drop(day);
      }));
      NJ_TRY(archive.CommitNow());
      LogInfo("day_expired", {{"day", day.Text()}});
    }
    return first;
  });
}

Status Keeper::Expire() {
  NJ_ASSIGN(TraceDay first, DropDays());
  // Rows before objects: what is listed can be read.
  for (bool more = true; more && !stopping_;) {
    NJ_ASSIGN(more, objects_.ExpireBefore(first.Text()));
  }
  return {};
}

Status Keeper::CopyEvidence(const std::string& canvas, const RunId& run, const IndexedTrace& trace,
                            const std::string& to) {
  NJ_TRY(CopyFrom(canvas, run, trace, to));
  // The slot of a kept trace may have been written over since the index was asked.
  NJ_ASSIGN(std::string object, objects_.Get(to, bounds::kTraceContainerBytes));
  NJ_ASSIGN(TraceReader reader, TraceReader::Open(object));
  if (reader.Find(run) == nullptr)
    return Fail(ErrorCode::kExpired, "trace " + run.ToString() + " has just expired");
  return {};
}

Status Keeper::RemoveEvidence(const TraceHolds::Leftover& leftover) {
  NJ_ASSIGN(std::string key, EvidenceKey(leftover.canvas, leftover.run));
  NJ_TRY(objects_.Delete(key));
  return Change([&](TraceIndex& index) { return index.holds().Remove(leftover); });
}

Result<proto::Hold> Keeper::Hold(const proto::HoldTrace& order) {
  auto run = RunId::FromBytes(order.run_id());
  if (!run) return Fail(ErrorCode::kInvalid, "not the id of a run");
  NJ_ASSIGN(std::string evidence, EvidenceKey(order.canvas(), *run));
  NJ_ASSIGN(IndexedTrace trace, Ask<IndexedTrace>([&](Archive& archive) {
              return archive.index().Get(order.canvas(), *run);
            }));
  NJ_TRY(CheckKept(trace.row));
  if (trace.object_key.empty())
    return Fail(ErrorCode::kInvalid, "nothing of this trace was stored but its row");
  // Of one that holds, nothing must be copied or removed below.
  NJ_TRY(Change(
      [&](TraceIndex& index) { return index.holds().Begin(*run, trace, order, clock_.Wall()); }));
  if (Status copied = CopyEvidence(order.canvas(), *run, trace, evidence); !copied) {
    NJ_TRY(RemoveEvidence({order.canvas(), *run}));
    return tl::unexpected<Error>(copied.error());
  }
  NJ_TRY(Change([&](TraceIndex& index) { return index.holds().Confirm(order.canvas(), *run); }));
  return Ask<proto::Hold>(
      [&](Archive& archive) { return archive.index().holds().Find(order.canvas(), *run); });
}

Result<proto::Hold> Keeper::Release(const proto::ReleaseTrace& order) {
  auto run = RunId::FromBytes(order.run_id());
  if (!run) return Fail(ErrorCode::kInvalid, "not the id of a run");
  NJ_ASSIGN(proto::Hold hold, Ask<proto::Hold>([&](Archive& archive) {
              return archive.index().holds().Find(order.canvas(), *run);
            }));
  NJ_TRY(
      Change([&](TraceIndex& index) { return index.holds().BeginRelease(order.canvas(), *run); }));
  NJ_TRY(RemoveEvidence({order.canvas(), *run}));
  return hold;
}

}  // namespace nightjar
