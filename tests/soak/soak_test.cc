// The real server with workers that behave randomly badly, under load for a minute, beside a canvas
// that is served well.
//
// What each run does is chosen by a seed and the run's number (deeds.h), so that a soak can be had
// again: NIGHTJAR_SOAK_SEED. NIGHTJAR_SOAK_SECONDS makes it longer. Nothing is asserted about time.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <semaphore>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/soak/deeds.h"
#include "tests/support/server_rig.h"

namespace nightjar::soak {
namespace {

using e2e::Answer;
using e2e::Eventually;
using e2e::Server;
using e2e::ServerOptions;

TEST(DeedsTest, AreChosenBySeedAndNumberAndNothingElse) {
  std::set<std::string_view> chosen;
  size_t alike = 0;
  constexpr uint64_t kNumbers = 2000;
  for (uint64_t number = 0; number < kNumbers; ++number) {
    const Deed& deed = Choose(kRunDeeds, 7, number);
    EXPECT_EQ(&deed, &Choose(kRunDeeds, 7, number));
    alike += &deed == &Choose(kRunDeeds, 8, number);
    chosen.insert(deed.name);
  }
  EXPECT_EQ(chosen.size(), std::size(kRunDeeds));  // each, sooner or later
  EXPECT_LT(alike, kNumbers / 10);
}

uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* text = getenv(variable);
  return text == nullptr ? otherwise : strtoull(text, nullptr, 10);
}

// "VERDICT_WALL_TIME" as it is called elsewhere: "wall_time".
std::string Short(std::string verdict) {
  verdict = verdict.substr(verdict.find('_') + 1);
  for (char& c : verdict) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  return verdict;
}

bool IsOneOf(std::string_view word, std::string_view words) {
  std::istringstream list{std::string(words)};
  for (std::string one; list >> one;)
    if (one == word) return true;
  return false;
}

// One run as its caller saw it.
struct Told {
  std::string canvas;
  std::string run;
  std::string verdict;  // empty: it was answered
  std::string_view deed;
  std::string_view may_be;  // its verdicts
};

// What a process holds, when nothing goes on but that workers wait for runs.
struct Holdings {
  size_t descriptors = 0;  // but for those of cells, which are kept for some time, up to a bound
  size_t memory_kib = 0;   // its own
};

Holdings HoldingsOf(pid_t pid) {
  Holdings holdings;
  std::string proc = "/proc/" + std::to_string(pid);
  for (const auto& fd : std::filesystem::directory_iterator(proc + "/fd")) {
    std::error_code gone;
    std::string target = std::filesystem::read_symlink(fd, gone).string();
    if (!target.starts_with("/sys/fs/cgroup")) ++holdings.descriptors;
  }
  std::ifstream status(proc + "/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") status >> holdings.memory_kib;
  return holdings;
}

constexpr const char* kDeedCanvas = "[http-handler GET /deed/:seed/:number]\n\"did \" ++ number\n";
constexpr const char* kPoliteCanvas = R"([http-handler GET /sum/:n]
match Int.parse_v0 n with
| Ok n -> List.fold_v0 (List.range_v0 1 n) 0 (fun sum i -> sum + i)
| Error message -> Http.badRequest_v0 message
)";

std::string PolicyWith(const std::string& unborn) {
  // Of its wall time a deed needs a moment, but two processors carry everything here.
  return R"([default]
wall = "3s"
cpu = "200ms"
memory = "32MiB"
output = "1MiB"
trace = "32KiB"
armed = 3
queue_time = "20s"

[canvas.late]
reuse = 6

[canvas.polite]
wall = "20s"
cpu = "5s"

[canvas.)" +
         unborn + "]\narmed = 2\n";
}

// What was freed is kept by AddressSanitizer, so much of it that nothing could be said about
// memory.
void BoundSanitizers() {
  setenv("ASAN_OPTIONS", "quarantine_size_mb=8", 1);
}

class SoakTest : public ::testing::Test {
 protected:
  SoakTest() {
    printf("soak: seed %llu, %llu s\n", static_cast<unsigned long long>(seed_),
           static_cast<unsigned long long>(seconds_));
    fflush(stdout);
    RecordProperty("seed", std::to_string(seed_));
  }

  void SetUp() override {
    ASSERT_TRUE(server_.running()) << server_.log();
    for (const std::string& canvas : {std::string(kBad), std::string(kLate), unborn_})
      ASSERT_EQ(server_.Deploy(canvas, kDeedCanvas).exit_code, 0) << server_.log();
    ASSERT_EQ(server_.Deploy("polite", kPoliteCanvas).exit_code, 0) << server_.log();
    supervisor_ = server_.pid();
    writer_ = server_.HelperPid("writer");
    zygote_ = server_.HelperPid("zygote");
  }

