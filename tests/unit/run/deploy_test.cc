// Canvas files on their way to being served: compiled in a sealed worker, saved, put in force.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "supervisor/run/deployer.h"
#include "tests/support/one_policy.h"
#include "tests/unit/run/run_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeployRig : public RunRig {
 protected:
  DeployRig() { zygote_.manner = FakeZygote::Manner::kBears; }

  // The newest worker, once it was told to compile.
  FakeWorker& Compiling(size_t spawned) {
    EXPECT_TRUE(Until([&] { return zygote_.workers.size() >= spawned; }));
    EXPECT_TRUE(Until([&] {
      auto message = zygote_.last().Hear();
      if (message && message->has_compile()) compile_ = message->compile();
      return message && message->has_compile();
    }));
    return zygote_.last();
  }
  static void SayCompiled(FakeWorker& worker, const std::string& program = "compiled") {
    proto::FromWorker message;
    proto::Compiled& compiled = *message.mutable_compiled();
    *compiled.mutable_manifest() = SomeRevision("demo", 1)->manifest;
    compiled.set_program_bytes(program.size());
    auto memfd = CreateImmutableMemfd("test-program", program);
    ASSERT_TRUE(memfd);
    worker.Say(message, {memfd->get()});
  }
  static proto::FromWorker Diagnosed(const std::string& what) {
    proto::FromWorker message;
    proto::Diagnostic& diagnostic = *message.mutable_compiled()->add_diagnostics();
    diagnostic.set_line(2);
    diagnostic.set_message(what);
    return message;
  }

  proto::Compile compile_;
};

class CompileRunTest : public DeployRig {
 protected:
  void Compile(const std::string& source = "the source") {
    CompileRun::Needs needs{rig_.loop(), clock_, factory_, nullptr};
    compile_run_.emplace(
        needs, CompileRun::LimitsFrom(limits_),
        [this](CompileResult result) {
          ++done_;
          result_ = std::move(result);
        },
        [this](CompileRun*) { ++gone_; });
    ASSERT_TRUE(compile_run_->Start("demo", {"demo.dark", source}, nullptr));
  }
  bool UntilGone() {
    return Until([this] { return gone_ == 1; });
  }

  std::optional<CompileRun> compile_run_;
  CompileResult result_;
  int done_ = 0;
  int gone_ = 0;
};

TEST_F(CompileRunTest, TurnsAFileIntoAProgramAndEndsItsWorker) {
  Compile("the source");
  FakeWorker& worker = Compiling(1);
  EXPECT_EQ(compile_.file_name(), "demo.dark");
  EXPECT_EQ(compile_.source_bytes(), 10u);
  ASSERT_EQ(worker.heard_fds.size(), 1u);
  EXPECT_EQ(*ReadForeignMemfd(worker.heard_fds[0], 100), "the source");
  SayCompiled(worker);
  ASSERT_TRUE(UntilGone());
  EXPECT_EQ(done_, 1);
  ASSERT_TRUE(result_.manifest);
  EXPECT_EQ(result_.manifest->handlers_size(), 2);
  EXPECT_EQ(*ReadForeignMemfd(result_.program, 100), "compiled");
  EXPECT_EQ(result_.program_bytes, 8u);
  EXPECT_FALSE(result_.verdict);
  ASSERT_TRUE(UntilLive(0));
}

// A canvas with little memory can still be compiled, and one with much cannot compile for ever.
TEST_F(CompileRunTest, HasLimitsOfItsOwn) {
  limits_.memory_bytes.value = 4 << 20;
  limits_.cpu.value = std::chrono::hours(1);
  limits_.reuse.value = 1000;
  Compile();
  FakeWorker& worker = Compiling(1);
  EXPECT_GE(cells_.lent.at(worker.cell->name()).limits.memory_bytes, 64u << 20);
  EXPECT_LT(worker.cpu_seconds_max, 60u);
  worker.Exit(0);
  ASSERT_TRUE(UntilGone());
}

