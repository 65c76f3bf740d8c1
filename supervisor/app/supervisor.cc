#include "supervisor/app/supervisor.h"

#include <csignal>

#include "ipc/core/log.h"
#include "policies/contradictions.h"
#include "supervisor/app/machine.h"
#include "supervisor/control/audit_entry.h"
#include "supervisor/feed/events.h"
#include "supervisor/metrics/prometheus_text.h"
#include "supervisor/policy/policy_files.h"
#include "supervisor/rules/load_rules.h"

namespace nightjar {
namespace {

constexpr std::chrono::seconds kUpkeepPeriod(1);
constexpr std::chrono::milliseconds kStraysPeriod(20);
constexpr std::chrono::seconds kStraysTime(10);  // behind the last end of a helper
constexpr std::chrono::milliseconds kStopLook(2);
constexpr std::chrono::seconds kStopStepMax(5);         // workers to die, then traces to be stored
constexpr std::chrono::seconds kStopAfterDrainMax(30);  // the steps above, and the helpers' ends

StoreLevels LevelsOf(const proto::StoreFigures& store) {
  StoreLevels levels;
  levels.available = store.available();
  levels.spooled_bytes = store.spooled_bytes();
  levels.spooled_objects = store.spooled_objects();
  levels.dropped = store.dropped();
  levels.uploaded_objects = store.uploaded_objects();
  levels.uploaded_bytes = store.uploaded_bytes();
  levels.packs = store.packs();
  levels.failed = {{"permission", store.failed_permission()},
                   {"unavailable", store.failed_unavailable()},
                   {"timed_out", store.failed_timed_out()},
                   {"refused", store.failed_refused()}};
  return levels;
}

EndedRun CountedOf(const RunOrder& order, const RunResult& result) {
  EndedRun run;
  run.canvas = order.revision->canvas;
  run.verdict = result.verdict;
  run.had_worker = result.had_worker;
  run.usage = result.usage;
  run.request_bytes = order.request_bytes;
  return run;
}

UsageTally::Cpu CpuIn(CellTree& cells) {
  return cells.TakeCanvasCpu() ? UsageTally::Cpu::kOfCanvases : UsageTally::Cpu::kOfRuns;
}

SharedIndexLevels LevelsOf(const proto::SharedIndexFigures& index) {
  SharedIndexLevels levels;
  levels.available = index.available();
  levels.rows_behind = index.rows_behind();
  levels.oldest_behind = std::chrono::milliseconds(index.oldest_behind_ms());
  levels.told = index.told();
  levels.left_untold = index.left_untold();
  levels.refused = index.refused();
  levels.failed = {{"permission", index.failed_permission()},
                   {"unavailable", index.failed_unavailable()},
                   {"timed_out", index.failed_timed_out()},
                   {"refused", index.failed_refused()}};
  return levels;
}

}  // namespace

Supervisor::Supervisor(Booted booted)
    : booted_(std::move(booted)),
      loop_(*booted_.loop),
      journal_(
          loop_, clock_,
          [this](WorkerId worker, const std::string& why) {
            factory_.Broke(worker, "its trace ring: " + why);
          },
          booted_.ledger.get()),
      zygote_(loop_),
      exec_zygote_(loop_),
      metrics_(*booted_.metrics),
      cpu_(CpuIn(*booted_.cells)),
      usage_(clock_, journal_, series_, cpu_),
      in_force_(std::make_shared<ControlledPolicy>(booted_.policy, controls_)),
      gate_(clock_),
      factory_(loop_, clock_, *booted_.cells, {zygote_, exec_zygote_}, journal_,
               UidRange(booted_.identity.first_worker, bounds::kWorkers)),
      pool_(loop_, clock_, factory_,
            [this](const std::string& canvas) { return in_force_->For(canvas, ""); }),
      runs_(loop_, clock_, pool_, journal_, metrics_, booted_.guard.get()),
      deployer_({loop_, clock_, factory_, pool_, journal_, book_, booted_.guard.get(),
                 [this] { return in_force_; }}),
      rerunner_(
          {clock_, book_, journal_, runs_, [this] { return in_force_; }, booted_.redaction_key}),
      missed_(journal_),
      missed_handler_({clock_, book_, journal_, deployer_, runs_, [this] { return in_force_; },
                       booted_.redaction_key}),
      importer_({loop_, clock_, book_, factory_, journal_, booted_.guard.get(),
                 [this] { return in_force_; }, booted_.redaction_key}),
      feed_(clock_),
      audit_(clock_, journal_),
      control_keeper_({loop_, clock_, journal_, controls_,
                       [this](const proto::Control& control) { OnControlChanged(control); },
                       [this](const proto::Control& control) {
                         audit_.NoteOwn("expire", std::to_string(control.id()),
                                        ControlText(control));
                       }}),
      rule_keeper_(
          {clock_, journal_, book_, control_keeper_, [this] { return in_force_; },
           static_cast<unsigned>(ThisMachine().processors), cpu_ == UsageTally::Cpu::kOfRuns,
           [this](RuleKeeper::Event event, const proto::RuleHit& hit) { NoteHit(event, hit); },
           [this](const proto::RuleHit& hit, const std::string& run) {
             audit_.Note(EntryOfHit(hit, "hold", run), [](bool) {});
           }},
          booted_.rules),
      front_({loop_, clock_, book_, gate_, controls_, runs_, metrics_, journal_, missed_, feed_,
              usage_, rule_keeper_.activity(), [this] { return in_force_; },
              booted_.redaction_key}),
      control_({loop_,
                clock_,
                book_,
                *booted_.cells,
                deployer_,
                journal_,
                missed_,
                metrics_,
                runs_,
                rerunner_,
                missed_handler_,
                importer_,
                pool_,
                feed_,
                audit_,
                control_keeper_,
                rule_keeper_,
                [this] { return in_force_; },
                [this](const proto::StoreFigures* store) { return MetricsText(store); },
                booted_.doctor,
                booted_.redaction_key,
                [this] { return policy_load_; },
                [this] { TellUsage(); },
                [this] {
                  return ControlService::RulesFile{booted_.options.rules, rules_trouble_};
                }}),
      writer_helper_(loop_, clock_, *booted_.launcher, proto::HELPER_WRITER, "writer",
                     {[this](Channel channel) { OnWriterUp(std::move(channel)); },
                      [this] {
                        journal_.Disconnect();
                        OnHelperDown();
                      }}),
      zygote_helper_(loop_, clock_, *booted_.launcher, proto::HELPER_ZYGOTE, "zygote",
                     {[this](Channel channel) { OnZygoteUp(std::move(channel)); },
                      [this] {
                        zygote_.Disconnect();
                        OnHelperDown();
                      }}),
      exec_zygote_helper_(loop_, clock_, *booted_.launcher, proto::HELPER_EXEC_ZYGOTE,
                          "exec-zygote",
                          {[this](Channel channel) {
                             exec_zygote_.Connect(std::move(channel));
                             pool_.ZygoteReady();
                           },
                           [this] { exec_zygote_.Disconnect(); }}),
      connections_(loop_, clock_, booted_.manager,
                   [this](std::vector<Fd> back) {
                     canvas_server_->StopKeeping();
                     for (Fd& connection : back) canvas_server_->Adopt(std::move(connection));
                   }),
      on_term_(loop_, SIGTERM, [this] { Stop(); }),
      on_int_(loop_, SIGINT, [this] { Stop(); }),
      on_hup_(loop_, SIGHUP, [this] { ReloadPolicy(); }),
      upkeep_(loop_, [this] { Upkeep(); }),
      look_for_strays_(loop_, [this] { LookForStrays(); }),
      alive_(loop_, [this] { booted_.manager.Alive(); }),
      try_policy_(loop_, [this] { TryPolicy(); }) {
  policy_load_.unix_us = UnixMicros(clock_.Wall());
  if (!booted_.options.store.empty() || !booted_.options.index.empty())
    control_.ExpectStoreFigures();
  journal_.Tell(
      {[this](const proto::RunEnded& ended) {
         if (ended.has_incident() && feed_.Wants()) feed_.Publish(IncidentEvent(ended));
       },
       [this](const proto::RunBegan& began, const proto::RunEnded& ended, uint64_t bytes) {
         usage_.Stored(began.canvas(), bytes);
         if (feed_.Wants()) feed_.Publish(StoredEvent(began, ended));
       }});
  runs_.OnEnd([this](const RunOrder& order, const RunResult& result) {
    usage_.Ended(CountedOf(order, result));
    rule_keeper_.activity().Ended(order, result);
  });
  loop_.OnTurn([this](Nanos took) { metrics_.host().loop_turns.Add(took); });
}

Supervisor::~Supervisor() = default;

void Supervisor::SayWhatIsNotEnforced() const {
  for (const proto::DoctorCheck& check : booted_.doctor.checks())
    if (check.state() != proto::DOCTOR_OK)
      LogWarning("not_enforced",
                 {{"check", check.name()}, {"found", check.found()}, {"means", check.means()}});
}

void Supervisor::SayWhichLimitIsNotEnforced() const {
  if (!booted_.policy->LimitsDiskReads()) return;
  auto say = [](const std::string& why) {
    LogWarning("limit_not_enforced", {{"limit", "canvas_disk_read"}, {"why", why}});
  };
  for (const std::string& path : booted_.disks.elsewhere)
    say("programs are shown " + path + ", which is on no disk that control groups could limit");
  if (!booted_.disks.disks.empty() && !booted_.cells->bounds().disk_read)
    say("no control group limits reads of this host's disks; see check io of nightjar doctor");
}

int Supervisor::Run() {
  LogInfo("starting", {{"listen", booted_.canvas_address},
                       {"state", booted_.state->path()},
                       {"cgroups", booted_.cells->description()},
                       {"policy", booted_.policy->layers().version},
                       {"rules", booted_.rules->version}});
  SayWhatIsNotEnforced();
  SayWhichLimitIsNotEnforced();
  SayWhatIsOddInPolicy();
  writer_helper_.Start();
  zygote_helper_.Start();
  StartExecZygote();
  upkeep_.StartEvery(kUpkeepPeriod);
  if (auto period = booted_.manager.alive_period()) alive_.StartEvery(*period);
  loop_.Run();
  // The watches of signals end before the process does, and whoever asks it to stop once more must
  // not make it die of that.
  sigset_t asking;
  sigemptyset(&asking);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&asking, signal);
  pthread_sigmask(SIG_BLOCK, &asking, nullptr);
  return exit_code_;
}

