#include "supervisor/run/deployer.h"

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"

namespace nightjar {

struct Deployer::Job {
  std::string canvas;
  DeployText text;
  std::string by;
  Done done;
  MonoTime asked{};
  MonoTime compiled{};
  RevisionPtr earlier;
  RevisionPtr revision;
  std::vector<proto::Diagnostic> warnings;
};

namespace {

void AddRenamings(const proto::Manifest& earlier, const Revision& revision,
                  proto::DeployAnswer& answer) {
  for (const proto::HandlerEntry& was : earlier.handlers()) {
    const proto::HandlerEntry* is = revision.Handler(was.tlid());
    if (is == nullptr || is->name() == was.name()) continue;
    proto::Renaming& renaming = *answer.add_renamings();
    renaming.set_was(was.name());
    renaming.set_is(is->name());
  }
}

tl::unexpected<DeployFailure> Failed(Error error, std::vector<proto::Diagnostic> diagnostics = {}) {
  return tl::unexpected<DeployFailure>(DeployFailure{std::move(error), std::move(diagnostics)});
}

}  // namespace

Deployer::Deployer(Needs needs) : needs_(std::move(needs)) {}
Deployer::~Deployer() = default;

Result<RevisionPtr> Deployer::MakeRevision(const std::string& canvas, RevisionNumber number,
                                           proto::Manifest manifest, Fd program,
                                           uint64_t program_bytes, int64_t deployed_unix_ms) {
  NJ_ASSIGN(Router router, Router::Create(manifest));
  auto revision =
      std::make_shared<Revision>(Revision{canvas, number, std::move(manifest), std::move(program),
                                          program_bytes, deployed_unix_ms, std::move(router)});
  return RevisionPtr(std::move(revision));
}

void Deployer::Deploy(const std::string& canvas, DeployText text, const std::string& by,
                      Done done) {
  auto& queue = jobs_[canvas];
  if (queue.size() >= bounds::kDeploysWaiting)
    return done(Failed({ErrorCode::kExhausted, 0, "too many deploys of this canvas wait already"}));
  auto job = std::make_shared<Job>();
  *job = Job{canvas, std::move(text), by, std::move(done), needs_.clock.Mono(), {}, {}, {}, {}};
  queue.push_back(job);
  if (queue.size() == 1) Next(canvas);
}

void Deployer::Next(const std::string& canvas) {
  std::shared_ptr<Job> job = jobs_.at(canvas).front();
  RevisionPtr in_force = needs_.book.Find(canvas);
  if (job->text.based_on != 0 && (!in_force || in_force->number != job->text.based_on))
    return Finish(job, Failed({ErrorCode::kUnavailable, 0,
                               "canvas " + canvas + " was deployed meanwhile: try again"}));
  auto compile = std::make_unique<CompileRun>(
      CompileRun::Needs{needs_.loop, needs_.clock, needs_.factory, needs_.guard},
      CompileRun::LimitsFrom(needs_.policy()->For(canvas, "")),
      [this, job](CompileResult result) { OnCompiled(job, std::move(result)); },
      [this](CompileRun* gone) { compiles_.Remove(gone); });
  Status started = compile->Start(canvas, job->text, in_force ? &in_force->manifest : nullptr);
  if (!started) return Finish(job, Failed(started.error()));
  compiles_.Add(std::move(compile));
}

void Deployer::OnCompiled(const std::shared_ptr<Job>& job, CompileResult result) {
  job->compiled = needs_.clock.Mono();
  if (result.verdict)
    return Finish(
        job, Failed({ErrorCode::kInvalid, 0,
                     "compiling it ended with verdict " + VerdictName(result.verdict->verdict) +
                         ": " + result.verdict->detail}));
  if (!result.manifest)
    return Finish(job, Failed({ErrorCode::kInvalid, 0, "the canvas file has errors"},
                              std::move(result.diagnostics)));
  if (auto refused = ProgramsRefused(*job, *result.manifest)) return Finish(job, Failed(*refused));
  job->warnings = std::move(result.diagnostics);
  RevisionPtr old = needs_.book.Find(job->canvas);
  auto revision = MakeRevision(job->canvas, old ? old->number + 1 : 1, std::move(*result.manifest),
                               std::move(result.program), result.program_bytes,
                               UnixMillis(needs_.clock.Wall()));
  if (!revision) return Finish(job, Failed(revision.error()));
  job->earlier = old;
  job->revision = *revision;
  proto::SaveRevision save;
  save.set_canvas(job->canvas);
  save.set_revision(job->revision->number);
  *save.mutable_manifest() = job->revision->manifest;
  save.set_program_bytes(job->revision->program_bytes);
  save.set_deployed_by(job->by);
  auto source = CreateImmutableMemfd("nightjar-source", job->text.text);
  if (!source) return Finish(job, Failed(source.error()));
  save.set_source_memfd_bytes(job->text.text.size());
  needs_.journal.SaveRevision(std::move(save), job->revision->program, *source,
                              [this, job](Status saved) { OnSaved(job, std::move(saved)); });
}

// Told to whoever deploys, as every run of it would be refused.
std::optional<Error> Deployer::ProgramsRefused(const Job& job,
                                               const proto::Manifest& manifest) const {
  const auto limits = needs_.policy()->For(job.canvas, "");
  if (limits.exec.value) return std::nullopt;
  for (const proto::HandlerEntry& handler : manifest.handlers())
    if (handler.engine() == proto::ENGINE_EXEC)
      return Error{ErrorCode::kPermission, 0,
                   handler.name() + " is a program, and limit exec = false lets canvas " +
                       job.canvas + " run none (" + limits.exec.origin.source + ", " +
                       limits.exec.origin.layer + ")"};
  return std::nullopt;
}

void Deployer::OnSaved(const std::shared_ptr<Job>& job, Status saved) {
  if (!saved) return Finish(job, Failed(saved.error()));
  if (Status published = needs_.book.Publish(job->revision); !published)
    return Finish(job, Failed(published.error()));
  needs_.pool.Refresh(job->revision);
  proto::DeployAnswer answer;
  answer.set_canvas(job->canvas);
  answer.set_revision(job->revision->number);
  *answer.mutable_handlers() = job->revision->manifest.handlers();
  if (job->earlier) AddRenamings(job->earlier->manifest, *job->revision, answer);
  for (proto::Diagnostic& warning : job->warnings) *answer.add_warnings() = std::move(warning);
  answer.set_compile_us(Microseconds(job->compiled - job->asked));
  answer.set_total_us(Microseconds(needs_.clock.Mono() - job->asked));
  LogInfo("canvas_deployed", {{"canvas", job->canvas},
                              {"revision", job->revision->number},
                              {"handlers", job->revision->manifest.handlers_size()},
                              {"by", job->by},
                              {"total_us", answer.total_us()}});
  Finish(job, std::move(answer));
}

void Deployer::Finish(const std::shared_ptr<Job>& job,
                      tl::expected<proto::DeployAnswer, DeployFailure> result) {
  auto done = std::move(job->done);
  done(std::move(result));
  auto queue = jobs_.find(job->canvas);
  CHECK(queue != jobs_.end() && queue->second.front() == job);
  queue->second.pop_front();
  if (queue->second.empty())
    jobs_.erase(queue);
  else
    Next(job->canvas);
}

}  // namespace nightjar
