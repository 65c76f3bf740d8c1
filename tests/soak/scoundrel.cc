#include "tests/soak/scoundrel.h"

#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "tests/support/send_packet.h"
#include "worker/sandbox/enter.h"

namespace nightjar::soak {

void SleepFor(std::chrono::milliseconds time) {
  uint32_t word = 0;
  timespec left{time.count() / 1000, (time.count() % 1000) * 1'000'000};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &left, nullptr, 0);
}

void Scoundrel::AwaitEnd() {
  for (;;) pause();
}

Scoundrel::Scoundrel(std::span<std::byte> ring, Engine& engine)
    : ring_(ring), engine_(engine), producer_(ring), recorder_(&producer_) {}

std::string Scoundrel::RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(Random(256));
  return bytes;
}

proto::FromWorker Scoundrel::Answer(const proto::Run& run) {
  RunOutcome outcome = engine_.Run(run, run.http().body(), recorder_);
  proto::FromWorker message;
  proto::Finished& finished = *message.mutable_finished();
  finished.set_run_id(run.run_id());
  finished.set_status(outcome.status);
  finished.set_body(outcome.body);
  for (proto::Header& header : outcome.headers) *finished.add_headers() = std::move(header);
  finished.set_trace_bytes(recorder_.bytes());
  finished.set_trace_events(recorder_.events());
  return message;
}

void Scoundrel::Say(const proto::FromWorker& message, const std::vector<int>& fds) {
  SayBytes(message.SerializeAsString(), fds);
}

// A socket that is full is waited for.
void Scoundrel::SayBytes(std::string_view bytes, const std::vector<int>& fds) {
  SendPacket(kControlFd, bytes, fds, MSG_NOSIGNAL);
}

void Scoundrel::Flood(const proto::FromWorker& message) {
  for (;;) Say(message);
}

void Scoundrel::DoInsteadOfRun(std::string_view deed, const proto::Run& run) {
  // The descriptors' come last: all of theirs begin with an answer, and a run that is answered
  // twice is a deed of its own.
  bool known = Well(deed, run) || BadPackets(deed) || BadMessages(deed, run) ||
               BadRing(deed, run) || BadProcess(deed, run) || BadDescriptors(deed, run);
  CHECK(known);
  AwaitEnd();
}

void Scoundrel::DoAfterRun(std::string_view deed, const proto::Run& run) {
  if (deed == "answers_again") {
    Say(Answer(run));
  } else if (deed == "scribbles") {
    ScribbleOnce();
  } else if (deed == "exits_a_little_later") {
    SleepFor(std::chrono::milliseconds(Random(20)));
    _exit(static_cast<int>(Random(7)));
  } else if (deed == "hangs_up") {
    close(kControlFd);
    AwaitEnd();
  } else if (deed == "does_not_listen") {
    AwaitEnd();
  } else if (deed != "nothing") {
    bool known = BadPackets(deed) || BadMessages(deed, run) || BadProcess(deed, run);
    CHECK(known);
  }
}

bool Scoundrel::DoBeforeArmed(std::string_view deed) {
  proto::FromWorker message;
  if (deed == "exits_when_sealed") _exit(0);
  if (deed == "sealed_twice") {
    message.mutable_sealed();
    Say(message);
  } else if (deed == "a_wall_does_not_stand") {
    message.mutable_sealed()->set_failed_step("\x1b[31mthe wall\n" + std::string(50'000, 'w'));
    Say(message);
  } else if (deed == "cannot_be_armed") {
    message.mutable_armed()->set_error("\x1b]0;\u202e" + std::string(50'000, 'e'));
    Say(message);
    return false;
  } else if (deed == "floods_before_it_is_armed") {
    message.mutable_sealed();
    Flood(message);
  }
  return true;
}

void Scoundrel::DoWhileItWaits(std::string_view deed) {
  proto::FromWorker message;
  if (deed == "floods_while_it_waits") {
    message.mutable_sealed();
    Flood(message);
  }
  if (deed == "garbage_while_it_waits") SayBytes("\xff\xff\xff\xff");
  if (deed == "answers_no_run") {
    message.mutable_finished()->set_status(200);
    message.mutable_finished()->set_run_id(RandomBytes(16));
    Say(message);
  }
  if (deed == "scribbles_while_it_waits") ScribbleOnce();
  if (deed == "exits_while_it_waits") _exit(static_cast<int>(Random(7)));
  if (deed == "crashes_while_it_waits") BadProcess("crashes", {});
  if (deed == "forks_while_it_waits") BadProcess("forks", {});
}

bool Scoundrel::Well(std::string_view deed, const proto::Run& run) {
  proto::FromWorker answer;
  if (deed == "answers") {
    Say(Answer(run));
  } else if (deed == "answers_late") {
    answer = Answer(run);
    SleepFor(std::chrono::milliseconds(Random(40)));
    Say(answer);
  } else if (deed == "answers_with_unknown_fields") {
    // Field 1000, a text.
    SayBytes(Answer(run).SerializeAsString() + std::string("\xc2\x3e\x05hello", 8));
  } else if (deed == "answers_with_a_memfd") {
    answer = Answer(run);
    answer.mutable_finished()->set_body_memfd_bytes(answer.finished().body().size());
    auto body = CreateImmutableMemfd("body", answer.finished().body());
    CHECK(body.has_value());
    answer.mutable_finished()->clear_body();
    Say(answer, {body->get()});
  } else if (deed == "answers_twice") {
    answer = Answer(run);
    Say(answer);
    Say(answer);
  } else if (deed == "answers_for_ever") {
    Flood(Answer(run));
  } else if (deed == "answers_and_scribbles_on") {
    Say(Answer(run));
    for (;;) ScribbleOnce();
  } else {
    return false;
  }
  return true;
}

}  // namespace nightjar::soak