void Supervisor::OnWriterUp(Channel channel) {
  journal_.Connect(std::move(channel));
  audit_.Retry();
  control_keeper_.Retry();
  if (!controls_loaded_)
    control_keeper_.Load([this](const Status& loaded) { OnControlsLoaded(loaded); });
  usage_.WriterCame();
  rule_keeper_.WriterCame();
  if (!usage_loaded_) usage_.LoadDay([this](const Status& loaded) { OnUsageLoaded(loaded); });
  if (catalog_loaded_) return;
  journal_.LoadCatalog(
      [this](Result<std::vector<Journal::CatalogItem>> items) { OnCatalog(std::move(items)); });
}

void Supervisor::OnZygoteUp(Channel channel) {
  zygote_.Connect(std::move(channel));
  pool_.ZygoteReady();
  OpenDoors();
}

void Supervisor::StartExecZygote() {
  if (exec_started_ || !booted_.policy->LetsProgramsRun()) return;
  exec_started_ = true;
  exec_zygote_helper_.Start();
}

// Later, a helper is started again for as long as it takes. One that cannot even begin is an
// operator's mistake, to be told at once.
void Supervisor::OnHelperDown() {
  look_for_strays_until_ = clock_.Mono() + kStraysTime;
  look_for_strays_.StartEvery(kStraysPeriod);
  if (open_ || stopping_ || ++early_ends_ < bounds::kHelperFirstTries) return;
  Fail({ErrorCode::kUnavailable, 0,
        "a helper ended again and again before it was ready; what it said stands above"});
}

