// Ends that meet. Each test lets two or three ends of a run race, many times over, and then holds
// what everybody was told against what was kept.
//
// Nothing is asserted about time. Where a race needs a run to be just as long as its limit, the
// length follows the outcomes: longer after a natural end, shorter after a kill, so that both keep
// happening on any machine.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/race/ledger.h"

namespace nightjar::e2e {
namespace {

// As long as the caller says, in steps of some microseconds.
constexpr const char* kWork = R"([http-handler GET /loop/:rounds]
match Int.parse_v0 rounds with
| Ok n ->
  let some = List.range_v0 1 20
  List.fold_v0 (List.range_v0 1 n) 0 (fun sum i ->
    List.fold_v0 some sum (fun s k -> (s + i * k) % 1000003))
| Error message -> Http.badRequest_v0 message

[http-handler GET /hello]
"hello"
)";

// How many rounds a run is given, so that it ends where its limit is.
class Rounds {
 public:
  explicit Rounds(uint64_t seed) : random_(seed) {}

  std::string Next() {
    std::lock_guard lock(mutex_);
    std::uniform_real_distribution<double> around(0.97, 1.03);
    return std::to_string(static_cast<int>(rounds_ * around(random_)) + 1);
  }
  void TooShort() { Scale(1.0 + step_); }
  void TooLong() { Scale(1.0 - step_); }

 private:
  void Scale(double by) {
    std::lock_guard lock(mutex_);
    rounds_ = std::clamp(rounds_ * by, 1.0, 1e6);
    step_ = std::max(0.02, step_ * 0.97);  // it settles, and still follows
  }
  std::mutex mutex_;
  std::mt19937_64 random_;
  double rounds_ = 200;
  std::atomic<double> step_{0.5};
};

class KillRaceTest : public ::testing::Test {
 protected:
  KillRaceTest() { RecordProperty("seed", std::to_string(seed_)); }
  ~KillRaceTest() override {
    if (HasFailure()) printf("seed: %llu\n", static_cast<unsigned long long>(seed_));
  }

  // `callers` threads, each doing `body` until it says false.
  static void InParallel(int callers, const std::function<bool()>& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < callers; ++i)
      threads.emplace_back([&] {
        while (body()) continue;
      });
    for (std::thread& thread : threads) thread.join();
  }
  // One run around its limit; its verdict.
  static std::string RunOnce(Server& server, Ledger& ledger, Rounds& rounds) {
    std::string verdict = ledger.Note(server.Get("race", "/loop/" + rounds.Next()));
    if (verdict == "finished") rounds.TooShort();
    if (verdict == "wall_time" || verdict == "cpu_time") rounds.TooLong();
    return verdict;
  }
  // An operator who ends whatever he sees, until told to go.
  void KillWhatIsSeen(Server& server, Ledger& ledger, const std::atomic<bool>& enough) {
    std::mt19937_64 random(seed_ + 1);
    while (!enough) {
      Answer list = server.Control("GET", "/runs");
      if (list.status != 200) continue;
      auto parsed = nlohmann::json::parse(list.body);
      for (const auto& row : parsed["runs"]) {
        if (random() % 4 != 0) continue;
        std::string run = row["run_id"];
        Answer killed = server.Control("DELETE", "/runs/" + run);
        if (killed.status == 0) continue;  // the supervisor is on its way out
        EXPECT_TRUE(killed.status == 200 || killed.status == 404) << killed.body;
        if (killed.status != 200) continue;
        ledger.NoteKill(run, Ledger::Short(nlohmann::json::parse(killed.body)["verdict"]));
      }
    }
  }

  // 400 runs around their wall limit, under a policy with these lines too.
  void EndsAtTheWallLimit(const std::string& lines, int callers) {
    Server server("[default]\nwall = \"15ms\"\ncpu = \"10s\"\ntrace = \"8KiB\"\n" + lines);
    ASSERT_EQ(server.Deploy("race", kWork).exit_code, 0);
    Ledger ledger;
    Rounds rounds(seed_);
    std::atomic<int> left = 400;
    InParallel(callers, [&] {
      if (--left < 0) return false;
      std::string verdict = RunOnce(server, ledger, rounds);
      EXPECT_TRUE(verdict == "finished" || verdict == "wall_time") << verdict;
      return true;
    });
    EXPECT_GT(ledger.Count("finished"), 0u);
    EXPECT_GT(ledger.Count("wall_time"), 0u);
    ledger.Check(server, "race");
  }

  const uint64_t seed_ = std::random_device()();
};

TEST_F(KillRaceTest, NaturalEndsAtTheWallLimit) {
  EndsAtTheWallLimit("armed = 4\n", 4);
}

