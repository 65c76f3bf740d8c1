#include "supervisor/writer/keeper.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/writer/erase_run.h"
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
  Remember(status, FinishErasures());
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
                  NJ_ASSIGN(Keeping keeping, FindForSlot(index, slot));
                  found.push_back(std::move(keeping));
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
      for (const Keeping& kept : batch) NJ_TRY(MarkKept(index, kept));
      return {};
    }));
    NJ_TRY(copied);
  }
  return {};
}

Result<Keeper::Keeping> Keeper::FindForSlot(TraceIndex& index, const RingSlot& slot) {
  const std::string& canvas = slot.handler.canvas;
  Keeping keeping{slot, {}, {}, {}};
  auto trace = index.days().Get(canvas, slot.run);
  if (!trace && trace.error().code != ErrorCode::kNotFound)
    return tl::unexpected<Error>(trace.error());
  if (trace) keeping.trace = std::move(*trace);
  NJ_ASSIGN(keeping.patches, index.patches().Of(canvas, slot.run, TracePatches::Place::kWeek));
  NJ_ASSIGN(std::string key, KeptKey(canvas, slot.handler.tlid, slot.slot));
  NJ_ASSIGN(keeping.stale, index.patches().InSlot(key));
  std::erase_if(keeping.stale, [&](const IndexedTrace& patch) {
    return patch.row.patch().run_id() == slot.run.ToString();
  });
  return keeping;
}

// One that was patched once more meanwhile is left for the next turn.
Status Keeper::MarkKept(TraceIndex& index, const Keeping& kept) {
  for (const IndexedTrace& patch : kept.stale) NJ_TRY(index.patches().RemoveObject(patch));
  if (!kept.trace) return index.ring().Empty(kept.slot);
  const HandlerId& handler = kept.slot.handler;
  NJ_ASSIGN(auto now,
            index.patches().Of(handler.canvas, kept.slot.run, TracePatches::Place::kWeek));
  if (!SamePatches(now, kept.patches)) return {};
  NJ_TRY(index.ring().Keep(kept.slot, *kept.trace));
  if (kept.trace->object_key.empty()) return {};
  NJ_ASSIGN(std::string key, KeptKey(handler.canvas, handler.tlid, kept.slot.slot));
  for (IndexedTrace& patch : now) {
    patch.object_key = PatchKey(key, RunOf(patch.row));
    NJ_TRY(index.patches().Add(kept.slot.run, TracePatches::Place::kKept, patch));
  }
  return {};
}

Status Keeper::CopyPatches(const std::vector<IndexedTrace>& patches, const std::string& base_key) {
  for (const IndexedTrace& patch : patches) {
    const RunId run = RunOf(patch.row);
    Status copied = objects_.Copy(patch.object_key, PatchKey(base_key, run));
    if (!copied && copied.error().code != ErrorCode::kNotFound) return copied;
    if (!copied)
      LogError("kept_trace_lost", {{"run", run.ToString()},
                                   {"canvas", patch.row.canvas()},
                                   {"error", copied.error().ToString()}});
  }
  return {};
}

Status Keeper::Keep(Keeping& keeping) {
  for (const IndexedTrace& patch : keeping.stale) NJ_TRY(objects_.Delete(patch.object_key));
  if (!keeping.trace || keeping.trace->object_key.empty()) return {};
  NJ_ASSIGN(std::string key,
            KeptKey(keeping.slot.handler.canvas, keeping.slot.handler.tlid, keeping.slot.slot));
  Status copied = CopyFrom(keeping.slot.handler.canvas, keeping.slot.run, *keeping.trace, key);
  if (copied) return CopyPatches(keeping.patches, key);
  if (copied.error().code != ErrorCode::kNotFound) return copied;
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
  Status copied = CopyOne(run, trace.object_key, to);
  if (copied || copied.error().code != ErrorCode::kNotFound) return copied;
  auto again =
      Ask<IndexedTrace>([&](Archive& archive) { return archive.index().Get(canvas, run); });
  if (!again || again->object_key.empty() || again->object_key == trace.object_key) return copied;
  return CopyOne(run, again->object_key, to);
}