TEST_F(CompileRunTest, AFileWithMistakesIsDiagnosed) {
  Compile();
  Compiling(1).Say(Diagnosed("what is this?"));
  ASSERT_TRUE(UntilGone());
  EXPECT_EQ(done_, 1);
  EXPECT_FALSE(result_.manifest);
  EXPECT_FALSE(result_.verdict);
  ASSERT_EQ(result_.diagnostics.size(), 1u);
  EXPECT_EQ(result_.diagnostics[0].message(), "what is this?");
}

struct Failure {
  const char* name;
  std::function<void(FakeWorker&)> commit;
  proto::Verdict verdict;
};

class CompileFailureTest : public CompileRunTest, public ::testing::WithParamInterface<Failure> {};

TEST_P(CompileFailureTest, HasItsVerdictOnce) {
  Compile();
  FakeWorker& worker = Compiling(1);
  GetParam().commit(worker);
  ASSERT_TRUE(UntilGone());
  Settle();
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(gone_, 1);
  EXPECT_FALSE(result_.manifest);
  ASSERT_TRUE(result_.verdict);
  EXPECT_EQ(result_.verdict->verdict, GetParam().verdict) << result_.verdict->detail;
  ASSERT_TRUE(UntilLive(0));
}

proto::FromWorker WithSealError() {
  proto::FromWorker message;
  message.mutable_sealed()->set_failed_step("seccomp");
  return message;
}

void SayProgramThatIsNotThere(FakeWorker& worker) {
  proto::FromWorker message;
  message.mutable_compiled()->set_program_bytes(10);
  worker.Say(message);
}

void SayTooManyHandlers(FakeWorker& worker) {
  proto::FromWorker message;
  for (size_t i = 0; i <= bounds::kHandlersPerCanvas; ++i)
    message.mutable_compiled()->mutable_manifest()->add_handlers();
  message.mutable_compiled()->set_program_bytes(1);
  auto memfd = CreateImmutableMemfd("test-program", "p");
  ASSERT_TRUE(memfd);
  worker.Say(message, {memfd->get()});
}

// It came in one frame, and would not leave in one.
void SayTooMuchOfAProgram(FakeWorker& worker) {
  proto::FromWorker message;
  message.mutable_compiled()->mutable_manifest()->mutable_cors()->add_origins(
      std::string(bounds::kManifestBytes, 'o'));
  message.mutable_compiled()->set_program_bytes(1);
  auto memfd = CreateImmutableMemfd("test-program", "p");
  ASSERT_TRUE(memfd);
  worker.Say(message, {memfd->get()});
}

void SayNothing(FakeWorker& worker) {
  proto::FromWorker message;
  message.mutable_compiled();
  worker.Say(message);
}

void SayArmed(FakeWorker& worker) {
  worker.SayArmed();
}

INSTANTIATE_TEST_SUITE_P(
    Each, CompileFailureTest,
    ::testing::Values(
        Failure{"ItDies", [](FakeWorker& worker) { worker.Die(SIGSEGV); }, proto::VERDICT_CRASHED},
        Failure{"ItLeaves", [](FakeWorker& worker) { worker.Exit(1); },
                proto::VERDICT_WORKER_EXITED},
        Failure{"ItNeedsTooMuchMemory",
                [](FakeWorker& worker) {
                  worker.cell->usage.oom_kills = 1;
                  worker.Die(SIGKILL);
                },
                proto::VERDICT_MEMORY},
        Failure{"Garbage", [](FakeWorker& worker) { worker.SayBytes("\xff\xff"); },
                proto::VERDICT_PROTOCOL},
        Failure{"OutOfTurn", SayArmed, proto::VERDICT_PROTOCOL},
        Failure{"NeitherAProgramNorAReason", SayNothing, proto::VERDICT_PROTOCOL},
        Failure{"AProgramThatIsNotThere", SayProgramThatIsNotThere, proto::VERDICT_PROTOCOL},
        Failure{"MoreHandlersThanACanvasMayHave", SayTooManyHandlers, proto::VERDICT_PROTOCOL},
        Failure{"MoreOfAProgramThanCanBeSaved", SayTooMuchOfAProgram, proto::VERDICT_PROTOCOL},
        Failure{"AWallDoesNotStand", [](FakeWorker& worker) { worker.Say(WithSealError()); },
                proto::VERDICT_START_FAILED}),
    [](const auto& info) { return info.param.name; });