// Quotas hold from the first request on.
void Supervisor::OnUsageLoaded(const Status& loaded) {
  if (!loaded && loaded.error().code == ErrorCode::kUnavailable && !journal_.connected()) return;
  // It may be busy with its index for longer than it may take to answer.
  if (!loaded && loaded.error().code == ErrorCode::kTimedOut)
    return usage_.LoadDay([this](const Status& again) { OnUsageLoaded(again); });
  if (!loaded) return Fail(loaded.error());
  usage_loaded_ = true;
  OpenDoors();
}

void Supervisor::OnCatalog(Result<std::vector<Journal::CatalogItem>> items) {
  // A writer that went away meanwhile is restarted, and asked again.
  if (!items && items.error().code == ErrorCode::kUnavailable && !journal_.connected()) return;
  if (!items) return Fail(items.error());
  for (Journal::CatalogItem& item : *items) {
    auto revision = Deployer::MakeRevision(
        item.entry.canvas(), item.entry.revision(), std::move(*item.entry.mutable_manifest()),
        std::move(item.program), item.entry.program_bytes(), item.entry.deployed_unix_ms());
    Status published = revision ? book_.Publish(*revision) : Status(tl::unexpect, revision.error());
    // One damaged entry must not keep the others from being served.
    if (!published)
      LogError("canvas_not_loaded",
               {{"canvas", item.entry.canvas()}, {"error", published.error().ToString()}});
  }
  catalog_loaded_ = true;
  OpenDoors();
}

