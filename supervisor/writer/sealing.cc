#include "supervisor/writer/sealing.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/ring/tail.h"
#include "supervisor/writer/event_head.h"

namespace nightjar {
namespace {

proto::TraceRow MakeRow(const OpenTrace& trace, const proto::RunEnded& ended) {
  const proto::RunBegan& began = trace.began();
  proto::TraceRow row;
  row.set_run_id(trace.run().ToString());
  row.set_canvas(began.canvas());
  row.set_handler(began.handler());
  row.set_tlid(began.tlid());
  row.set_revision(began.revision());
  row.set_received_unix_us(began.received_unix_us());
  row.set_verdict(ended.verdict());
  row.set_detail(ended.detail());
  row.set_http_status(ended.http_status());
  *row.mutable_usage() = ended.usage();
  row.set_request_line(began.request_line());
  row.set_caller(began.caller());
  row.set_rerun_of(began.rerun_of());
  row.set_policy_version(ended.policy_version().empty() ? began.policy_version()
                                                        : ended.policy_version());
  if (began.has_patch()) *row.mutable_patch() = began.patch();
  row.set_imported_from(began.imported_from());
  row.set_imported_received_unix_us(began.imported_received_unix_us());
  return row;
}

// How long each was open; the outermost first. A call's parent is known where no frame is missing
// between them.
void PutOpenCalls(const RingEvidence& evidence, uint64_t end_ns, proto::StoredRun& stored) {
  const OpenFrame* outer = nullptr;
  for (const OpenFrame& frame : evidence.frames) {
    proto::OpenCall& open = *stored.add_open_calls();
    open.set_open_ns(end_ns - std::min(end_ns, frame.opened_ns));
    open.set_calls(frame.calls);
    proto::Call& call = *open.mutable_call();
    call.set_call_id(frame.call_id);
    call.set_kind(static_cast<proto::CallKind>(frame.kind));
    call.set_fn(frame.fn);
    call.set_expr_id(frame.expr_id);
    if (outer != nullptr && outer->depth + 1 == frame.depth) call.set_parent(outer->call_id);
    outer = &frame;
  }
  stored.set_calls_open(evidence.open_calls);
}

void PutEvidence(std::span<const std::byte> ring, const OpenTrace& trace, uint64_t wall_ns,
                 proto::StoredRun& stored) {
  auto evidence = ReadRingEvidence(ring);
  if (!evidence) {
    if (stored.stream_refused().empty()) stored.set_stream_refused(evidence.error().context);
    return;
  }
  if (evidence->counters.run != trace.run()) return;  // it died before it began
  uint64_t end_ns = std::max(trace.newest_at_ns(), wall_ns);
  proto::TraceEvent event;
  for (const std::string& bytes : evidence->newest) {
    if (!ParseEvent(bytes, &event)) continue;
    end_ns = std::max(end_ns, event.at_ns());
    *stored.add_tail() = event;
  }
  PutOpenCalls(*evidence, end_ns, stored);
}

// An open frame has no room for its arguments: those of the innermost calls are in the last events.
void PutArguments(const std::vector<proto::TraceEvent>& events, proto::StoredRun& stored) {
  std::unordered_map<uint64_t, const proto::Call*> calls;
  for (const proto::TraceEvent& event : events)
    if (event.has_call()) calls.emplace(event.call().call_id(), &event.call());
  for (proto::OpenCall& open : *stored.mutable_open_calls()) {
    auto at = calls.find(open.call().call_id());
    if (at != calls.end()) *open.mutable_call()->mutable_args() = at->second->args();
  }
}

// The newest of what is in the stream and what had been dropped from it, in the order of their
// numbers.
void PutLastEvents(const TraceBuilder& builder, proto::StoredRun& stored,
                   proto::Incident& incident) {
  std::vector<proto::TraceEvent> events(stored.tail().begin(), stored.tail().end());
  proto::TraceEvent event;
  for (const std::string& bytes : builder.Newest(bounds::kIncidentTailEvents))
    if (ParseEvent(bytes, &event)) events.push_back(event);
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.seq() < b.seq(); });
  PutArguments(events, stored);
  size_t count = std::min(events.size(), bounds::kIncidentTailEvents);
  for (auto at = events.end() - static_cast<ptrdiff_t>(count); at != events.end(); ++at)
    *incident.add_last_events() = std::move(*at);
}