TEST_F(CompileRunTest, ARunawayCompilerIsEndedAtItsLimit) {
  policy::Limits limits = CompileRun::LimitsFrom(limits_);
  limits.wall.value = std::chrono::milliseconds(5);
  CompileRun run(
      {rig_.loop(), clock_, factory_, nullptr}, limits,
      [this](CompileResult result) {
        ++done_;
        result_ = std::move(result);
      },
      [this](CompileRun*) { ++gone_; });
  ASSERT_TRUE(run.Start("demo", {"demo.dark", "x"}, nullptr));
  ASSERT_TRUE(UntilGone());
  EXPECT_EQ(done_, 1);
  ASSERT_TRUE(result_.verdict);
  EXPECT_EQ(result_.verdict->verdict, proto::VERDICT_WALL_TIME);
}

TEST_F(CompileRunTest, WithoutAWorkerNothingIsStarted) {
  cells_.acquire_error = Error{ErrorCode::kExhausted, ENOSPC, "cgroup"};
  CompileRun run(
      {rig_.loop(), clock_, factory_, nullptr}, CompileRun::LimitsFrom(limits_),
      [this](CompileResult) { ++done_; }, [this](CompileRun*) { ++gone_; });
  Status started = run.Start("demo", {"demo.dark", "x"}, nullptr);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().sys, ENOSPC);
  Settle();
  EXPECT_EQ(done_ + gone_, 0);
}

class DeployerTest : public DeployRig {
 protected:
  using Outcome = tl::expected<proto::DeployAnswer, DeployFailure>;

  void Deploy(const std::string& canvas, const std::string& source) {
    deployer_.Deploy(canvas, {canvas + ".dark", source}, "uid 0",
                     [this](Outcome outcome) { outcomes_.push_back(std::move(outcome)); });
  }
  // The save that waits, once there is one; it leaves the journal.
  FakeJournal::Save NextSave() {
    EXPECT_TRUE(Until([this] { return !journal_.saves.empty(); }));
    FakeJournal::Save save = std::move(journal_.saves.front());
    journal_.saves.erase(journal_.saves.begin());
    return save;
  }
  // Through all steps, as compile worker number `spawned`.
  void DeployWell(const std::string& canvas, size_t spawned) {
    size_t before = outcomes_.size();
    Deploy(canvas, "source");
    SayCompiled(Compiling(spawned));
    NextSave().done({});
    ASSERT_EQ(outcomes_.size(), before + 1);
    ASSERT_TRUE(outcomes_.back());
  }

  CanvasBook book_;
  Deployer deployer_{{rig_.loop(), clock_, factory_, pool_, journal_, book_, nullptr,
                      [this] { return std::make_shared<const OnePolicy>(limits_); }}};
  std::vector<Outcome> outcomes_;
};

