#include "worker/session.h"

#include <google/protobuf/util/json_util.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/core/utf8.h"
#include "ipc/core/worker_exit.h"
#include "ipc/ring/producer.h"
#include "ipc/wire/channel.h"

namespace nightjar {
namespace {

// Room in a frame for what is set after a message was measured.
constexpr size_t kFrameSlackBytes = 64;

// The program's mistake: an answer's header travels in one packet.
RunOutcome HeaderTooLarge(size_t bytes) {
  RunOutcome outcome;
  outcome.status = 500;
  outcome.body = "Application error: the response's header is too large.";
  outcome.headers.emplace_back().set_name("Content-Type");
  outcome.headers.back().set_value("text/plain; charset=utf-8");
  outcome.program_error = true;
  outcome.error = "the response's header has " + std::to_string(bytes) + " bytes";
  return outcome;
}

uint64_t Now(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// The worker's own deadlines of a run, on one timer. Shortly before the real ones the program is
// asked to stop, so that it ends where it is and can be looked at. The last resort, when the
// supervisor is stuck or dead, comes long after them: a worker is pid 1 of its namespace, where a
// timer's SIGKILL is ignored like any signal from within (pid_namespaces(7)); a signal with a
// handler is not.
//
// Processor time is looked at when it can have been used up at the earliest: one thread uses no
// more of it than time passes. The kernel's own timers of processor time strike at ticks of its
// scheduler only, and beside busy neighbours that is tens of milliseconds early or late.
class OwnTimers {
 public:
  explicit OwnTimers(Engine& engine) {
    the_engine = &engine;
    struct sigaction action {};
    action.sa_sigaction = OnTimer;
    action.sa_flags = SA_RESTART | SA_SIGINFO;
    sigaction(SIGALRM, &action, nullptr);
  }

  void Set(const proto::RunLimits& limits) {
    uint64_t now = Now(CLOCK_MONOTONIC);
    auto after = [](uint64_t from, uint64_t ns) { return ns == 0 ? kNever : from + ns; };
    last_wall = after(now, limits.wall_ns_max());
    soft_wall = after(now, limits.wall_ns_soft());
    soft_cpu = after(Now(CLOCK_PROCESS_CPUTIME_ID), limits.cpu_ns_soft());
    uint64_t first = std::min({after(0, limits.wall_ns_max()), after(0, limits.wall_ns_soft()),
                               after(0, limits.cpu_ns_soft())});
    StartFor(first == kNever ? 0 : first);
  }
  void Clear() { StartFor(0); }

 private:
  static constexpr uint64_t kNever = UINT64_MAX;
  static constexpr uint64_t kShortestLook = 200'000;

  static void OnTimer(int, siginfo_t* info, void*) {
    // Not from the timer: what a program of an exec handler sends means nothing.
    if (info->si_code != SI_KERNEL) return;
    uint64_t now = Now(CLOCK_MONOTONIC);
    if (now >= last_wall) _exit(worker_exit::kBackstop);
    uint64_t used = soft_cpu == kNever ? 0 : Now(CLOCK_PROCESS_CPUTIME_ID);
    bool wall = now >= soft_wall;
    if (wall || used >= soft_cpu) {
      soft_wall = kNever;
      soft_cpu = kNever;
      the_engine->AskToStop(wall ? proto::SELF_LIMIT_WALL : proto::SELF_LIMIT_CPU);
    }
    auto left = [](uint64_t until, uint64_t now) { return until == kNever ? kNever : until - now; };
    uint64_t next = std::min({left(soft_cpu, used), left(soft_wall, now), left(last_wall, now)});
    StartFor(next == kNever ? 0 : std::max(next, kShortestLook));
  }

  static void StartFor(uint64_t ns) {  // 0: stops it
    uint64_t us = ns / 1000 + (ns % 1000 > 0 ? 1 : 0);
    itimerval once{{},
                   {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)}};
    setitimer(ITIMER_REAL, &once, nullptr);
  }

  // A process serves one session, and a signal knows no object. Of CLOCK_MONOTONIC, and of the
  // process's own processor time.
  static inline Engine* the_engine = nullptr;
  static inline volatile uint64_t last_wall = kNever;
  static inline volatile uint64_t soft_wall = kNever;
  static inline volatile uint64_t soft_cpu = kNever;
};

class Session {
 public:
  Session(Channel& channel, Engine& engine, Recorder& recorder)
      : channel_(channel), engine_(engine), recorder_(recorder), timers_(engine) {}