// At once: what an operator decides does not wait for the next request or the next look.
void Supervisor::OnControlChanged(const proto::Control& control) {
  pool_.PolicyChanged(control.canvas());
  if (control.kind() == proto::CONTROL_PAUSE)
    runs_.Resume([this](const nightjar::Run& run) {
      const proto::Control* holding =
          controls_.Holding(run.order().revision->canvas, run.order().handler);
      return holding == nullptr || holding->kind() != proto::CONTROL_PAUSE;
    });
}

void Supervisor::OnControlsLoaded(const Status& loaded) {
  // A writer that went away meanwhile is restarted, and asked again.
  if (!loaded && loaded.error().code == ErrorCode::kUnavailable && !journal_.connected()) return;
  if (!loaded) return Fail(loaded.error());
  controls_loaded_ = true;
  if (controls_.size() > 0) LogInfo("controls_in_force", {{"controls", controls_.size()}});
  OpenDoors();
  audit_.Verify();
}

void Supervisor::OpenDoors() {
  if (open_ || stopping_ || !catalog_loaded_ || !controls_loaded_ || !usage_loaded_ ||
      !zygote_.ready())
    return;
  open_ = true;
  if (Status started = StartServers(); !started) return Fail(started.error());
  LogInfo("ready", {{"listen", booted_.canvas_address}, {"canvases", book_.all().size()}});
  booted_.manager.Ready(ServingLine());
}

Status Supervisor::StartServers() {
  http::Options canvases;
  NJ_ASSIGN(canvas_server_,
            http::Server::Create(loop_, clock_, std::move(booted_.canvas_listener), canvases,
                                 [this](http::Request request, http::Responder responder) {
                                   front_.Handle(std::move(request), std::move(responder));
                                 }));
  http::Options control;
  control.body_bytes_max = bounds::kControlBodyBytes;
  NJ_ASSIGN(control_server_,
            http::Server::Create(loop_, clock_, std::move(booted_.control_listener), control,
                                 [this](http::Request request, http::Responder responder) {
                                   control_.Handle(std::move(request), std::move(responder));
                                 }));
  for (Fd& connection : connections_.TakeBack()) canvas_server_->Adopt(std::move(connection));
  return {};
}

