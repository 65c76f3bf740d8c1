// A sealed worker that has been taken over: what it has in its hands, and everything that it can
// do with that.
//
// One a process. Deeds of deeds.h are members of the table in deeds_*.cc; most do not return.
#pragma once

#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/proto/worker.pb.h"
#include "ipc/ring/layout.h"
#include "ipc/ring/producer.h"
#include "ipc/wire/channel.h"
#include "worker/engine.h"

namespace nightjar::soak {

class Scoundrel {
 public:
  // Its socket is kControlFd; `ring` is all of it.
  Scoundrel(std::span<std::byte> ring, Engine& engine);

  // Chooses what Random() gives from here on.
  void Seed(uint64_t seed) { random_.seed(seed); }

  void DoInsteadOfRun(std::string_view deed, const proto::Run& run);
  void DoAfterRun(std::string_view deed, const proto::Run& run);
  [[noreturn]] void DoInsteadOfCompile(std::string_view deed);
  // Before it says that it is armed: false, it is not to say so.
  bool DoBeforeArmed(std::string_view deed);
  void DoWhileItWaits(std::string_view deed);

  // The run as it should be done, and its answer.
  proto::FromWorker Answer(const proto::Run& run);
  void Say(const proto::FromWorker& message, const std::vector<int>& fds = {});
  void SayBytes(std::string_view bytes, const std::vector<int>& fds = {});
  // Waits to be killed.
  [[noreturn]] static void AwaitEnd();

 private:
  // Each knows some of the deeds, and says whether this was one of them.
  bool Well(std::string_view deed, const proto::Run& run);
  bool BadPackets(std::string_view deed);
  bool BadMessages(std::string_view deed, const proto::Run& run);
  bool BadDescriptors(std::string_view deed, const proto::Run& run);
  bool BadRing(std::string_view deed, const proto::Run& run);
  bool BadProcess(std::string_view deed, const proto::Run& run);

  uint64_t Random(uint64_t below) { return random_() % below; }
  std::string RandomBytes(size_t count);
  [[noreturn]] void Flood(const proto::FromWorker& message);
  void ScribbleOnce();
  // What the deed made of the ring is drained while it is answered.
  void AnswerOverRing(const proto::Run& run);
  ring::Header& header() { return *reinterpret_cast<ring::Header*>(ring_.data()); }

  std::span<std::byte> ring_;
  Engine& engine_;
  RingProducer producer_;
  Recorder recorder_;
  std::mt19937_64 random_;
};

// Without a system call that is not allowed.
void SleepFor(std::chrono::milliseconds time);

}  // namespace nightjar::soak
