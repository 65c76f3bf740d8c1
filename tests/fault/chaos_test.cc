// The real server under load, with random parts of it killed, stopped and starved hundreds of
// times; then every request that was sent is accounted for.
//
// Where the blows fall is chosen by a seed, so that a bad one can be had again as far as the
// kernel's scheduling lets it: NIGHTJAR_CHAOS_SEED. It goes in rounds, each with a server, a store
// and a seed of its own, for NIGHTJAR_CHAOS_SECONDS. Nothing is asserted about time; how long it
// took until the last worker of a killed supervisor was gone, and until the next one answered, is
// printed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/fault/accounts.h"
#include "tests/fault/blows.h"
#include "tests/fault/bystander.h"
#include "tests/fault/live_log.h"
#include "tests/fault/load.h"
#include "tests/fault/store_view.h"

namespace nightjar::fault {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kRound(40);

uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* text = getenv(variable);
  return text == nullptr ? otherwise : strtoull(text, nullptr, 10);
}

double MsSince(steady_clock::time_point then) {
  return std::chrono::duration<double, std::milli>(steady_clock::now() - then).count();
}

// Of all rounds, for the last lines.
struct Figures {
  std::map<std::string, size_t> blows;
  std::vector<double> orphans_ms;  // from the end of a killed supervisor to that of its last worker
  std::vector<double> serves_ms;   // from a start to the first answer
  size_t requests_answered = 0;

  size_t struck() const {
    size_t all = 0;
    for (const auto& [name, count] : blows) all += count;
    return all;
  }
};

std::string Spread(std::vector<double> values) {
  if (values.empty()) return "none";
  std::sort(values.begin(), values.end());
  char text[100];
  auto at = [&](double share) {
    return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
  };
  snprintf(text, sizeof text, "p50 %.0f ms, p90 %.0f ms, p100 %.0f ms of %zu", at(0.5), at(0.9),
           values.back(), values.size());
  return text;
}

class Round {
 public:
  Round(uint64_t seed, Figures& figures) : random_(seed), figures_(figures) {}

  void Run(std::chrono::milliseconds time) {
    ASSERT_TRUE(server_.running()) << server_.log();
    load_.Deploy(server_);
    life_ = {1, server_.port()};
    load_.SetLife(life_);
    load_.Start();
    auto end = steady_clock::now() + time;
    while (steady_clock::now() < end && !::testing::Test::HasFatalFailure()) {
      Pause();
      Strike();
    }
    Close();
  }

 private:
  // From one blow to the next: often none at all, so that the second falls into what the first
  // began.
  void Pause() {
    if (Chance(0.25)) return;
    std::uniform_int_distribution<int> some(0, 300);
    WatchFor(milliseconds(some(random_)));
  }
  void WatchFor(milliseconds time) {
    auto end = steady_clock::now() + time;
    do LookAtRuns();
    while (steady_clock::now() < end);
  }
  bool Chance(double share) {
    return std::uniform_real_distribution<double>(0, 1)(random_) < share;
  }

  // Runs that have a worker are runs that began, whatever becomes of their callers.
  void LookAtRuns() {
    e2e::Answer answer = server_.Control("GET", "/runs");
    auto list = nlohmann::json::parse(answer.body, nullptr, false);
    if (answer.status != 200 || list.is_discarded()) {
      std::this_thread::yield();
      return;
    }
    for (const auto& run : list["runs"])
      if (run["state"] != "queued") accounts_.NoteSeen(run["run_id"]);
  }

  void Strike() {
    struct Choice {
      int weight;
      void (Round::*blow)();
    };
    static const Choice kChoices[] = {
        {16, &Round::KillWriter},     {10, &Round::KillZygote},    {4, &Round::KillExecZygote},
        {4, &Round::KillNest},        {2, &Round::KillLauncher},   {10, &Round::KillWorker},
        {14, &Round::KillSupervisor}, {4, &Round::StopSupervisor}, {8, &Round::HoldWriter},
        {3, &Round::KillAll},         {6, &Round::ReloadPolicy},   {5, &Round::FillDisk},
        {14, &Round::KillTwo},        {4, &Round::Count}};
    int all = 0;
    for (const Choice& choice : kChoices) all += choice.weight;
    int drawn = std::uniform_int_distribution<int>(0, all - 1)(random_);
    for (const Choice& choice : kChoices) {
      drawn -= choice.weight;
      if (drawn >= 0) continue;
      (this->*choice.blow)();
      break;
    }
    LookAfterSupervisor();
  }