  // Callers of all canvases at once, until the time is over.
  void LoadFor(std::chrono::milliseconds time) {
    auto end = std::chrono::steady_clock::now() + time;
    std::vector<std::thread> callers;
    auto call = [&](auto body) {
      callers.emplace_back([&, body] {
        while (std::chrono::steady_clock::now() < end) body();
      });
    };
    for (int i = 0; i < 4; ++i) call([&] { CallBad(); });
    call([&] { CallOther(std::string(kLate), "(deeds after runs)", kLateVerdicts); });
    // These two are fast: one call of each beside a bad run is enough.
    constexpr std::chrono::milliseconds kPatience(100);
    call([&] {
      if (for_unborn_.try_acquire_for(kPatience))
        CallOther(unborn_, "(deeds of starts)", kStartVerdicts);
    });
    call([&] {
      if (for_polite_.try_acquire_for(kPatience)) CallPolite();
    });
    call([&] { DeployUnmade(); });
    for (std::thread& caller : callers) caller.join();
  }

  void CallBad() {
    for_unborn_.release();
    for_polite_.release();
    uint64_t number = next_++;
    const Deed& deed = Choose(kRunDeeds, seed_, number);
    Answer answer = server_.Get(std::string(kBad), TargetOf(seed_, number));
    Note(std::string(kBad), answer, deed.name, deed.verdicts);
    // An answer is the whole of it, and nothing of it is the supervisor's.
    if (answer.headers.contains("x-nightjar-verdict") || !deed.name.starts_with("answers")) return;
    EXPECT_EQ(answer.body, "\"did " + std::to_string(number) + "\"") << deed.name;
  }
  void CallOther(const std::string& canvas, std::string_view deeds, std::string_view verdicts) {
    uint64_t number = next_++;
    Note(canvas, server_.Get(canvas, TargetOf(seed_, number)), deeds, verdicts);
  }
  // What becomes of it is said, and what is in force answers as well as it can.
  void DeployUnmade() {
    e2e::Output output = server_.Deploy(unmade_, kDeedCanvas);
    EXPECT_TRUE(output.exit_code == 0 || !output.err.empty()) << output.exit_code;
    ++(output.exit_code == 0 ? deployed_ : not_deployed_);
    Answer answer = server_.Get(unmade_, TargetOf(seed_, 0));
    EXPECT_NE(answer.status, 0);
    EXPECT_EQ(answer.headers.count("x-forged"), 0u);
    if (!answer.trace().empty()) Note(unmade_, answer, "(deeds of compilers)", kStartVerdicts);
  }
  void CallPolite() {
    uint64_t n = next_++ % 300;
    Answer answer = server_.Get("polite", "/sum/" + std::to_string(n));
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, std::to_string(n * (n + 1) / 2));
    Note("polite", answer, "(polite)", "finished");
  }
  void Note(const std::string& canvas, const Answer& answer, std::string_view deed,
            std::string_view may_be) {
    std::lock_guard lock(mutex_);
    EXPECT_NE(answer.status, 0) << "no answer to " << deed;
    EXPECT_EQ(answer.trace().size(), 36u) << deed << " " << answer.body;
    auto verdict = answer.headers.find("x-nightjar-verdict");
    told_.push_back({canvas, answer.trace(), verdict == answer.headers.end() ? "" : verdict->second,
                     deed, may_be});
  }

  // Nothing is going on but what waits for the next request.
  void Settle() {
    EXPECT_TRUE(Eventually([&] {
      Answer runs = server_.Control("GET", "/runs");
      return runs.status == 200 && nlohmann::json::parse(runs.body)["runs"].empty();
    }));
    constexpr size_t kWaiting = 3 + 3 + 3 + 2 + 3;  // armed
    EXPECT_TRUE(Eventually([&] { return server_.Workers().size() <= kWaiting; }))
        << server_.Workers().size();
  }

  // What the control plane has of a run, and its reason; empty: it has nothing.
  struct Record {
    std::string verdict;
    std::string detail;
  };
  Record Recorded(const Told& told) {
    auto record = [](const nlohmann::json& row) {
      return Record{Short(row["verdict"]), row.value("detail", "")};
    };
    Answer trace = server_.Control("GET", "/canvases/" + told.canvas + "/traces/" + told.run);
    if (trace.status == 200) return record(nlohmann::json::parse(trace.body)["row"]);
    Answer incident = server_.Control("GET", "/incidents/" + told.run);
    return incident.status == 200 ? record(nlohmann::json::parse(incident.body)) : Record{};
  }

  // Each run has one verdict, which its caller was told, and which its deed can have.
  void CheckRuns() {
    std::map<std::string_view, std::map<std::string, size_t>> of_deeds;
    std::map<std::string, size_t> of_verdicts;
    constexpr size_t kShown = 20;
    size_t wrong = 0;
    for (const Told& told : told_) {
      if (wrong > kShown) break;
      Record record;
      bool found = Eventually([&] { return !(record = Recorded(told)).verdict.empty(); });
      const std::string& verdict = record.verdict;
      bool answered = verdict == "finished" || verdict == "program_error";
      if (found && told.verdict == (answered ? "" : verdict) && IsOneOf(verdict, told.may_be)) {
        ++of_deeds[told.deed][verdict];
        ++of_verdicts[verdict];
        continue;
      }
      ++wrong;
      ADD_FAILURE() << told.canvas << " " << told.run << ", which " << told.deed << ", was told as "
                    << told.verdict << " and is kept as " << verdict << ": " << record.detail;
    }
    printf("soak: %zu deploys of bad compilers were served, %zu were not\n", deployed_.load(),
           not_deployed_.load());
    printf("soak: %zu runs:", told_.size());
    for (const auto& [verdict, count] : of_verdicts) printf(" %s %zu", verdict.c_str(), count);
    printf("\n");
    for (const auto& [deed, verdicts] : of_deeds) {
      printf("soak: %-34s", std::string(deed).c_str());
      for (const auto& [verdict, count] : verdicts) printf(" %s %zu", verdict.c_str(), count);
      printf("\n");
    }
  }

  // Of each waiting worker the supervisor has a socket, a ring, a pidfd and a listener.
  Holdings SupervisorHoldings() {
    constexpr size_t kOfWorker = 4;
    Holdings holdings = HoldingsOf(supervisor_);
    holdings.descriptors -= std::min(holdings.descriptors, kOfWorker * server_.Workers().size());
    return holdings;
  }
  // Workers of the canvas whose starts go wrong come and go while this looks, each with descriptors
  // of its own: what is held for ever is held at every look.
  void CheckFlat(const char* who, const Holdings& early, const std::function<Holdings()>& look) {
    constexpr size_t kSomeDescriptors = 12;
    constexpr size_t kSomeKib = 16 * 1024;
    Holdings late;
    EXPECT_TRUE(Eventually([&] {
      late = look();
      return late.descriptors <= early.descriptors + kSomeDescriptors &&
             late.memory_kib <= early.memory_kib + early.memory_kib / 4 + kSomeKib;
    })) << who;
    printf("soak: %s held %zu descriptors and %zu KiB after a third, %zu and %zu at the end\n", who,
           early.descriptors, early.memory_kib, late.descriptors, late.memory_kib);
  }

  void CheckLog() {
    std::istringstream log(server_.log());
    std::map<std::string, std::string> errors;  // an example of each
    for (std::string line; std::getline(log, line);) {
      if (line.find("level=error") == std::string::npos && line.find("event=") != std::string::npos)
        continue;
      size_t event = line.find("event=");
      errors[event == std::string::npos ? line
                                        : line.substr(event, line.find(' ', event) - event)] = line;
    }
    for (const auto& [event, line] : errors) ADD_FAILURE() << line;
  }

  const uint64_t seed_ = NumberFrom("NIGHTJAR_SOAK_SEED", std::random_device()());
  const uint64_t seconds_ = NumberFrom("NIGHTJAR_SOAK_SECONDS", 45);
  const std::string unborn_ = std::string(kUnborn) + std::to_string(seed_);
  const std::string unmade_ = std::string(kUnmade) + std::to_string(seed_);
  Server server_{ServerOptions{
      .policy = PolicyWith(unborn_), .before_exec = BoundSanitizers, .worker = BAD_WORKER}};
  pid_t supervisor_ = 0;
  pid_t writer_ = 0;
  pid_t zygote_ = 0;
  std::atomic<uint64_t> next_{0};
  std::counting_semaphore<> for_unborn_{0};
  std::counting_semaphore<> for_polite_{0};
  std::atomic<size_t> deployed_{0};
  std::atomic<size_t> not_deployed_{0};
  std::mutex mutex_;
  std::vector<Told> told_;
};

TEST_F(SoakTest, NothingThatAWorkerDoesHarmsTheOthersOrIsLost) {
  const std::chrono::milliseconds all(seconds_ * 1000);
  LoadFor(all / 3);
  Settle();
  Holdings supervisor = SupervisorHoldings();
  Holdings writer = HoldingsOf(writer_);
  LoadFor(all - all / 3);
  Settle();
  CheckFlat("the supervisor", supervisor, [&] { return SupervisorHoldings(); });
  CheckFlat("the writer", writer, [&] { return HoldingsOf(writer_); });
  ASSERT_TRUE(server_.running()) << server_.log();
  EXPECT_EQ(server_.HelperPid("writer"), writer_);
  EXPECT_EQ(server_.HelperPid("zygote"), zygote_);
  CheckRuns();
  // It is still what it was.
  EXPECT_EQ(server_.Deploy("fresh", kPoliteCanvas).exit_code, 0);
  EXPECT_EQ(server_.Get("fresh", "/sum/4").body, "10");
  EXPECT_EQ(server_.Stop(), 0);
  EXPECT_TRUE(server_.Workers().empty());
  EXPECT_EQ(server_.Cells(), 0u);
  CheckLog();
}

}  // namespace
}  // namespace nightjar::soak
