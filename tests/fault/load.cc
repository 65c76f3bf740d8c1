#include "tests/fault/load.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nightjar::fault {
namespace {

constexpr const char* kCanvas = R"([http-handler GET /hello/:tag]
"hello " ++ tag

[http-handler GET /loop/:rounds/:tag]
match Int.parse_v0 rounds with
| Ok n ->
  let some = List.range_v0 1 20
  List.fold_v0 (List.range_v0 1 n) 0 (fun sum i ->
    List.fold_v0 some sum (fun s k -> (s + i * k) % 1000003))
| Error message -> Http.badRequest_v0 message

[http-handler GET /spin/:tag]
let numbers = List.range_v0 1 1000
List.fold_v0 numbers 0 (fun w a ->
  List.fold_v0 numbers w (fun x b ->
    List.fold_v0 numbers x (fun y c -> (y + a * b + c) % 1000003)))

[http-handler GET /greedy/:tag]
List.fold_v0 (List.range_v0 1 64) "greedy  " (fun text step -> text ++ text)

[http-handler GET /wrong/:tag]
Int.add_v0 1 "one"

[http-handler GET /large/:tag]
List.fold_v0 (List.range_v0 1 14) "a large answer, " (fun text step -> text ++ text)
)";

constexpr const char* kProgram = "[exec-handler GET /echo/:tag]\n/bin/echo of the host\n";

// Steered by what became of the last run: as likely to end by itself as to be killed.
constexpr double kFewestRounds = 1;
constexpr double kMostRounds = 1e6;

}  // namespace

const char* const kPolicy = R"([default]
wall = "10s"
cpu = "5s"
memory = "32MiB"
trace = "16KiB"
armed = 2
queue_time = "30s"

[canvas.reused]
reuse = 20

[canvas.edge]
wall = "15ms"
reuse = 10

[canvas.spinning]
cpu = "40ms"

[canvas.greedy]
memory = "24MiB"

[canvas.narrow]
rate = "5/s"

[canvas.patient]
concurrency = 1
queue_time = "5ms"

[canvas.programs]
exec = true
)";

Load::~Load() {
  Stop();
}

void Load::Deploy(e2e::Server& server) {
  for (const char* canvas :
       {"quick", "reused", "edge", "spinning", "greedy", "narrow", "patient", "mixed"})
    ASSERT_EQ(server.Deploy(canvas, kCanvas).exit_code, 0) << server.log();
  ASSERT_EQ(server.Deploy("programs", kProgram).exit_code, 0) << server.log();
}

void Load::Start() {
  auto call = [this](std::function<void()> body) {
    callers_.emplace_back([this, body = std::move(body)] { Caller(body); });
  };
  // The narrow one refuses most, and so fast that one call beside another's is enough.
  call([this] {
    Call("quick", "/hello/");
    Call("narrow", "/hello/");
  });
  call([this] { Call("reused", "/hello/"); });
  call([this] { CallAroundItsLimit(); });
  call([this] { Call("spinning", "/spin/"); });
  call([this] { Call("greedy", "/greedy/"); });
  call([this] {
    Call("mixed", "/wrong/");
    Call("mixed", "/large/");
  });
  call([this] { Call("programs", "/echo/"); });
  for (int i = 0; i < 2; ++i) call([this] { Call("patient", "/loop/100/"); });
}

void Load::Caller(const std::function<void()>& body) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopped_ || (life_ && !paused_); });
      if (stopped_) return;
    }
    body();
  }
}

std::optional<Life> Load::Begin() {
  std::lock_guard lock(mutex_);
  if (stopped_ || paused_ || !life_) return std::nullopt;
  ++asking_;
  return life_;
}

void Load::Finish(const Life& asked, bool heard) {
  std::lock_guard lock(mutex_);
  --asking_;
  if (!heard && life_ && life_->number == asked.number) life_.reset();
  changed_.notify_all();
}

std::string Load::Call(const std::string& canvas, const std::string& path) {
  auto life = Begin();
  if (!life) return "";
  uint64_t tag = accounts_.NextTag();
  auto answer = e2e::GetAt(life->port, canvas, path + std::to_string(tag));
  std::string verdict = accounts_.Note(tag, canvas, *life, answer);
  Finish(*life, answer.has_value());
  return verdict;
}

void Load::CallAroundItsLimit() {
  std::string verdict =
      Call("edge", "/loop/" + std::to_string(static_cast<int>(rounds_) + 1) + "/");
  if (verdict == "finished") rounds_ = std::min(rounds_ * 1.05, kMostRounds);
  if (verdict == "wall_time") rounds_ = std::max(rounds_ * 0.95, kFewestRounds);
}

void Load::SetLife(std::optional<Life> life) {
  std::lock_guard lock(mutex_);
  life_ = life;
  changed_.notify_all();
}

void Load::Pause() {
  std::unique_lock lock(mutex_);
  paused_ = true;
  changed_.wait(lock, [this] { return asking_ == 0; });
}

void Load::Resume() {
  std::lock_guard lock(mutex_);
  paused_ = false;
  changed_.notify_all();
}

void Load::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  for (std::thread& caller : callers_) caller.join();
  callers_.clear();
}

}  // namespace nightjar::fault