TEST_F(DeployerTest, IsInForceOnlyOnceItIsDurable) {
  Deploy("demo", "the source");
  SayCompiled(Compiling(1));
  FakeJournal::Save save = NextSave();
  EXPECT_EQ(save.revision.canvas(), "demo");
  EXPECT_EQ(save.revision.revision(), 1u);
  EXPECT_EQ(save.revision.deployed_by(), "uid 0");
  EXPECT_EQ(save.revision.source_memfd_bytes(), 10u);
  EXPECT_EQ(save.revision.manifest().handlers_size(), 2);
  EXPECT_EQ(book_.Find("demo"), nullptr);
  EXPECT_THAT(outcomes_, IsEmpty());
  save.done({});
  ASSERT_EQ(outcomes_.size(), 1u);
  ASSERT_TRUE(outcomes_[0]);
  EXPECT_EQ(outcomes_[0]->revision(), 1u);
  EXPECT_EQ(outcomes_[0]->handlers_size(), 2);
  ASSERT_NE(book_.Find("demo"), nullptr);
  EXPECT_EQ(book_.Find("demo")->number, 1u);
  EXPECT_EQ(*ReadForeignMemfd(book_.Find("demo")->program, 100), "compiled");
}

TEST_F(DeployerTest, TellsTheCompilerWhoWasThereAndSaysWhoWasRenamed) {
  DeployWell("demo", 1);
  EXPECT_EQ(compile_.earlier_size(), 0);
  Deploy("demo", "source");
  FakeWorker& worker = Compiling(2);
  proto::FromWorker message;
  proto::Compiled& compiled = *message.mutable_compiled();
  *compiled.mutable_manifest() = book_.Find("demo")->manifest;
  EXPECT_EQ(compile_.earlier_size(), compiled.manifest().handlers_size());
  EXPECT_EQ(compile_.earlier(0).tlid(), compiled.manifest().handlers(0).tlid());
  std::string was = compiled.manifest().handlers(0).name();
  compiled.mutable_manifest()->mutable_handlers(0)->set_name("GET /new");
  compiled.set_program_bytes(8);
  auto program = CreateImmutableMemfd("test-program", "compiled");
  worker.Say(message, {program->get()});
  NextSave().done({});
  ASSERT_TRUE(outcomes_.back());
  ASSERT_EQ(outcomes_.back()->renamings_size(), 1);
  EXPECT_EQ(outcomes_.back()->renamings(0).was(), was);
  EXPECT_EQ(outcomes_.back()->renamings(0).is(), "GET /new");
}

TEST_F(DeployerTest, WorkersOfTheNewRevisionAreArmedAtOnce) {
  limits_.armed.value = 1;
  Deploy("demo", "source");
  SayCompiled(Compiling(1));
  zygote_.manner = FakeZygote::Manner::kArms;
  NextSave().done({});
  EXPECT_TRUE(UntilArmed(1));
}

TEST_F(DeployerTest, RevisionsAreCountedForEachCanvas) {
  DeployWell("demo", 1);
  DeployWell("demo", 2);
  DeployWell("other", 3);
  EXPECT_EQ(book_.Find("demo")->number, 2u);
  EXPECT_EQ(book_.Find("other")->number, 1u);
}

TEST_F(DeployerTest, ABrokenFileChangesNothing) {
  DeployWell("demo", 1);
  Deploy("demo", "broken");
  Compiling(2).Say(Diagnosed("what is this?"));
  ASSERT_TRUE(Until([&] { return outcomes_.size() == 2; }));
  ASSERT_FALSE(outcomes_[1]);
  EXPECT_EQ(outcomes_[1].error().error.code, ErrorCode::kInvalid);
  ASSERT_EQ(outcomes_[1].error().diagnostics.size(), 1u);
  EXPECT_EQ(book_.Find("demo")->number, 1u);
  EXPECT_THAT(journal_.saves, IsEmpty());
  DeployWell("demo", 3);
  EXPECT_EQ(book_.Find("demo")->number, 2u);  // the broken one took no number
}