  // Until the socket ends (0) or the contract is broken.
  int Serve() {
    for (;;) {
      auto packet = channel_.Receive();
      if (!packet)
        return packet.error().code == ErrorCode::kUnavailable ? 0 : worker_exit::kBrokenProtocol;
      auto message = (*packet)->Parse<proto::ToWorker>();
      if (!message) return worker_exit::kBrokenProtocol;
      Status handled = Handle(*message, **packet);
      if (!handled)
        return handled.error().code == ErrorCode::kUnavailable ? 0 : worker_exit::kBrokenProtocol;
    }
  }

 private:
  enum class State { kFresh, kArmed, kSpent };

  Status Handle(const proto::ToWorker& message, const Packet& packet) {
    if (message.has_arm() && state_ == State::kFresh) return Arm(packet);
    if (message.has_run() && state_ == State::kArmed) return Run(message.run(), packet);
    if (message.has_compile() && state_ == State::kFresh) return Compile(message.compile(), packet);
    if (message.has_import() && state_ == State::kArmed) return Import(message.import(), packet);
    return Fail(ErrorCode::kProtocol, "a message out of order");
  }

  Status Arm(const Packet& packet) {
    proto::FromWorker answer;
    answer.mutable_armed();
    if (packet.fds.size() != 1) return Fail(ErrorCode::kProtocol, "no program");
    auto program = ReadForeignMemfd(packet.fds[0], bounds::kProgramBytes);
    Status loaded = program ? engine_.Load(*program) : Status(tl::unexpect, program.error());
    state_ = loaded ? State::kArmed : State::kSpent;
    if (!loaded) answer.mutable_armed()->set_error(loaded.error().ToString());
    return channel_.Send(answer);
  }

  Status Run(const proto::Run& run, const Packet& packet) {
    std::string body_from_memfd;
    const bool again = run.has_again();
    std::string_view body = again ? run.again().replay() : run.http().body();
    if ((again ? run.again().memfd_bytes() : run.http().body_memfd_bytes()) > 0) {
      if (packet.fds.size() != 1) return Fail(ErrorCode::kProtocol, "no body");
      NJ_ASSIGN(body_from_memfd, ReadForeignMemfd(packet.fds[0], bounds::kHttpBodyBytes));
      body = body_from_memfd;
    }
    timers_.Set(run.limits());
    RunOutcome outcome = engine_.Run(run, body, recorder_);
    timers_.Clear();
    if (outcome.limit_hit != proto::SELF_LIMIT_UNSPECIFIED) return ReportLimit(run, outcome);
    if (outcome.died_of_signal != 0) return ReportDeath(run, outcome.died_of_signal);
    return Finish(run, std::move(outcome));
  }

  Status ReportLimit(const proto::Run& run, const RunOutcome& outcome) {
    proto::FromWorker answer;
    proto::LimitHit& hit = *answer.mutable_limit_hit();
    hit.set_run_id(run.run_id());
    hit.set_limit(outcome.limit_hit);
    hit.set_measured(outcome.measured);
    hit.set_steps(outcome.steps);
    hit.set_value_bytes(outcome.value_bytes);
    return AwaitKill(answer);
  }

  Status ReportDeath(const proto::Run& run, int signal) {
    proto::FromWorker answer;
    answer.mutable_died()->set_run_id(run.run_id());
    answer.mutable_died()->set_signal(signal);
    return AwaitKill(answer);
  }

  // Its memory is the evidence now; the kill is on its way.
  Status AwaitKill(const proto::FromWorker& last_words) {
    NJ_TRY(channel_.Send(last_words));
    for (;;) pause();
  }

  Status Finish(const proto::Run& run, RunOutcome outcome) {
    proto::FromWorker answer;
    proto::Finished& finished = *answer.mutable_finished();
    finished.set_run_id(run.run_id());
    finished.set_status(outcome.status);
    for (proto::Header& header : outcome.headers) *finished.add_headers() = std::move(header);
    finished.set_program_error(outcome.program_error);
    finished.set_error(std::string(Utf8Prefix(outcome.error, bounds::kVerdictDetailBytes)));
    finished.set_request_refused(outcome.request_refused);
    finished.set_steps(outcome.steps);
    finished.set_value_bytes(outcome.value_bytes);
    finished.set_calls_answered(outcome.calls_answered);
    finished.set_calls_live(outcome.calls_live);
    finished.set_trace_bytes(recorder_.bytes());
    finished.set_trace_events(recorder_.events());
    finished.set_trace_dropped(recorder_.dropped());
    size_t head = answer.ByteSizeLong() + kFrameSlackBytes;
    if (head > bounds::kFrameBytes) return Finish(run, HeaderTooLarge(head));
    if (outcome.body.size() <= bounds::kInlineBodyBytes &&
        head + outcome.body.size() <= bounds::kFrameBytes) {
      finished.set_body(std::move(outcome.body));
      return channel_.Send(answer);
    }
    finished.set_body_memfd_bytes(outcome.body.size());
    NJ_ASSIGN(Fd body, CreateImmutableMemfd("nightjar-response", outcome.body));
    return channel_.Send(answer, {body.get()});
  }

