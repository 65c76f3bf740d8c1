// Stands where RunSession() does (the linker sees to that), and looks at what a worker is told
// first: compile runs and polite canvases get the product's own session, the others' workers a
// scoundrel's.
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <new>
#include <string>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "tests/soak/deeds.h"
#include "tests/soak/scoundrel.h"
#include "worker/sandbox/enter.h"
#include "worker/session.h"

namespace nightjar {

#define NJ_RUN_SESSION \
  "_ZN8nightjar10RunSessionERKNS_11SealFailureENS_14DenialListenerERNS_6EngineE"

int ProductsSession(const SealFailure& sealing, DenialListener listener,
                    Engine& engine) asm("__real_" NJ_RUN_SESSION);
int AnySession(const SealFailure& sealing, DenialListener listener,
               Engine& engine) asm("__wrap_" NJ_RUN_SESSION);

namespace soak {
namespace {

uint64_t NumberIn(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// What it is told first stays in the socket, its descriptor too.
proto::ToWorker FirstMessage() {
  std::string bytes(bounds::kFrameBytes, '\0');
  iovec part{bytes.data(), bytes.size()};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  ssize_t got = recvmsg(kControlFd, &packet, MSG_PEEK);
  proto::ToWorker message;
  if (got > 0) message.ParseFromArray(bytes.data(), static_cast<int>(got));
  return message;
}

// Of all of them, in memory that they share: what a worker can tell of itself is always the same.
std::atomic<uint64_t>* const births =
    new (mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
        std::atomic<uint64_t>(0);

class Session {
 public:
  Session(std::string canvas, uint64_t number, DenialListener listener, Engine& engine)
      : canvas_(std::move(canvas)), number_(number), listener_(listener.fd), engine_(engine) {
    std::string_view name = canvas_;
    if (name.starts_with(kUnborn))
      start_ = Choose(kStartDeeds, NumberIn(name.substr(kUnborn.size())), number_).name;
  }

  [[noreturn]] void Compile(std::string_view deed) {
    SaySealed();
    listener_.Close();
    Mapping ring = MapRing();
    Scoundrel scoundrel(ring.bytes(), engine_);
    scoundrel.Seed(number_);
    scoundrel.DoInsteadOfCompile(deed);
  }

  int Live() {
    if (start_ == "exits_at_once") return 1;
    if (start_ == "garbage_first") SayBytes("\xff\xff\xff");
    if (start_ == "empty_packet_and_exits") {
      SayBytes("");
      return 0;
    }
    if (start_ != "armed_without_sealed") SaySealed();
    listener_.Close();
    Mapping ring = MapRing();
    Scoundrel scoundrel(ring.bytes(), engine_);
    scoundrel.Seed(number_);
    if (!scoundrel.DoBeforeArmed(start_)) Scoundrel::AwaitEnd();
    Arm();
    scoundrel.DoWhileItWaits(start_);
    for (;;) Serve(scoundrel);
  }

 private:
  static Mapping MapRing() {
    Fd fd(kRingFd);
    auto ring = Mapping::Create(fd, RingBytes(), Mapping::Access::kReadWrite);
    CHECK(ring.has_value());
    return std::move(*ring);
  }
  static void SayBytes(std::string_view bytes) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    sendmsg(kControlFd, &packet, MSG_NOSIGNAL);
  }
  void SaySealed() {
    proto::FromWorker message;
    message.mutable_sealed();
    std::vector<int> fds;
    if (start_ == "listener_that_is_none")
      fds.push_back(kControlFd);
    else if (listener_.valid())
      fds.push_back(listener_.get());
    CHECK(channel_.Send(message, fds).has_value());
  }
  void Arm() {
    auto packet = Next();
    CHECK(packet.fds.size() == 1);
    auto program = ReadForeignMemfd(packet.fds[0], bounds::kProgramBytes);
    CHECK(program.has_value() && engine_.Load(*program).has_value());
    proto::FromWorker message;
    message.mutable_armed();
    CHECK(channel_.Send(message).has_value());
  }
  void Serve(Scoundrel& scoundrel) {
    auto message = Next().Parse<proto::ToWorker>();
    CHECK(message.has_value() && message->has_run());
    const proto::Run& run = message->run();
    std::string_view path = run.http().path();
    constexpr std::string_view kDeed = "/deed/";
    if (!path.starts_with(kDeed) || start_ != "") return scoundrel.Say(scoundrel.Answer(run));
    path.remove_prefix(kDeed.size());
    uint64_t seed = NumberIn(path);
    uint64_t number = NumberIn(path.substr(path.find('/') + 1));
    scoundrel.Seed(Mix(seed, number));
    if (canvas_ == kBad) return scoundrel.DoInsteadOfRun(Choose(kRunDeeds, seed, number).name, run);
    scoundrel.Say(scoundrel.Answer(run));
    scoundrel.DoAfterRun(Choose(kLateDeeds, seed, number).name, run);
  }
  // Ends with the socket.
  Packet Next() {
    auto packet = channel_.Receive();
    if (!packet || !*packet) _exit(0);
    return std::move(**packet);
  }

  const std::string canvas_;
  const uint64_t number_;
  Channel channel_{Fd(kControlFd), Channel::Waiting::kYes};
  Fd listener_;
  Engine& engine_;
  std::string start_;  // "": whatever comes of runs
};

}  // namespace
}  // namespace soak

int AnySession(const SealFailure& sealing, DenialListener listener, Engine& engine) {
  if (sealing.step != nullptr) return ProductsSession(sealing, listener, engine);
  using namespace soak;
  proto::ToWorker first = FirstMessage();
  bool compile = first.has_compile();
  const std::string& canvas = compile ? first.compile().canvas() : first.arm().canvas();
  uint64_t number = births->fetch_add(1);
  if (compile && canvas.starts_with(kUnmade)) {
    uint64_t seed = NumberIn(std::string_view(canvas).substr(kUnmade.size()));
    std::string_view deed = Choose(kCompileDeeds, seed, number).name;
    if (deed != "compiles") Session(canvas, number, listener, engine).Compile(deed);
  }
  bool bad = canvas == kBad || canvas == kLate || canvas.starts_with(kUnborn);
  if (compile || !bad) return ProductsSession(sealing, listener, engine);
  return Session(canvas, number, listener, engine).Live();
}

}  // namespace nightjar