TEST_F(DeployerTest, WarningsComeWithTheAnswer) {
  Deploy("demo", "source");
  FakeWorker& worker = Compiling(1);
  proto::FromWorker message = Diagnosed("is never used");
  message.mutable_compiled()->mutable_diagnostics(0)->set_warning(true);
  *message.mutable_compiled()->mutable_manifest() = SomeRevision("demo", 1)->manifest;
  message.mutable_compiled()->set_program_bytes(1);
  auto memfd = CreateImmutableMemfd("test-program", "p");
  ASSERT_TRUE(memfd);
  worker.Say(message, {memfd->get()});
  NextSave().done({});
  ASSERT_TRUE(outcomes_.at(0));
  ASSERT_EQ(outcomes_[0]->warnings_size(), 1);
  EXPECT_EQ(outcomes_[0]->warnings(0).message(), "is never used");
}

TEST_F(DeployerTest, ACompilerThatRunsAwaySaysSo) {
  Deploy("demo", "source");
  FakeWorker& worker = Compiling(1);
  worker.cell->usage.oom_kills = 1;
  worker.Die(SIGKILL);
  ASSERT_TRUE(Until([&] { return outcomes_.size() == 1; }));
  EXPECT_THAT(outcomes_[0].error().error.context, HasSubstr("verdict memory"));
}

TEST_F(DeployerTest, WithoutAWriterNothingIsPutInForce) {
  journal_.away = true;
  Deploy("demo", "source");
  SayCompiled(Compiling(1));
  ASSERT_TRUE(Until([&] { return outcomes_.size() == 1; }));
  ASSERT_FALSE(outcomes_[0]);
  EXPECT_EQ(outcomes_[0].error().error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(book_.Find("demo"), nullptr);
  journal_.away = false;
  DeployWell("demo", 2);
}

TEST_F(DeployerTest, AnotherDeployOfACanvasWaitsItsTurnAndOthersDoNot) {
  Deploy("demo", "one");
  FakeWorker& first = Compiling(1);
  Deploy("demo", "two");
  Deploy("other", "three");
  FakeWorker& other = Compiling(2);
  EXPECT_EQ(compile_.canvas(), "other");
  SayCompiled(other);
  NextSave().done({});
  EXPECT_EQ(outcomes_.size(), 1u);
  SayCompiled(first);
  FakeJournal::Save save = NextSave();
  Settle();
  EXPECT_EQ(zygote_.workers.size(), 2u);  // the second of demo waits for the first to be durable
  save.done({});
  FakeWorker& second = Compiling(3);
  EXPECT_EQ(compile_.canvas(), "demo");
  SayCompiled(second);
  NextSave().done({});
  ASSERT_EQ(outcomes_.size(), 3u);
  EXPECT_EQ(outcomes_[1]->revision(), 1u);
  EXPECT_EQ(outcomes_[2]->revision(), 2u);
}

TEST_F(DeployerTest, AFailedDeployLetsTheNextOneGo) {
  cells_.acquire_error = Error{ErrorCode::kExhausted, ENOSPC, "cgroup"};
  Deploy("demo", "one");
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_EQ(outcomes_[0].error().error.sys, ENOSPC);
  cells_.acquire_error.reset();
  DeployWell("demo", 1);
}

TEST_F(DeployerTest, OnlySoManyDeploysOfACanvasWait) {
  zygote_.manner = FakeZygote::Manner::kHolds;
  for (size_t i = 0; i < bounds::kDeploysWaiting; ++i) Deploy("demo", "source");
  EXPECT_THAT(outcomes_, IsEmpty());
  Deploy("demo", "one too many");
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_EQ(outcomes_[0].error().error.code, ErrorCode::kExhausted);
}

// What the writer kept is what the next supervisor starts with; a route that cannot be served must
// not be put in force.
TEST_F(DeployerTest, ARevisionWithARouteThatCannotBeServedIsRefused) {
  proto::Manifest manifest;
  proto::HandlerEntry& handler = *manifest.add_handlers();
  handler.set_kind(proto::HANDLER_KIND_HTTP);
  handler.set_method("GET");
  handler.set_route("no slash");
  auto revision = Deployer::MakeRevision("demo", 1, manifest, Fd(), 0, 0);
  EXPECT_FALSE(revision);
}

}  // namespace
}  // namespace nightjar::testing