  CompileOutcome Compiled(const proto::Compile& compile, std::string text) {
    proto::Upload upload;
    if (!compile.upload()) {
      upload.set_source(std::move(text));
    } else if (auto read = google::protobuf::util::JsonStringToMessage(text, &upload); !read.ok()) {
      CompileOutcome outcome;
      outcome.diagnostics.emplace_back().set_message("this is no upload: " +
                                                     std::string(read.message()));
      return outcome;
    }
    return engine_.Compile(compile.file_name(), upload, compile.earlier());
  }

  Status Compile(const proto::Compile& compile, const Packet& packet) {
    if (packet.fds.size() != 1) return Fail(ErrorCode::kProtocol, "no source");
    state_ = State::kSpent;
    NJ_ASSIGN(std::string text, ReadForeignMemfd(packet.fds[0], bounds::kUploadBytes));
    CompileOutcome outcome = Compiled(compile, std::move(text));
    proto::FromWorker answer;
    proto::Compiled& compiled = *answer.mutable_compiled();
    for (proto::Diagnostic& diagnostic : outcome.diagnostics)
      *compiled.add_diagnostics() = std::move(diagnostic);
    if (outcome.program.empty()) return channel_.Send(answer);
    *compiled.mutable_manifest() = std::move(outcome.manifest);
    compiled.set_program_bytes(outcome.program.size());
    NJ_ASSIGN(Fd program, CreateImmutableMemfd("nightjar-program", outcome.program));
    return channel_.Send(answer, {program.get()});
  }

  Status Import(const proto::Import& order, const Packet& packet) {
    if (packet.fds.size() != 1) return Fail(ErrorCode::kProtocol, "no object");
    if (!order.look()) state_ = State::kSpent;
    NJ_ASSIGN(std::string object, ReadForeignMemfd(packet.fds[0], bounds::kImportBytes));
    ImportOutcome outcome = engine_.Import(order, object);
    proto::FromWorker answer;
    proto::Imported& imported = *answer.mutable_imported();
    imported = std::move(outcome.answer);
    CutToUtf8(imported.mutable_wrong(), bounds::kVerdictDetailBytes);
    if (outcome.events.empty()) return channel_.Send(answer);
    NJ_ASSIGN(Fd events, CreateImmutableMemfd("nightjar-events", outcome.events));
    return channel_.Send(answer, {events.get()});
  }

  Channel& channel_;
  Engine& engine_;
  Recorder& recorder_;
  OwnTimers timers_;
  State state_ = State::kFresh;
};

}  // namespace

int RunSession(const SealFailure& sealing, DenialListener listener, Engine& engine) {
  Channel channel(Fd(kControlFd), Channel::Waiting::kYes);
  Fd denials(listener.fd);
  proto::FromWorker sealed;
  sealed.mutable_sealed();
  if (sealing.step != nullptr) {
    sealed.mutable_sealed()->set_failed_step(sealing.step);
    sealed.mutable_sealed()->set_error(sealing.error);
  }
  std::vector<int> fds;
  if (denials.valid()) fds.push_back(denials.get());
  if (!channel.Send(sealed, fds) || sealing.step != nullptr) return worker_exit::kNotSealed;
  // Whoever holds it can let denied calls through: the supervisor alone does.
  denials.Close();
  Fd ring_fd(kRingFd);
  auto ring = Mapping::Create(ring_fd, RingBytes(), Mapping::Access::kReadWrite);
  if (!ring) return worker_exit::kNotSealed;
  ring_fd.Close();  // the mapping stays
  RingProducer producer(ring->bytes());
  Recorder recorder(&producer);
  return Session(channel, engine, recorder).Serve();
}

}  // namespace nightjar