  bool Hit(Target target, int signal) {
    if (!blows_.Signal(target, signal, random_)) return false;
    ++figures_.blows[NameOf(target)];
    return true;
  }
  void KillWriter() { Hit(Target::kWriter, SIGKILL); }
  void KillZygote() { Hit(Target::kZygote, SIGKILL); }
  void KillExecZygote() { Hit(Target::kExecZygote, SIGKILL); }
  void KillNest() { Hit(Target::kNest, SIGKILL); }
  void KillWorker() { Hit(Target::kWorker, SIGKILL); }
  void KillLauncher() {
    if (Hit(Target::kLauncher, SIGKILL)) ends_itself_ = true;
  }
  void ReloadPolicy() {
    ++figures_.blows["reload"];
    server_.Kill(SIGHUP);
  }

  void KillSupervisor() {
    if (!Hit(Target::kSupervisor, SIGKILL)) return;
    OnSupervisorKilled();
  }
  void KillTwo() {
    static const Target kTargets[] = {Target::kSupervisor, Target::kWriter,   Target::kZygote,
                                      Target::kNest,       Target::kLauncher, Target::kWorker};
    std::uniform_int_distribution<size_t> any(0, std::size(kTargets) - 1);
    Target first = kTargets[any(random_)];
    Target second = kTargets[any(random_)];
    bool supervisor = false;
    for (Target target : {first, second}) {
      if (!Hit(target, SIGKILL)) continue;
      if (target == Target::kLauncher) ends_itself_ = true;
      supervisor = supervisor || target == Target::kSupervisor;
    }
    if (supervisor) OnSupervisorKilled();
  }

  // As when its control group is killed as a whole.
  void KillAll() {
    for (Target target : {Target::kWriter, Target::kZygote, Target::kExecZygote, Target::kLauncher,
                          Target::kSupervisor})
      Hit(target, SIGKILL);
    OnSupervisorKilled();
  }

  // It reads nothing for a moment; whatever comes next may fall into it.
  void HoldWriter() {
    if (!Hit(Target::kWriter, SIGSTOP)) return;
    bool with_supervisor = Chance(0.3);
    WatchFor(milliseconds(std::uniform_int_distribution<int>(1, 300)(random_)));
    if (with_supervisor && Hit(Target::kSupervisor, SIGKILL)) {
      blows_.Signal(Target::kWriter, SIGCONT, random_);
      return OnSupervisorKilled();
    }
    blows_.Signal(Target::kWriter, SIGCONT, random_);
  }

  void FillDisk() {
    ++figures_.blows["disk"];
    blows_.FillDisk();
    WatchFor(milliseconds(std::uniform_int_distribution<int>(50, 500)(random_)));
    if (Chance(0.3)) KillWriter();
    if (Chance(0.2)) KillSupervisor();
    blows_.FreeDisk();
  }

  void StopSupervisor() {
    ++figures_.blows["stop"];
    server_.Kill(SIGTERM);
    ends_itself_ = true;
  }