// Of a pack only the run itself: what is kept for one must not keep others.
Status Keeper::CopyOne(const RunId& run, const std::string& from, const std::string& to) {
  if (!IsPackKey(from)) return objects_.Copy(from, to);
  NJ_ASSIGN(std::string pack, objects_.Get(from, bounds::kTraceContainerBytes));
  auto alone = ExtractRun(pack, run);
  // Of one that is damaged all of it may be of use.
  if (!alone && alone.error().code == ErrorCode::kProtocol) return objects_.Copy(from, to);
  if (!alone) return tl::unexpected<Error>(alone.error());
  return objects_.Replace(to, *alone);
}

// Holds are made on this thread: one that is neither whole nor gone is of a writer that died.
Status Keeper::RemoveLeftovers() {
  NJ_ASSIGN(auto leftovers, Ask<std::vector<TraceHolds::Leftover>>([](Archive& archive) {
              return archive.index().holds().Leftovers(bounds::kKeeperBatch);
            }));
  for (const TraceHolds::Leftover& leftover : leftovers) NJ_TRY(RemoveEvidence(leftover));
  return {};
}

// What a deletion could not erase, because the store was away or its writer died.
Status Keeper::FinishErasures() {
  Status status;
  for (TraceDeletions::Erasure last; !stopping_;) {
    NJ_ASSIGN(auto batch, Ask<std::vector<TraceDeletions::Erasure>>([&](Archive& archive) {
                return archive.index().deletions().Erasures(last, bounds::kKeeperBatch);
              }));
    if (batch.empty()) return status;
    last = batch.back();
    for (const TraceDeletions::Erasure& erasure : batch) Remember(status, Erase(erasure));
  }
  return status;
}

Status Keeper::Erase(const TraceDeletions::Erasure& erasure) {
  NJ_TRY(EraseRun(objects_, erasure.object_key, erasure.run));
  return Change([&](TraceIndex& index) { return index.deletions().Finish(erasure); });
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
      NJ_TRY(EmptySlot(key));
    }
    NJ_TRY(Change([&](TraceIndex& index) -> Status {
      NJ_TRY(index.accounts().ForgetFirst(handler));
      return index.ring().EmptySlots(handler, clock_.Wall() - bounds::kHandlerGone);
    }));
    LogInfo("handler_slots_emptied", {{"canvas", handler.canvas}, {"tlid", handler.tlid}});
  }
  return {};
}

Status Keeper::EmptySlot(const std::string& kept_key) {
  NJ_TRY(objects_.Delete(kept_key));
  NJ_ASSIGN(auto patches, Ask<std::vector<IndexedTrace>>([&](Archive& archive) {
              return archive.index().patches().InSlot(kept_key);
            }));
  if (patches.empty()) return {};
  for (const IndexedTrace& patch : patches) NJ_TRY(objects_.Delete(patch.object_key));
  return Change([&](TraceIndex& index) -> Status {
    for (const IndexedTrace& patch : patches) NJ_TRY(index.patches().RemoveObject(patch));
    return {};
  });
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
    NJ_TRY(index.Write([&]() -> Status {
      NJ_TRY(index.patches().RemoveBefore(first));
      // By whole days, like the traces: what was deleted is not forgotten before it is expired.
      if (first != TraceDay::Of(clock_.Wall()).Before(bounds::kTraceDays)) return {};
      auto today = std::chrono::floor<std::chrono::days>(clock_.Wall());
      return index.deletions().ForgetBefore(today - bounds::kTraceDays);
    }));
    NJ_TRY(archive.CommitNow());
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
  constexpr auto kPlace = TracePatches::Place::kEvidence;
  NJ_ASSIGN(auto patches, Ask<std::vector<IndexedTrace>>([&](Archive& archive) {
              return archive.index().patches().Of(leftover.canvas, leftover.run, kPlace);
            }));
  NJ_TRY(objects_.Delete(key));
  for (const IndexedTrace& patch : patches) NJ_TRY(objects_.Delete(patch.object_key));
  return Change([&](TraceIndex& index) -> Status {
    NJ_TRY(index.patches().Remove(leftover.canvas, leftover.run, kPlace));
    return index.holds().Remove(leftover);
  });
}

