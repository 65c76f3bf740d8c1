// A zygote whose engine does what a run's input says, so that the walls can be tried from inside
// without an interpreter.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "ipc/core/bounds.h"
#include "ipc/ring/layout.h"
#include "tests/kernel/worker/crimes.h"
#include "worker/sandbox/enter.h"
#include "worker/zygote.h"

namespace nightjar {
namespace {

uint64_t StackGuard() {
  uint64_t guard = 0;
#if defined(__x86_64__)
  asm volatile("movq %%fs:0x28, %0" : "=r"(guard));
#endif
  return guard;
}

// What a sealed worker can find out about itself without asking the kernel for much.
std::string Facts() {
  std::string facts = "pid=" + std::to_string(getpid());
  facts += " environment=" + std::to_string(environ != nullptr && *environ != nullptr);
  facts += " guard=" + std::to_string(StackGuard());
  facts += " fds=";
  for (int fd = 0; fd < 1024; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) facts += std::to_string(fd) + ",";
  return facts;
}

[[noreturn]] void Spin() {
  for (;;) asm volatile("");  // a loop without effect may be left out otherwise
}

class TestEngine final : public Engine {
 public:
  CompileOutcome Compile(std::string_view, const proto::Upload& upload,
                         const HandlerEntries&) override {
    const std::string& source = upload.source();
    CompileOutcome outcome;
    if (source == "crime") testing::Commit("ptrace");
    if (source == "broken") {
      outcome.diagnostics.emplace_back().set_message("it is broken");
      return outcome;
    }
    outcome.program = "compiled " + source;
    outcome.manifest.set_functions(1);
    proto::HandlerEntry& handler = *outcome.manifest.add_handlers();
    handler.set_tlid(1);
    handler.set_kind(proto::HANDLER_KIND_HTTP);
    handler.set_method("GET");
    handler.set_route("/:wish");
    handler.set_name("GET /:wish");
    return outcome;
  }

  Status Load(std::string_view program) override {
    if (program == "foreign") return Fail(ErrorCode::kUnsupported, "another version's program");
    return {};
  }

  ImportOutcome Import(const proto::Import&, std::string_view) override { return {}; }

  RunOutcome Run(const proto::Run& run, std::string_view body, Recorder& recorder) override {
    const std::string& wish = run.json();
    RunOutcome outcome;
    outcome.status = 200;
    if (run.http().path() == "/garbage") {
      SendGarbage();
      Spin();
    } else if (run.http().path() == "/ring") {
      ScribbleRing(recorder);
      Spin();
    } else if (run.http().path().starts_with("/crime-")) {
      outcome.body = testing::Commit(run.http().path().substr(strlen("/crime-")));
    } else if (run.has_http()) {
      outcome.body = std::string(body);
    } else if (wish == "facts") {
      outcome.body = Facts();
    } else if (wish == "spin") {
      Spin();
    } else if (wish == "until asked") {
      while (asked == proto::SELF_LIMIT_UNSPECIFIED) continue;
      outcome.limit_hit = static_cast<proto::SelfLimit>(asked);
    } else if (wish == "crash") {
      volatile uintptr_t nowhere = 16;  // volatile: the compiler must not see that it is no object
      *reinterpret_cast<volatile int*>(nowhere) = 1;
    } else if (wish == "abort") {
      abort();
    } else if (wish == "garbage") {
      send(kControlFd, "\xff\xff\xff", 3, 0);
    } else if (wish == "recurse") {
      outcome.body = std::to_string(Recurse(1));
    } else if (wish == "header" || wish == "huge header") {
      size_t bytes = wish == "header" ? 40'000 : 2 * bounds::kFrameBytes;
      outcome.headers.emplace_back().set_name("X-Large");
      outcome.headers.back().set_value(std::string(bytes, 'h'));
      outcome.body.assign(bounds::kInlineBodyBytes, 'x');
    } else if (wish == "long error") {
      outcome.program_error = true;
      outcome.error.assign(2 * bounds::kFrameBytes, 'e');
    } else if (wish == "large") {
      outcome.body.assign(bounds::kInlineBodyBytes + 1, 'x');
    } else if (wish == "limit") {
      outcome.limit_hit = proto::SELF_LIMIT_CALL_DEPTH;
      outcome.measured = 7;
    } else if (wish == "allocate") {
      Allocate();
    } else {
      outcome.body = testing::Commit(wish);
    }
    return outcome;
  }

  void AskToStop(proto::SelfLimit why) noexcept override { asked = why; }

 private:
  static inline volatile sig_atomic_t asked = proto::SELF_LIMIT_UNSPECIFIED;

  // Everything that the two sides share, as bad as it can be. A taken-over interpreter has the
  // addresses: the recorder begins with the producer's, and that with the ring's.
  static void ScribbleRing(Recorder& recorder) {
    void* producer = nullptr;
    memcpy(&producer, static_cast<void*>(&recorder), sizeof producer);
    void* ring = nullptr;
    memcpy(&ring, producer, sizeof ring);
    memset(ring, 0xee, RingBytes());
  }
  static void SendGarbage() {
    iovec part{const_cast<char*>("\xff\xff\xff"), 3};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    sendmsg(kControlFd, &header, 0);
  }
  // Without an end, and not a loop to a compiler.
  static uint64_t Recurse(uint64_t depth) {
    volatile char frame[512];
    frame[depth % sizeof frame] = 1;
    return depth == UINT64_MAX ? frame[0] : Recurse(depth + 1) + frame[1];
  }
  static void Allocate() {
    for (;;) {
      char* block = static_cast<char*>(malloc(1 << 20));
      if (block == nullptr) return;
      memset(block, 1, 1 << 20);
    }
  }
};

std::unique_ptr<Engine> CreateTestEngine() {
  return std::make_unique<TestEngine>();
}

}  // namespace
}  // namespace nightjar

// The command line is nightjar-worker's: --zygote --control-fd N --uid U.
int main(int argc, char** argv) {
  using namespace nightjar;
  if (argc != 6) return 2;
  ZygoteOptions options;
  options.control_fd = atoi(argv[3]);
  options.uid = static_cast<uint32_t>(strtoul(argv[5], nullptr, 10));
  return LiveAsZygote("test-zygote", options, &CreateTestEngine);
}