  // A supervisor that ends itself goes on serving those who ask already.
  void LookAfterSupervisor() {
    if (ends_itself_) {
      load_.SetLife(std::nullopt);
      int code = server_.AwaitEnd();
      EXPECT_TRUE(code == 0 || code == 1) << "the supervisor ended with " << code;
      ends_itself_ = false;
      return StartNext(End::kInOrder);
    }
    siginfo_t ended{};
    bool gone =
        waitid(P_PID, static_cast<id_t>(server_.pid()), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid != 0;
    if (!gone) return;
    ADD_FAILURE() << "the supervisor ended by itself, status " << ended.si_status;
    (void)server_.running();
    StartNext(End::kKilled);
  }

  void OnSupervisorKilled() {
    auto killed = steady_clock::now();
    server_.Kill(SIGKILL);  // waits for it
    ends_itself_ = false;
    load_.SetLife(std::nullopt);
    EXPECT_TRUE(e2e::Eventually([&] { return server_.Workers().empty(); })) << "workers live on";
    figures_.orphans_ms.push_back(MsSince(killed));
    if (figures_.orphans_ms.back() > 100)
      printf("chaos: late workers: %.0f ms in life %zu\n", figures_.orphans_ms.back(),
             life_.number);
    StartNext(End::kKilled);
  }

  void StartNext(End end) {
    accounts_.NoteEnd(life_, end);
    blows_.FreeDisk();
    while (Chance(0.2)) KillWhileItStarts();
    auto started = steady_clock::now();
    server_.Restart();
    ASSERT_TRUE(server_.running()) << server_.log();
    life_ = {life_.number + 1, server_.port()};
    Served();
    figures_.serves_ms.push_back(MsSince(started));
    load_.SetLife(life_);
  }

  void KillWhileItStarts() {
    server_.Launch();
    WatchFor(milliseconds(std::uniform_int_distribution<int>(0, 120)(random_)));
    if (Chance(0.3)) Hit(Target::kWriter, SIGKILL);
    if (Chance(0.2)) Hit(Target::kZygote, SIGKILL);
    ++figures_.blows["start"];
    server_.Kill(SIGKILL);
    EXPECT_TRUE(e2e::Eventually([&] { return server_.Workers().empty(); })) << "workers live on";
  }

  // One request of this thread's own, sent until it is answered.
  void Served() {
    bool served = e2e::Eventually([&] {
      uint64_t tag = accounts_.NextTag();
      auto answer = e2e::GetAt(life_.port, "quick", "/hello/" + std::to_string(tag));
      accounts_.Note(tag, "quick", life_, answer);
      return answer && answer->status == 200;
    });
    ASSERT_TRUE(served) << server_.log();
  }

  // With nothing on its way, the supervisor has counted exactly what was told.
  void Count() {
    load_.Pause();
    ++figures_.blows["count"];
    e2e::Answer canvases = server_.Control("GET", "/canvases");
    ASSERT_EQ(canvases.status, 200) << canvases.body;
    accounts_.CheckCounts(life_, nlohmann::json::parse(canvases.body));
    load_.Resume();
  }

  void Close() {
    Count();
    load_.Stop();
    EXPECT_TRUE(e2e::Eventually([&] {
      return server_.Cli({"incidents", "--verify"}).exit_code == 0;
    })) << server_.Cli({"incidents", "--verify"}).out;
    EXPECT_EQ(bystander_.trouble(), "");
    EXPECT_EQ(server_.Stop(), 0);
    accounts_.NoteEnd(life_, End::kInOrder);
    EXPECT_TRUE(server_.Workers().empty());
    EXPECT_EQ(server_.Cells(), 0u);
    std::set<std::string> lost;
    for (const std::string& line : log_.Lines("row_lost")) lost.insert(FieldOf(line, "run"));
    StoreView store = ReadStore(server_.state());
    accounts_.Check(store, lost);
    size_t without_trace = 0;
    size_t without_events = 0;
    for (const auto& [run, row] : store.rows) {
      without_trace += row.said_lost;
      without_events += row.eventless;
    }
    figures_.requests_answered += accounts_.answered();
    printf("chaos: %s\n", accounts_.Summary().c_str());
    printf(
        "chaos: %zu rows, %zu incidents; the disk cost %zu traces and %zu rows, two deaths at once "
        "the events of %zu\n",
        store.rows.size(), store.incidents.size(), without_trace, lost.size(), without_events);
    for (const auto& [event, seen] : log_.Errors())
      printf("chaos: %zu x %s\n", seen.first, seen.second.c_str());
    if (::testing::Test::HasFailure())
      if (const char* keep = getenv("NIGHTJAR_CHAOS_LOG")) {
        FILE* file = fopen(keep, "w");
        std::string text = server_.log();
        fwrite(text.data(), 1, text.size(), file);
        fclose(file);
      }
  }

  std::mt19937_64 random_;
  Figures& figures_;
  e2e::Server server_{e2e::ServerOptions{.policy = kPolicy, .disk = "256m"}};
  Bystander bystander_{server_.group()};
  LiveLog log_{server_.log_path()};
  Blows blows_{server_, log_};
  Accounts accounts_;
  Load load_{accounts_};
  Life life_;
  bool ends_itself_ = false;  // it was told to, or has lost its launcher
};

TEST(ChaosTest, EveryRequestIsAccountedForWhateverDies) {
  const uint64_t seed = NumberFrom("NIGHTJAR_CHAOS_SEED", std::random_device()());
  const uint64_t seconds = NumberFrom("NIGHTJAR_CHAOS_SECONDS", 40);
  printf("chaos: seed %llu, %llu s\n", static_cast<unsigned long long>(seed),
         static_cast<unsigned long long>(seconds));
  fflush(stdout);
  RecordProperty("seed", std::to_string(seed));
  Figures figures;
  auto end = steady_clock::now() + std::chrono::seconds(seconds);
  for (uint64_t number = seed; steady_clock::now() < end && !HasFailure(); ++number) {
    auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    SCOPED_TRACE("NIGHTJAR_CHAOS_SEED=" + std::to_string(number));
    Round(number, figures).Run(std::min<milliseconds>(left, kRound));
  }
  printf("chaos: %zu blows, %zu answers;", figures.struck(), figures.requests_answered);
  for (const auto& [name, count] : figures.blows) printf(" %s %zu", name.c_str(), count);
  printf("\nchaos: last worker of a killed supervisor gone after %s\n",
         Spread(figures.orphans_ms).c_str());
  printf("chaos: first answer of the next one after %s\n", Spread(figures.serves_ms).c_str());
}

}  // namespace
}  // namespace nightjar::fault