// What a helper leaves behind that died while it made a process.
void Supervisor::LookForStrays() {
  if (!strays_.Look() && clock_.Mono() > look_for_strays_until_) look_for_strays_.Stop();
}

void Supervisor::TellUsage() {
  if (auto used = booted_.cells->TakeCanvasCpu())
    for (const CellTree::CanvasCpu& each : *used) {
      usage_.CpuUsed(each.canvas, each.cpu_us);
      rule_keeper_.activity().CpuUsed(each.canvas, each.cpu_us);
    }
  usage_.Tell();
}

void Supervisor::Upkeep() {
  pool_.Sweep();
  TellUsage();
  if (open_ && !stopping_) rule_keeper_.Look();
  series_.Turn(clock_.Mono());
  booted_.cells->Sweep();
  journal_.Sweep(clock_.Mono());
  missed_.Tell();
  audit_.Retry();
  control_keeper_.Retry();
  if (open_ && !stopping_) booted_.manager.Status(ServingLine());
}

std::string Supervisor::ServingLine() const {
  size_t canvases = book_.all().size();
  return "serving " + std::to_string(canvases) + (canvases == 1 ? " canvas" : " canvases") +
         " at " + booted_.canvas_address + policy_trouble_;
}

std::string Supervisor::MetricsText(const proto::StoreFigures* store) {
  HostLevels levels;
  levels.canvases = book_.all().size();
  RunService::Counts runs = runs_.CountsOfAll();
  levels.runs_queued = runs.queued;
  levels.runs_running = runs.running;
  levels.workers = factory_.live();
  levels.quarantined = booted_.cells->quarantined();
  levels.writer_connected = journal_.connected();
  levels.traces_lost = journal_.traces_lost();
  levels.missed_dropped = missed_.dropped();
  levels.controls = controls_.size();
  levels.rule_hits = rule_keeper_.hits_ever();
  levels.rule_hits_open = rule_keeper_.open_hits();
  AuditTrail::Figures audit = audit_.figures();
  levels.audit_unwritten = audit.unwritten;
  levels.audit_lost = audit.lost;
  levels.audit_broken = audit.broken;
  levels.policy_version = booted_.policy->layers().version;
  levels.policy_loads = policy_load_.number;
  levels.policies_rejected = policies_rejected_;
  levels.policy_loaded_unix_s = policy_load_.unix_us / 1'000'000;
  const WriterClient::Stored& stored = journal_.stored();
  levels.traces_kept = stored.kept;
  levels.traces_not_kept = {{"sample", stored.not_in_sample}, {"bytes", stored.beyond_bytes}};
  levels.trace_events_not_kept = stored.events_not_kept;
  levels.trace_budgets_used_up = journal_.BudgetsUsedUp();
  levels.usage_lost = usage_.lost();
  levels.canvas_series = &series_;
  if (store != nullptr && !booted_.options.store.empty()) levels.store = LevelsOf(*store);
  if (store != nullptr && store->has_shared_index())
    levels.shared_index = LevelsOf(store->shared_index());
  return PrometheusText(metrics_.host(), levels);
}

void Supervisor::SayWhatIsOddInPolicy() const {
  auto say = [](const policy::PolicyError& odd) {
    LogWarning(
        "policy_warning",
        {{"file", odd.file}, {"line", odd.line}, {"column", odd.column}, {"warning", odd.message}});
  };
  for (const policy::PolicyError& odd : booted_.policy->layers().warnings) say(odd);
  for (const policy::PolicyError& odd :
       policy::BeyondMachine(booted_.policy->layers(), ThisMachine()))
    say(odd);
}

void Supervisor::ReloadPolicy() {
  // Before it serves and while it stops, the manager knows a state that a reload must not end.
  reloading_ = open_ && !stopping_;
  if (reloading_) booted_.manager.Reloading(clock_.Mono(), "reading the policy");
  reload_until_ = clock_.Mono() + bounds::kPolicySettleMax;
  try_policy_.Stop();
  TryPolicy();
}

