#include "supervisor/run/importer.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/run/redaction.h"

namespace nightjar {

// What is known of the run that it becomes, so far.
struct Importer::Job {
  ImportOrder order;
  Done done;
  RevisionPtr revision;
  std::shared_ptr<const policy::Policy> policy;
  proto::ImportTrace import;
};

namespace {

// "https://shop.example/users/7?x=1": "/users/7".
std::string PathOf(const std::string& url) {
  size_t scheme = url.find("://");
  size_t start = scheme == std::string::npos ? 0 : url.find_first_of("/?#", scheme + 3);
  if (start == std::string::npos) return "/";
  std::string path = url.substr(start, url.find_first_of("?#", start) - start);
  return path.empty() ? "/" : path;
}

// Its route alone, so that no other one takes what it would take.
Result<RouteMatch> MatchOf(const proto::HandlerEntry& handler, const std::string& path,
                           Router* router) {
  proto::Manifest alone;
  *alone.add_handlers() = handler;
  NJ_ASSIGN(*router, Router::Create(alone));
  return router->Match(handler.method(), path);
}

// The handler that takes the path, with the method where Dark stored it.
Result<const proto::HandlerEntry*> HandlerFor(const Revision& revision, const std::string& method,
                                              const std::string& path) {
  const proto::HandlerEntry* found = nullptr;
  std::string others;
  for (const proto::HandlerEntry& handler : revision.manifest.handlers()) {
    if (handler.kind() != proto::HANDLER_KIND_HTTP) continue;
    if (!method.empty() && handler.method() != method) continue;
    RouteMatch match = revision.router.Match(handler.method(), path);
    if (match.kind != RouteMatch::Kind::kFound || match.tlid != handler.tlid()) continue;
    if (found != nullptr) others += ", " + handler.name();
    if (found == nullptr) found = &handler;
  }
  if (found == nullptr)
    return Fail(ErrorCode::kInvalid, "no route takes " + (method.empty() ? "" : method + " ") +
                                         path + ": say which handler it is of");
  if (!others.empty())
    return Fail(ErrorCode::kInvalid, "Dark did not store whether " + path + " is of " +
                                         found->name() + others + ": say which handler it is of");
  return found;
}

}  // namespace

int64_t DarkReceivedUnixUs(const RunId& id, WallTime now) {
  constexpr int64_t kDarkBegan = 1'483'228'800'000;  // 2017: nothing of Dark's is older
  int64_t ms = id.unix_ms();
  return ms >= kDarkBegan && ms <= UnixMillis(now) ? ms * 1000 : 0;
}

void Importer::Import(ImportOrder order, Done done) {
  RevisionPtr revision = needs_.book.Find(order.canvas);
  if (!revision) return done(Fail(ErrorCode::kNotFound, "there is no canvas " + order.canvas));
  if (runs_.size() >= bounds::kImports)
    return done(Fail(ErrorCode::kExhausted, "other traces are being imported: ask again later"));
  auto job = std::make_shared<Job>();
  *job = Job{std::move(order), std::move(done), std::move(revision), needs_.policy(), {}};
  ImportRun::Wants wants{
      [this, job](const proto::Imported& seen) { return Decide(*job, seen); },
      [this, job](Result<ImportRun::Read> read) { OnRead(job, std::move(read)); },
      [this](ImportRun* gone) { runs_.Remove(gone); }};
  auto run = std::make_unique<ImportRun>(
      ImportRun::Needs{needs_.loop, needs_.clock, needs_.factory, needs_.guard},
      job->policy->For(job->order.canvas, ""), job->revision, std::move(wants));
  Status started = run->Start(job->order.object);
  job->order.object = {};
  if (!started) return job->done(tl::unexpected<Error>(started.error()));
  runs_.Add(std::move(run));
}

Result<proto::Import> Importer::Decide(Job& job, const proto::Imported& seen) const {
  const Revision& revision = *job.revision;
  const std::string path = PathOf(seen.url());
  const proto::HandlerEntry* handler = revision.HandlerNamed(job.order.handler);
  if (handler == nullptr && !job.order.handler.empty())
    return Fail(ErrorCode::kNotFound,
                "canvas " + revision.canvas + " has no handler named `" + job.order.handler + "`");
  if (handler == nullptr && !seen.request())
    return Fail(ErrorCode::kInvalid, "its input is no request: say which handler it is of");
  if (handler == nullptr) {
    NJ_ASSIGN(handler, HandlerFor(revision, seen.method(), path));
  }
  const bool http = handler->kind() == proto::HANDLER_KIND_HTTP;
  if (http != seen.request())
    return Fail(ErrorCode::kInvalid, handler->name() + (http ? " takes requests, and its input is "
                                                               "none"
                                                             : " takes events, and its input is a "
                                                               "request"));
  if (handler->engine() == proto::ENGINE_EXEC)
    return Fail(ErrorCode::kInvalid, handler->name() + " is a program, and Dark had none");
  const policy::Limits limits = job.policy->For(revision.canvas, handler->name());
  if (limits.trace_bytes.value == 0)
    return Fail(ErrorCode::kInvalid, "policy keeps no traces of " + handler->name() + " (" +
                                         limits.trace_bytes.origin.source + ")");
  const WallTime now = needs_.clock.Wall();
  proto::Import order;
  if (http) {
    Router alone;
    NJ_ASSIGN(RouteMatch match, MatchOf(*handler, path, &alone));
    if (match.kind != RouteMatch::Kind::kFound)
      return Fail(ErrorCode::kInvalid,
                  "the route of " + handler->name() + " does not take " + path);
    order.set_method(handler->method());
    for (const auto& [name, value] : match.vars) {
      proto::Header& variable = *order.add_variables();
      variable.set_name(name);
      variable.set_value(value);
    }
  }
  const RunId id = RunId::New(now);
  order.set_run_id(std::string(id.bytes()));
  order.set_trace_bytes_max(limits.trace_bytes.value);
  *order.mutable_redaction() = RedactionOf(limits, needs_.redaction_key, revision.canvas);
  proto::RunBegan& began = *job.import.mutable_began();
  began.set_run_id(order.run_id());
  began.set_canvas(revision.canvas);
  began.set_tlid(handler->tlid());
  began.set_handler(handler->name());
  began.set_revision(revision.number);
  began.set_received_unix_us(UnixMicros(now));
  began.set_caller(job.order.by);
  began.set_trace_bytes_max(limits.trace_bytes.value);
  for (const std::string& name : limits.trace_index.value) began.add_trace_index(name);
  auto dark = RunId::Parse(job.order.dark_trace);
  began.set_imported_from(dark ? dark->ToString() : "unknown");
  began.set_imported_received_unix_us(dark ? DarkReceivedUnixUs(*dark, now) : 0);
  return order;
}

void Importer::OnRead(const std::shared_ptr<Job>& job, Result<ImportRun::Read> read) {
  if (!read) return job->done(tl::unexpected<Error>(read.error()));
  auto events = CreateImmutableMemfd("nightjar-events", read->events);
  if (!events) return job->done(tl::unexpected<Error>(events.error()));
  proto::RunBegan& began = *job->import.mutable_began();
  began.set_request_line(read->answer.request_line());
  proto::RunEnded& ended = *job->import.mutable_ended();
  ended.set_run_id(began.run_id());
  ended.mutable_usage()->set_trace_bytes(read->answer.events_bytes());
  ended.mutable_usage()->set_trace_events(read->answer.events() + read->answer.dropped());
  ended.mutable_usage()->set_trace_dropped(read->answer.dropped());
  job->import.set_events_bytes(read->events.size());
  proto::ImportAnswer answer;
  answer.set_run_id(RunId::FromBytes(began.run_id()).value_or(RunId()).ToString());
  answer.set_handler(began.handler());
  answer.set_request_line(began.request_line());
  answer.set_imported_from(began.imported_from());
  answer.set_imported_received_unix_us(began.imported_received_unix_us());
  answer.set_events(read->answer.events());
  answer.set_events_dropped(read->answer.dropped());
  needs_.journal.ImportTrace(std::move(job->import), *events,
                             [job, answer](Result<proto::FromWriter> stored) {
                               if (!stored) return job->done(tl::unexpected<Error>(stored.error()));
                               LogInfo("trace_imported", {{"run", answer.run_id()},
                                                          {"canvas", job->order.canvas},
                                                          {"handler", answer.handler()},
                                                          {"events", answer.events()},
                                                          {"by", job->order.by}});
                               job->done(answer);
                             });
}

}  // namespace nightjar