// Row by row, each before its copy, until there is none that the evidence has not; then it holds.
Status Keeper::HoldPatches(const std::string& canvas, const RunId& run, TracePatches::Place from) {
  constexpr auto kPlace = TracePatches::Place::kEvidence;
  NJ_ASSIGN(std::string evidence, EvidenceKey(canvas, run));
  for (;;) {
    std::vector<IndexedTrace> fresh;
    NJ_TRY(Change([&](TraceIndex& index) -> Status {
      NJ_ASSIGN(fresh, index.patches().Of(canvas, run, from));
      NJ_ASSIGN(auto held, index.patches().Of(canvas, run, kPlace));
      std::erase_if(fresh, [&](const IndexedTrace& patch) {
        return std::any_of(held.begin(), held.end(), [&](const IndexedTrace& other) {
          return other.row.run_id() == patch.row.run_id();
        });
      });
      for (IndexedTrace patch : fresh) {
        patch.object_key = PatchKey(evidence, RunOf(patch.row));
        NJ_TRY(index.patches().Add(run, kPlace, patch));
      }
      return fresh.empty() ? index.holds().Confirm(canvas, run) : Status();
    }));
    if (fresh.empty()) return {};
    NJ_TRY(CopyPatches(fresh, evidence));
  }
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
  NJ_TRY(Change([&](TraceIndex& index) -> Status {
    NJ_TRY(index.holds().Begin(*run, trace, order, clock_.Wall()));
    // Of one that was begun and not copied.
    return index.patches().Remove(order.canvas(), *run, TracePatches::Place::kEvidence);
  }));
  Status copied = CopyEvidence(order.canvas(), *run, trace, evidence);
  auto place = TracePatches::PlaceOf(trace.object_key);
  if (copied && place) copied = HoldPatches(order.canvas(), *run, *place);
  if (!copied) {
    NJ_TRY(RemoveEvidence({order.canvas(), *run}));
    return tl::unexpected<Error>(copied.error());
  }
  return Ask<proto::Hold>(
      [&](Archive& archive) { return archive.index().holds().Find(order.canvas(), *run); });
}

Result<proto::TraceDeleted> Keeper::Delete(const proto::DeleteTrace& order) {
  auto run = RunId::FromBytes(order.run_id());
  if (!run) return Fail(ErrorCode::kInvalid, "not the id of a run");
  const std::string& canvas = order.canvas();
  std::vector<TraceDeletions::Erasure> erasures;
  NJ_TRY(Change([&](TraceIndex& index) -> Status {
    NJ_ASSIGN(erasures, index.Delete(*run, order));
    return {};
  }));
  Status erased;
  for (const TraceDeletions::Erasure& erasure : erasures) Remember(erased, Erase(erasure));
  NJ_ASSIGN(auto deleted, Ask<std::optional<proto::TraceDeleted>>([&](Archive& archive) {
              return archive.index().deletions().Find(canvas, *run);
            }));
  if (!deleted) return Fail(ErrorCode::kInternal, "a trace was deleted, and nothing says so");
  if (!erased) deleted->set_not_yet(erased.error().ToString());
  LogInfo("trace_deleted", {{"run", deleted->run_id()},
                            {"canvas", canvas},
                            {"by", deleted->by()},
                            {"reason", deleted->reason()},
                            {"not_yet", deleted->not_yet()}});
  return std::move(*deleted);
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