void Supervisor::TryPolicy() {
  auto policy = LoadPolicy(booted_.options.policy, PolicyState::kSettled);
  auto rules = LoadRules(booted_.options.rules, PolicyState::kSettled);
  bool unfinished = (!policy && policy.error().code == ErrorCode::kUnavailable) ||
                    (!rules && rules.error().code == ErrorCode::kUnavailable);
  if (unfinished && clock_.Mono() < reload_until_)
    return try_policy_.StartAfter(bounds::kPolicySettle);
  if (policy) {
    TakePolicy(std::move(*policy));
  } else {
    ++policies_rejected_;
    policy_trouble_ = "; the new policy was rejected: " + policy.error().ToString();
    LogError("policy_rejected", {{"error", policy.error().ToString()},
                                 {"in_force", booted_.policy->layers().version}});
  }
  audit_.NoteOwn("policy_reload", booted_.options.policy,
                 policy_trouble_.empty() ? "done" : policy_trouble_.substr(2));
  TakeRules(std::move(rules));
  if (std::exchange(reloading_, false) && !stopping_) booted_.manager.Ready(ServingLine());
}

void Supervisor::TakePolicy(std::shared_ptr<const policy::Policy> policy) {
  policy_trouble_.clear();
  booted_.policy = std::move(policy);
  in_force_ = std::make_shared<ControlledPolicy>(booted_.policy, controls_);
  policy_load_ = {policy_load_.number + 1, UnixMicros(clock_.Wall())};
  SayWhichLimitIsNotEnforced();
  SayWhatIsOddInPolicy();
  StartExecZygote();
  pool_.PolicyChanged();
  size_t tightened = runs_.Tighten([this](const RunOrder& order) {
    return in_force_->For(order.revision->canvas, order.handler.name());
  });
  LogInfo("policy_loaded", {{"file", booted_.options.policy},
                            {"version", booted_.policy->layers().version},
                            {"load", policy_load_.number},
                            {"runs_tightened", tightened}});
}

// Policy and rules are taken, or not, each by itself.
void Supervisor::TakeRules(Result<std::shared_ptr<const rules::RuleSet>> rules) {
  rules_trouble_ = rules ? "" : rules.error().ToString();
  if (rules && (*rules)->version == rule_keeper_.rules().version) return;
  if (rules) {
    rule_keeper_.Take(*rules);
    LogInfo("rules_loaded", {{"file", booted_.options.rules},
                             {"version", rule_keeper_.rules().version},
                             {"rules", rule_keeper_.rules().rules.size()}});
  } else {
    LogError("rules_rejected",
             {{"error", rules_trouble_}, {"in_force", rule_keeper_.rules().version}});
  }
  audit_.NoteOwn("rules_reload", booted_.options.rules, rules ? "done" : rules_trouble_);
}

// What the audit log calls it.
static const char* ActionOf(RuleKeeper::Event event) {
  switch (event) {
    case RuleKeeper::Event::kBegan:
      return "rule_hit";
    case RuleKeeper::Event::kAgain:
      return "rule_hit_again";
    case RuleKeeper::Event::kEnded:
      return "rule_hit_over";
  }
  return "";
}

void Supervisor::NoteHit(RuleKeeper::Event event, const proto::RuleHit& hit) {
  audit_.Note(EntryOfHit(hit, ActionOf(event), hit.rule()), [](bool) {});
  if (feed_.Wants()) feed_.Publish(RuleEvent(hit));
}

void Supervisor::LauncherLost() {
  if (stopping_) return;
  exit_code_ = 1;
  Stop();
}

void Supervisor::Fail(const Error& error) {
  LogError("cannot_serve", {{"error", error.ToString()}});
  exit_code_ = 1;
  Stop();
  booted_.manager.Status("cannot serve: " + error.ToString());
}

