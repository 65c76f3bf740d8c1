// What a scoundrel says: packets that are none, messages that make no sense, descriptors that are
// not what they are said to be.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "tests/soak/scoundrel.h"
#include "worker/sandbox/enter.h"

namespace nightjar::soak {

bool Scoundrel::BadPackets(std::string_view deed) {
  if (deed == "garbage") {
    SayBytes("\xff\xff\xff\xff");
  } else if (deed == "random_bytes") {
    SayBytes(RandomBytes(8 + Random(4096)));
  } else if (deed == "truncated_message") {
    proto::FromWorker message;
    message.mutable_finished()->set_body(std::string(100 + Random(1000), 'b'));
    std::string bytes = message.SerializeAsString();
    SayBytes(std::string_view(bytes).substr(0, 2 + Random(bytes.size() - 2)));
  } else if (deed == "huge_length") {
    SayBytes("\x1a\xff\xff\xff\xff\x07");  // `finished`, of 2 GiB
  } else if (deed == "deep_nesting") {
    SayBytes(std::string(bounds::kFrameBytes / 2, '\x0b'));  // groups in groups
  } else if (deed == "packet_beyond_a_frame") {
    SayBytes(RandomBytes(bounds::kFrameBytes + 1 + Random(50'000)));
  } else if (deed == "empty_packet") {
    SayBytes("");
  } else if (deed == "hangs_up") {
    close(kControlFd);
  } else if (deed == "hangs_up_and_exits") {
    close(kControlFd);
    _exit(0);
  } else {
    return false;
  }
  return true;
}

namespace {

proto::FromWorker HeadForger(proto::FromWorker answer) {
  auto add = [&](std::string name, std::string value) {
    proto::Header& header = *answer.mutable_finished()->add_headers();
    header.set_name(std::move(name));
    header.set_value(std::move(value));
  };
  add("X-Split", "a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nforged");
  add("X-Split\r\nX-Other", "a");
  add("x-nightjar-verdict", "forged");
  add("X-Nightjar-Trace", "forged");
  add("Content-Length", "1");
  add("Transfer-Encoding", "chunked");
  add("", "nameless");
  add("X-Zero", std::string("a\0b", 3));
  return answer;
}

proto::FromWorker Limit(const proto::Run& run, int limit, uint64_t measured) {
  proto::FromWorker message;
  message.mutable_limit_hit()->set_run_id(run.run_id());
  message.mutable_limit_hit()->set_limit(static_cast<proto::SelfLimit>(limit));
  message.mutable_limit_hit()->set_measured(measured);
  return message;
}

proto::FromWorker Death(const proto::Run& run, int signal) {
  proto::FromWorker message;
  message.mutable_died()->set_run_id(run.run_id());
  message.mutable_died()->set_signal(signal);
  return message;
}

}  // namespace

bool Scoundrel::BadMessages(std::string_view deed, const proto::Run& run) {
  proto::FromWorker message;
  if (deed == "wrong_run_id") {
    message = Answer(run);
    message.mutable_finished()->set_run_id(RandomBytes(16));
  } else if (deed == "no_run_id") {
    message = Answer(run);
    message.mutable_finished()->clear_run_id();
  } else if (deed == "impossible_status") {
    constexpr uint32_t kNone[] = {0, 99, 199, 1000, UINT32_MAX};
    message = Answer(run);
    message.mutable_finished()->set_status(kNone[Random(std::size(kNone))]);
  } else if (deed == "says_it_is_armed") {
    message.mutable_armed();
  } else if (deed == "says_it_is_sealed") {
    message.mutable_sealed();
  } else if (deed == "says_it_compiled") {
    message.mutable_compiled()->add_diagnostics()->set_message("compiled");
  } else if (deed == "floods_the_socket") {
    message.mutable_armed();
    Flood(message);
  } else if (deed == "forges_the_head") {
    message = HeadForger(Answer(run));
  } else if (deed == "sends_many_headers") {
    message = Answer(run);
    for (int i = 0; i < 3000; ++i) {
      proto::Header& header = *message.mutable_finished()->add_headers();
      header.set_name("X-" + std::to_string(i));
      header.set_value("many");
    }
  } else if (deed == "tells_a_long_error") {
    message = Answer(run);
    message.mutable_finished()->set_program_error(true);
    message.mutable_finished()->set_error("\x1b[2J\u202e\n" + std::string(80'000, 'e'));
  } else if (deed == "lies_about_a_limit") {
    message = Limit(run, proto::SELF_LIMIT_CALL_DEPTH, UINT64_MAX);
  } else if (deed == "names_a_limit_that_there_is_not") {
    message = Limit(run, 77, UINT64_MAX);
  } else if (deed == "names_a_limit_not_reached") {
    message = Limit(run, proto::SELF_LIMIT_OUTPUT, 1);
  } else if (deed == "names_a_small_depth") {
    message = Limit(run, proto::SELF_LIMIT_CALL_DEPTH, 1);
  } else if (deed == "lies_about_a_death") {
    message = Death(run, 11);
  } else if (deed == "names_a_signal_that_there_is_not") {
    constexpr int kNone[] = {0, -5, 99, INT_MIN, INT_MAX};
    message = Death(run, kNone[Random(std::size(kNone))]);
  } else {
    return false;
  }
  Say(message);
  return true;
}

namespace {

Fd MemfdOf(std::string_view content, off_t bytes, int seals) {
  Fd fd(memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CHECK(fd.valid() && WriteAll(fd, content, "body").has_value());
  if (bytes > 0) CHECK(ftruncate(fd.get(), bytes) == 0);
  CHECK(fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}

constexpr int kImmutable = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL;

}  // namespace

bool Scoundrel::BadDescriptors(std::string_view deed, const proto::Run& run) {
  proto::FromWorker answer = Answer(run);
  answer.mutable_finished()->set_body_memfd_bytes(answer.finished().body().size());
  std::string content = std::move(*answer.mutable_finished()->mutable_body());
  answer.mutable_finished()->clear_body();
  Fd body;
  if (deed == "listener_that_is_none") {
    body = MemfdOf("", 4096, kImmutable);
    answer.mutable_sealed();
  } else if (deed == "body_that_is_not_there") {
    Say(answer);
    return true;
  } else if (deed == "body_that_can_change") {
    body = MemfdOf(content, 0, F_SEAL_SHRINK | F_SEAL_GROW);
  } else if (deed == "body_that_can_shrink") {
    body = MemfdOf(content, 0, F_SEAL_WRITE);
  } else if (deed == "body_that_is_its_own_socket") {
    Say(answer, std::vector<int>(bounds::kFdsPerFrame, kControlFd));
    return true;
  } else if (deed == "body_beyond_the_limit") {
    body = MemfdOf("", 200 << 20, kImmutable);
  } else if (deed == "claims_a_larger_body") {
    body = MemfdOf(content, 0, kImmutable);
    answer.mutable_finished()->set_body_memfd_bytes(UINT64_MAX);
  } else if (deed == "sends_more_descriptors") {
    body = MemfdOf(content, 0, kImmutable);
    std::vector<int> fds(bounds::kFdsPerFrame, kControlFd);
    fds[0] = body.get();
    Say(answer, fds);
    return true;
  } else if (deed == "too_many_descriptors") {
    body = MemfdOf(content, 0, kImmutable);
    Say(answer, std::vector<int>(bounds::kFdsPerFrame + 1 + Random(40), body.get()));
    return true;
  } else {
    return false;
  }
  Say(answer, {body.get()});
  return true;
}

}  // namespace nightjar::soak