// The same worker serves many runs: an end that comes late must not become the next run's.
TEST_F(KillRaceTest, NaturalEndsAtTheWallLimitInReusedWorkers) {
  EndsAtTheWallLimit("reuse = 20\narmed = 2\n", 3);
}

TEST_F(KillRaceTest, AnOperatorAgainstNaturalEndsAndTheCpuLimit) {
  Server server("[default]\nwall = \"10s\"\ncpu = \"20ms\"\narmed = 4\ntrace = \"8KiB\"\n");
  ASSERT_EQ(server.Deploy("race", kWork).exit_code, 0);
  Ledger ledger;
  Rounds rounds(seed_);
  std::atomic<int> left = 300;
  std::atomic<bool> enough = false;
  std::thread operator_thread([&] { KillWhatIsSeen(server, ledger, enough); });
  InParallel(4, [&] {
    // All three ends have to have happened; they do, sooner or later.
    bool all = ledger.Count("finished") > 0 && ledger.Count("cpu_time") > 0 &&
               ledger.Count("operator") > 0;
    if (--left < 0 && (all || left < -500)) return false;
    std::string verdict = RunOnce(server, ledger, rounds);
    EXPECT_TRUE(verdict == "finished" || verdict == "cpu_time" || verdict == "operator") << verdict;
    return true;
  });
  enough = true;
  operator_thread.join();
  EXPECT_GT(ledger.Count("finished"), 0u);
  EXPECT_GT(ledger.Count("cpu_time"), 0u);
  EXPECT_GT(ledger.Count("operator"), 0u);
  ledger.Check(server, "race");
}

TEST_F(KillRaceTest, AStopWhileRunsAreBeingKilled) {
  for (int round = 0; round < 4; ++round) {
    // Without patience in two rounds, and with a little in the others.
    std::string drain = round % 2 == 0 ? "0" : "1";
    Server server(ServerOptions{
        .policy = "[default]\nwall = \"15ms\"\ncpu = \"10s\"\narmed = 4\ntrace = \"8KiB\"\n",
        .more = {"--drain", drain}});
    ASSERT_EQ(server.Deploy("race", kWork).exit_code, 0);
    Ledger ledger;
    Rounds rounds(seed_ + static_cast<uint64_t>(round));
    std::atomic<bool> enough = false;
    std::thread operator_thread([&] { KillWhatIsSeen(server, ledger, enough); });
    std::atomic<bool> gone = false;
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i)
      callers.emplace_back([&] {
        // Until nobody answers any more.
        while (!gone)
          if (RunOnce(server, ledger, rounds).empty() && ledger.size() > 0) break;
      });
    EXPECT_TRUE(Eventually([&] { return ledger.Count("wall_time") > 5u + seed_ % 7; }));
    EXPECT_EQ(server.Stop(), 0) << server.log();
    gone = enough = true;
    for (std::thread& caller : callers) caller.join();
    operator_thread.join();
    EXPECT_TRUE(server.Workers().empty());
    EXPECT_EQ(server.log().find("event=workers_left"), std::string::npos) << server.log();
    EXPECT_EQ(server.log().find("event=traces_left_to_the_writer"), std::string::npos);
    server.Restart();
    ASSERT_TRUE(server.running()) << server.log();
    ledger.Check(server, "race");
  }
}

TEST_F(KillRaceTest, TheZygoteDiesWhileRunsEnd) {
  Server server("[default]\nwall = \"15ms\"\ncpu = \"10s\"\narmed = 4\ntrace = \"8KiB\"\n");
  ASSERT_EQ(server.Deploy("race", kWork).exit_code, 0);
  Ledger ledger;
  Rounds rounds(seed_);
  for (int round = 0; round < 3; ++round) {
    const size_t before = ledger.size();
    std::atomic<bool> enough = false;
    std::vector<std::thread> callers;
    // While there is no zygote they are refused at once, as often as they ask: bounded in each
    // round.
    for (int i = 0; i < 3; ++i)
      callers.emplace_back([&] {
        while (!enough && ledger.size() < before + 300) RunOnce(server, ledger, rounds);
      });
    EXPECT_TRUE(Eventually([&] { return ledger.size() > before + 20; }));
    pid_t zygote = server.HelperPid("zygote");
    kill(zygote, SIGKILL);
    EXPECT_TRUE(Eventually([&] { return server.HelperPid("zygote") != zygote; })) << server.log();
    enough = true;
    for (std::thread& caller : callers) caller.join();
  }
  // It serves again, as if nothing had been.
  EXPECT_TRUE(Eventually([&] { return ledger.Note(server.Get("race", "/hello")) == "finished"; }));
  ledger.Check(server, "race");
  EXPECT_EQ(server.Stop(), 0) << server.log();
  EXPECT_TRUE(server.Workers().empty());
}

}  // namespace
}  // namespace nightjar::e2e