// Waits, bounded, until `done`; then goes on with `next`.
template <typename Done, typename Next>
static void WaitFor(std::unique_ptr<Timer>& timer, Loop& loop, MonoTime until, Done done,
                    Next next) {
  timer = std::make_unique<Timer>(loop, [&timer, until, done, next] {
    if (!done() && std::chrono::steady_clock::now() < until) return timer->StartAfter(kStopLook);
    next();
  });
  timer->StartAfter(Nanos(0));
}

void Supervisor::Stop() {
  if (stopping_) return;
  stopping_ = true;
  LogInfo("stopping", {{"runs", runs_.live()}});
  std::chrono::seconds drain(booted_.options.drain_s);
  booted_.manager.Stopping(drain + kStopAfterDrainMax,
                           "stopping; runs in flight may finish: " + std::to_string(runs_.live()));
  drain_until_ = clock_.Mono() + drain;
  // The control socket stays open to the end: an operator may want to see what is still running.
  if (canvas_server_)
    canvas_server_->Drain(connections_.keeps()
                              ? [this](Fd connection) { connections_.Keep(std::move(connection)); }
                              : http::Server::Keep(),
                          [] {});
  // Until every client has its answer, what they began to send included, runs are still started:
  // refused, they would be lost as surely as when they were killed.
  WaitFor(
      waiting_, loop_, drain_until_,
      [this] {
        return !canvas_server_ || (canvas_server_->connections() == 0 && connections_.idle());
      },
      [this] { DrainRuns(); });
}

void Supervisor::DrainRuns() {
  if (canvas_server_) canvas_server_->EndDrain();
  runs_.Drain(std::max(Nanos(0), Nanos(drain_until_ - clock_.Mono())), [this] { StopRuns(); });
}

void Supervisor::StopRuns() {
  pool_.Close();
  WaitFor(
      waiting_, loop_, clock_.Mono() + kStopStepMax, [this] { return factory_.live() == 0; },
      [this] { StopWorkers(); });
}

void Supervisor::StopWorkers() {
  if (factory_.live() > 0) LogError("workers_left", {{"workers", factory_.live()}});
  missed_.Tell();
  WaitFor(
      waiting_, loop_, clock_.Mono() + kStopStepMax,
      [this] { return journal_.settled() && missed_.settled() && audit_.settled(); },
      [this] { StopCounting(); });
}

// Traces are stored by now, and their bytes known.
void Supervisor::StopCounting() {
  TellUsage();
  rule_keeper_.TellAll();
  WaitFor(
      waiting_, loop_, clock_.Mono() + kStopStepMax,
      [this] { return usage_.settled() && rule_keeper_.settled(); }, [this] { StopWriter(); });
}

void Supervisor::StopWriter() {
  if (!journal_.settled()) LogError("traces_left_to_the_writer", {});
  if (!usage_.settled()) LogError("usage_left_untold", {});
  if (!rule_keeper_.settled()) LogError("rule_counters_left_untold", {});
  // The end of its socket is its word to finish.
  writer_helper_.ExpectEnd([this] { StopZygote(); });
  journal_.Disconnect();
}

void Supervisor::StopZygote() {
  zygote_helper_.ExpectEnd([this] { StopExecZygote(); });
  zygote_.Disconnect();
}

void Supervisor::StopExecZygote() {
  exec_zygote_helper_.ExpectEnd([this] { StopConnections(); });
  exec_zygote_.Disconnect();
}

// The last answers went out on the way here, and with them the last connections.
void Supervisor::StopConnections() {
  connections_.Finish([this] { Stopped(); });
}

void Supervisor::Stopped() {
  upkeep_.Stop();
  look_for_strays_.Stop();
  canvas_server_.reset();
  control_server_.reset();
  booted_.cells->RemoveAll();
  LogInfo("stopped", {{"exit_code", exit_code_}});
  loop_.Stop();
}

}  // namespace nightjar