// A killed worker reports nothing: what it traced is read from its ring.
void PutTraceUsage(std::span<const std::byte> ring, const RunId& run, proto::Usage& usage) {
  RingCounters counters = ring.empty() ? RingCounters() : ReadRingCounters(ring);
  if (counters.run != run) return;
  usage.set_trace_bytes(counters.bytes);
  usage.set_trace_events(counters.events);
  usage.set_trace_dropped(counters.dropped);
}

}  // namespace

SealedRun SealRun(OpenTrace& trace, proto::RunEnded ended, const RingFacts& ring) {
  bool killed = ended.has_incident() && ended.verdict() != proto::VERDICT_REFUSED;
  if (killed && ring.condemned.empty() && ended.usage().trace_events() == 0) {
    PutTraceUsage(ring.bytes, trace.run(), *ended.mutable_usage());
    *ended.mutable_incident()->mutable_usage() = ended.usage();
  }
  SealedRun sealed;
  sealed.run = trace.run();
  sealed.row = MakeRow(trace, ended);
  sealed.resumed = ring.resumed;
  sealed.condemned = !ring.condemned.empty();

  proto::StoredRun stored;
  *stored.mutable_row() = sealed.row;
  stored.set_stream_refused(std::string(ring.condemned));
  if (killed && !ring.bytes.empty())
    PutEvidence(ring.bytes, trace, ended.usage().wall_us() * 1000, stored);
  trace.CloseGap();
  sealed.touched = trace.Touched();
  if (ended.has_incident()) {
    proto::Incident& incident = sealed.incident.emplace(std::move(*ended.mutable_incident()));
    if (killed) PutLastEvents(trace.builder(), stored, incident);
    *incident.mutable_open_calls() = stored.open_calls();
    incident.set_calls_open(stored.calls_open());
  }
  sealed.events = trace.builder().events();
  if (trace.began().has_trace_rules()) {
    sealed.rules = trace.began().trace_rules();
    sealed.unsealed =
        std::make_shared<UnsealedTrace>(std::move(trace.builder()), std::move(stored));
  } else {
    sealed.object = trace.builder().Seal(std::move(stored));
  }
  return sealed;
}

SealedRun SealUnbegun(const RunId& run, proto::RunEnded ended) {
  SealedRun sealed;
  sealed.run = run;
  if (ended.has_incident()) sealed.incident = std::move(*ended.mutable_incident());
  return sealed;
}

proto::RunEnded SupervisorLost(const OpenTrace& trace, std::span<const std::byte> ring,
                               int64_t now_unix_us) {
  const proto::RunBegan& began = trace.began();
  proto::RunEnded ended;
  ended.set_run_id(std::string(trace.run().bytes()));
  ended.set_verdict(proto::VERDICT_SUPERVISOR_LOST);
  ended.set_detail("the supervisor ended while this run was going on");
  int64_t wall_us = std::max<int64_t>(0, now_unix_us - began.received_unix_us());
  ended.mutable_usage()->set_wall_us(static_cast<uint64_t>(wall_us));
  PutTraceUsage(ring, trace.run(), *ended.mutable_usage());
  proto::Incident& incident = *ended.mutable_incident();
  incident.set_run_id(trace.run().ToString());
  incident.set_canvas(began.canvas());
  incident.set_handler(began.handler());
  incident.set_revision(began.revision());
  incident.set_verdict(ended.verdict());
  incident.set_detail(ended.detail());
  incident.set_at_unix_us(now_unix_us);
  incident.set_request_line(began.request_line());
  incident.set_caller(began.caller());
  incident.set_policy_version(began.policy_version());
  *incident.mutable_usage() = ended.usage();
  return ended;
}

}  // namespace nightjar
