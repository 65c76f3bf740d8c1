#include "supervisor/run/rerunner.h"

#include <utility>

#include "supervisor/run/deployer.h"
#include "supervisor/run/new_order.h"

namespace nightjar {
namespace {

// By its stable id; a deploy that forgot the old one may have given its name to another.
const proto::HandlerEntry* HandlerOf(const Revision& revision, const proto::TraceRow& row) {
  const proto::HandlerEntry* handler = revision.Handler(row.tlid());
  return handler != nullptr ? handler : revision.HandlerNamed(row.handler());
}

// Under which a function of the run is run: its handler's name and limits, whether there is such a
// handler still or not.
proto::HandlerEntry HandlerOfFunction(const proto::TraceRow& row) {
  proto::HandlerEntry handler;
  handler.set_tlid(row.tlid());
  handler.set_name(row.handler());
  handler.set_kind(proto::HANDLER_KIND_REPL);
  handler.set_engine(proto::ENGINE_DARK);
  return handler;
}

Status CheckHandler(const proto::HandlerEntry* handler, const RerunOrder& asked,
                    const proto::TraceRow& row, RevisionNumber revision) {
  if (handler == nullptr)
    return Fail(ErrorCode::kNotFound, "revision " + std::to_string(revision) + " of " +
                                          asked.canvas + " has no handler " + row.handler());
  if (handler->engine() == proto::ENGINE_EXEC && !asked.live)
    return Fail(ErrorCode::kInvalid,
                handler->name() + " is a program, which its trace cannot answer: only live");
  return {};
}

}  // namespace

void Rerunner::Rerun(RerunOrder order, Done done) {
  proto::ToWriter question;
  proto::GetReplay& wanted = *question.mutable_get_replay();
  wanted.set_canvas(order.canvas);
  wanted.set_run_id(std::string(order.run.bytes()));
  if (order.function) {
    wanted.mutable_function()->set_name(order.function->name);
    wanted.mutable_function()->set_call(order.function->call);
    wanted.mutable_function()->set_arguments_json(order.function->arguments_json);
  }
  needs_.journal.Ask(std::move(question), [this, order = std::move(order), done = std::move(done)](
                                              Result<proto::FromWriter> answer) {
    if (!answer) return done(tl::unexpected<Error>(answer.error()));
    auto replay = std::make_shared<proto::ReplayAnswer>(std::move(*answer->mutable_replay()));
    if (!replay->not_whole().empty())
      return done(Fail(ErrorCode::kInvalid, (order.function ? "this function cannot be run: "
                                                            : "this run cannot be done again: ") +
                                                replay->not_whole()));
    WithRevision(order, [this, order, done, replay](Result<RevisionPtr> revision) {
      if (!revision) return done(tl::unexpected<Error>(revision.error()));
      Start(order, std::move(*replay), std::move(*revision), done);
    });
  });
}

void Rerunner::WithRevision(const RerunOrder& order,
                            std::function<void(Result<RevisionPtr>)> found) {
  RevisionPtr in_force = needs_.book.Find(order.canvas);
  if (!in_force) return found(Fail(ErrorCode::kNotFound, "there is no canvas " + order.canvas));
  if (order.revision == 0 || order.revision == in_force->number) return found(in_force);
  proto::ToWriter question;
  question.mutable_load_revision()->set_canvas(order.canvas);
  question.mutable_load_revision()->set_revision(order.revision);
  needs_.journal.Ask(std::move(question), [found](Result<proto::FromWriter> answer) {
    if (!answer) return found(tl::unexpected<Error>(answer.error()));
    proto::RevisionLoaded& loaded = *answer->mutable_revision_loaded();
    auto program = CreateImmutableMemfd("nightjar-program", loaded.program());
    if (!program) return found(tl::unexpected<Error>(program.error()));
    proto::CatalogEntry& entry = *loaded.mutable_entry();
    found(Deployer::MakeRevision(entry.canvas(), entry.revision(),
                                 std::move(*entry.mutable_manifest()), std::move(*program),
                                 entry.program_bytes(), entry.deployed_unix_ms()));
  });
}

void Rerunner::Start(const RerunOrder& asked, proto::ReplayAnswer replay, RevisionPtr revision,
                     Done done) {
  const RevisionNumber number = revision->number;
  const proto::HandlerEntry of_function = HandlerOfFunction(replay.row());
  const proto::HandlerEntry* handler =
      asked.function ? &of_function : HandlerOf(*revision, replay.row());
  if (Status checked = CheckHandler(handler, asked, replay.row(), number); !checked)
    return done(tl::unexpected<Error>(checked.error()));
  RunOrder order =
      NewOrder(needs_.clock, *needs_.policy(), needs_.redaction_key, revision, *handler);
  order.message.mutable_again()->set_live(asked.live);
  if (order.handler.kind() == proto::HANDLER_KIND_HTTP)
    order.message.mutable_http()->set_method(order.handler.method());
  order.body = std::move(*replay.mutable_replay());
  order.caller = asked.by;
  order.wanted_by = WantedBy::kOperator;
  if (asked.function) {
    order.request_line = "run-function " + asked.function->name;
    order.patch = replay.patch();
  } else {
    order.request_line = replay.row().request_line();
    order.rerun_of = asked.run.ToString();
  }
  order.done = [done = std::move(done), number, patch = order.patch](RunResult result) {
    done(Again{std::move(result), number, patch});
  };
  needs_.runs.Start(std::move(order));
}

}  // namespace nightjar
