#include "worker/session.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

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

// The last resort when the supervisor is stuck or dead: an absolute timer, long after the real
// deadline. A worker is pid 1 of its namespace, where a timer's SIGKILL is ignored like any signal
// from within (pid_namespaces(7)); a signal with a handler is not.
class Backstop {
 public:
  Backstop() {
    struct sigaction action {};
    action.sa_handler = [](int) { _exit(worker_exit::kBackstop); };
    sigaction(SIGALRM, &action, nullptr);
  }
  void Set(uint64_t ns) {
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    timer.it_value.tv_usec = static_cast<suseconds_t>(ns / 1000 % 1'000'000);
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
  void Clear() { Set(0); }
};

class Session {
 public:
  Session(Channel& channel, Engine& engine, Recorder& recorder)
      : channel_(channel), engine_(engine), recorder_(recorder) {}

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
    std::string_view body = run.http().body();
    if (run.http().body_memfd_bytes() > 0) {
      if (packet.fds.size() != 1) return Fail(ErrorCode::kProtocol, "no body");
      NJ_ASSIGN(body_from_memfd, ReadForeignMemfd(packet.fds[0], bounds::kHttpBodyBytes));
      body = body_from_memfd;
    }
    backstop_.Set(run.limits().wall_ns_max());
    RunOutcome outcome = engine_.Run(run, body, recorder_);
    backstop_.Clear();
    if (outcome.limit_hit != proto::SELF_LIMIT_UNSPECIFIED) return ReportLimit(run, outcome);
    return Finish(run, std::move(outcome));
  }

  Status ReportLimit(const proto::Run& run, const RunOutcome& outcome) {
    proto::FromWorker answer;
    answer.mutable_limit_hit()->set_run_id(run.run_id());
    answer.mutable_limit_hit()->set_limit(outcome.limit_hit);
    answer.mutable_limit_hit()->set_measured(outcome.measured);
    NJ_TRY(channel_.Send(answer));
    // Its memory is the evidence now; the kill is on its way.
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

  Status Compile(const proto::Compile& compile, const Packet& packet) {
    if (packet.fds.size() != 1) return Fail(ErrorCode::kProtocol, "no source");
    state_ = State::kSpent;
    NJ_ASSIGN(std::string source, ReadForeignMemfd(packet.fds[0], bounds::kSourceBytes));
    CompileOutcome outcome = engine_.Compile(compile.file_name(), source);
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

  Channel& channel_;
  Engine& engine_;
  Recorder& recorder_;
  Backstop backstop_;
  State state_ = State::kFresh;
};

}  // namespace

int RunSession(const SealFailure& sealing, Engine& engine) {
  Channel channel(Fd(kControlFd), Channel::Waiting::kYes);
  proto::FromWorker sealed;
  sealed.mutable_sealed();
  if (sealing.step != nullptr) {
    sealed.mutable_sealed()->set_failed_step(sealing.step);
    sealed.mutable_sealed()->set_error(sealing.error);
  }
  if (!channel.Send(sealed) || sealing.step != nullptr) return worker_exit::kNotSealed;
  Fd ring_fd(kRingFd);
  auto ring = Mapping::Create(ring_fd, RingBytes(), Mapping::Access::kReadWrite);
  if (!ring) return worker_exit::kNotSealed;
  ring_fd.Close();  // the mapping stays
  RingProducer producer(ring->bytes());
  Recorder recorder(&producer);
  return Session(channel, engine, recorder).Serve();
}

}  // namespace nightjar
