// Each crime once, through the front door of a real server: it ends as its table says, nothing of
// it is left, and the neighbours notice nothing. Then the server itself is looked at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "ipc/core/bounds.h"
#include "tests/hostile/crime_table.h"
#include "tests/hostile/peers/peer_runner.h"
#include "tests/support/server_rig.h"

namespace nightjar::hostile {

// GoogleTest looks for it beside the type.
void PrintTo(const CrimeRow& crime, std::ostream* out) {
  *out << crime.name;
}

}  // namespace nightjar::hostile

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOfArray;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kPolicy = R"([default]
wall = "2s"
cpu = "500ms"
memory = "64MiB"
pids = 16
output = "1MiB"
trace = "64KiB"
idle = "4s"
[canvas.crime]
exec = true
[canvas.accomplice]
exec = true
)";

constexpr const char* kPolite =
    "[http-handler GET /sum]\nList.fold_v0 (List.range_v0 1 100) 0 (fun a b -> a + b)\n";

constexpr unsigned kPeersAtOnce = 3;

constexpr size_t kCanvases = 3;
constexpr size_t kArmed = 2 * kCanvases;  // workers that wait

// Against a server that has served a few runs of each kind.
constexpr size_t kDescriptorsMore = 4;
constexpr size_t kCellsMore = 12;
constexpr size_t kMemoryMoreKiB = 4 * 1024;

using Crime = hostile::CrimeRow;

std::string Join(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : " or ") + word;
  return joined;
}

// The table of the program itself.
// Where no control group bounds memory and processes together, the limits of each process may end
// these otherwise, or not at all.
bool MeetsItsCell(const Crime& crime) {
  return std::any_of(crime.expected.begin(), crime.expected.end(), [](const std::string& verdict) {
    return verdict == "memory" || verdict == "pids";
  });
}

std::vector<Crime> ReadCrimes() {
  std::vector<Crime> crimes = hostile::ParseCrimeTable(RunProgram({CRIME_PROGRAM}).out);
  if (TestedStart() == StartMode::kUnprivileged)
    for (Crime& crime : crimes) {
      if (MeetsItsCell(crime)) {
        crime.expected = {"memory",  "pids",     "finished", "program_error",
                          "crashed", "cpu_time", "wall_time"};
        crime.says.clear();
      }
    }
  return crimes;
}

struct Row {
  std::string name;
  std::string text;
  std::string verdict;
  bool explained;
  bool right;
};

struct Footprint {
  size_t descriptors = 0;
  size_t memory_kib = 0;
};

Footprint FootprintOf(pid_t pid) {
  Footprint footprint;
  std::string proc = "/proc/" + std::to_string(pid);
  footprint.descriptors = static_cast<size_t>(
      std::distance(fs::directory_iterator(proc + "/fd"), fs::directory_iterator()));
  std::ifstream status(proc + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) footprint.memory_kib = std::stoul(line.substr(6));
  return footprint;
}

// What follows the first answer on a connection, as a client sees it that believes its one
// Content-Length. Empty: it was told none or several, or there is another way to read it.
std::string AfterFirstAnswer(const std::string& received) {
  size_t end = received.find("\r\n\r\n");
  if (end == std::string::npos) return "";
  std::string head = received.substr(0, end + 2);
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return tolower(c); });
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  bool empty = head.starts_with("http/1.1 204 ") || head.starts_with("http/1.1 304 ");
  size_t at = head.find(kLength);
  if (head.find("\r\ntransfer-encoding:") != std::string::npos) return "";
  if (at == std::string::npos) return empty ? received.substr(end + 4) : "";
  if (head.find(kLength, at + 1) != std::string::npos) return "";
  size_t length = empty ? 0 : std::stoul(head.substr(at + kLength.size()));
  return length > received.size() - end - 4 ? "" : received.substr(end + 4 + length);
}

// Wherever they hide: in another cell, session or name, it is the same program.
std::vector<pid_t> LivingCriminals() {
  struct stat program {};
  stat(CRIME_PROGRAM, &program);
  std::vector<pid_t> living;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    int pid = atoi(entry.path().filename().c_str());
    struct stat found {};
    if (pid > 0 && stat((entry.path() / "exe").c_str(), &found) == 0 &&
        found.st_dev == program.st_dev && found.st_ino == program.st_ino)
      living.push_back(pid);
  }
  return living;
}

class HostileTest : public ::testing::TestWithParam<Crime> {
 public:
  static void SetUpTestSuite() {
    std::string folder = fs::path(CRIME_PROGRAM).parent_path().string();
    server_ = std::make_unique<Server>(
        ServerOptions{.policy = kPolicy, .more = {"--exec-paths", "/usr," + folder}});
    ASSERT_TRUE(server_->running()) << server_->log();
    std::string canvas;
    for (const Crime& crime : ReadCrimes())
      canvas += "[exec-handler GET /" + crime.name + "]\n" CRIME_PROGRAM " " + crime.name + "\n\n";
    for (const char* name : {"crime", "accomplice"})
      ASSERT_EQ(server_->Deploy(name, canvas).exit_code, 0) << server_->log();
    ASSERT_EQ(server_->Deploy("polite", kPolite).exit_code, 0);
    // What a server keeps once it has served runs of every kind is no leak.
    for (int i = 0; i < 20; ++i) {
      server_->Get("crime", "/aborts");
      server_->Get("crime", "/flood");
      server_->Get("accomplice", "/file_in_tmp");
      server_->Get("polite", "/sum");
    }
    warm_ = FootprintOf(server_->pid());
    warm_cells_ = server_->Cells();
  }
  static void TearDownTestSuite() {
    // Some minutes: `make hostile` wants them, `make test` does not.
    if (getenv("NIGHTJAR_HOSTILE_PEERS") != nullptr)
      PrintBesidePeers();
    else
      PrintTable({});
    auto right =
        std::count_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.right; });
    printf("%zu crimes, %zu ended as expected\n", rows_.size(), static_cast<size_t>(right));
  }

 protected:
  static void Commit(const std::string& canvas, const Crime& crime) {
    auto started = std::chrono::steady_clock::now();
    Answer answer = server_->Get(canvas, "/" + crime.name);
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started);
    ASSERT_NE(answer.status, 0) << "no answer: " << server_->log();
    std::string verdict = TraceOf(canvas, answer);
    Note(crime, verdict, took.count());
    EXPECT_THAT(verdict, AnyOfArray(crime.expected)) << answer.body << evidence_;
    // The caller is told the same.
    auto told = answer.headers.find("x-nightjar-verdict");
    bool answered = verdict == "finished" || verdict == "program_error";
    EXPECT_EQ(told == answer.headers.end() ? "" : told->second, answered ? "" : verdict);
    EXPECT_THAT(verdict == "finished" ? answer.body : evidence_, HasSubstr(crime.says));
  }

  // One row of the table for each crime, however often it was committed: its last, or its first
  // that ended otherwise than expected.
  static void Note(const Crime& crime, const std::string& verdict, int64_t milliseconds) {
    const std::vector<std::string>& expected = crime.expected;
    bool right = std::find(expected.begin(), expected.end(), verdict) != expected.end();
    if (!rows_.empty() && rows_.back().name == crime.name) {
      if (!rows_.back().right) return;
      rows_.pop_back();
    }
    char text[256];
    snprintf(text, sizeof text, "%-34s %-13s %-32s %-15s %6lld%s", crime.name.c_str(),
             crime.kind.c_str(), Join(expected).c_str(), verdict.c_str(),
             static_cast<long long>(milliseconds), right ? "" : "  WRONG");
    rows_.push_back({crime.name, text, verdict, explained_, right});
  }

  // Its verdict there; `evidence_` is what the record says of the run.
  static std::string TraceOf(const std::string& canvas, const Answer& answer) {
    Answer trace;
    EXPECT_TRUE(Eventually([&] {
      trace = server_->Control("GET", "/canvases/" + canvas + "/traces/" + answer.trace());
      return trace.status == 200;
    })) << answer.trace();
    evidence_ = trace.body;
    std::string verdict = nlohmann::json::parse(trace.body)["row"]["verdict"];
    verdict = verdict.substr(verdict.find('_') + 1);
    std::transform(verdict.begin(), verdict.end(), verdict.begin(),
                   [](unsigned char c) { return tolower(c); });
    explained_ = false;
    if (hostile::EndedByForce(verdict)) {
      std::string incident = server_->Control("GET", "/incidents/" + answer.trace()).body;
      evidence_ += incident;
      explained_ = nlohmann::json::parse(incident).value("detail", "") != "";
    }
    return verdict;
  }

  struct Column {
    std::string name;
    std::map<std::string, std::string> outcomes;  // by crime
  };

  static void PrintTable(const std::vector<Column>& peers) {
    printf("\n%-34s %-13s %-32s %-15s %6s", "crime", "kind", "expected", "got", "ms");
    for (const Column& peer : peers) printf("  %-11s", peer.name.c_str());
    printf("\n");
    for (const Row& row : rows_) {
      printf("%s", row.text.c_str());
      for (const Column& peer : peers) {
        auto outcome = peer.outcomes.find(row.name);
        printf("  %-11s", outcome == peer.outcomes.end() ? "-" : outcome->second.c_str());
      }
      printf("\n");
    }
  }

  // The same crimes under every other sandbox that is installed: nothing here can fail the suite.
  static void PrintBesidePeers() {
    std::vector<Crime> crimes = ReadCrimes();
    std::vector<Column> columns;
    std::string notes;
    hostile::PeerRunner runner(CRIME_PROGRAM, kPeersAtOnce);
    for (const hostile::Peer& peer : hostile::KnownPeers()) {
      if (!peer.missing.empty()) {
        notes += peer.name + " " + peer.missing + "\n";
        continue;
      }
      auto rows = hostile::CommitAll(runner, peer, crimes, kPeersAtOnce);
      columns.push_back({peer.name, {}});
      for (const hostile::PeerRow& row : rows)
        columns.back().outcomes[row.crime] = NameOf(row.verdict.outcome);
      notes += SummaryOf(peer, rows);
    }
    PrintTable(columns);
    printf("%s%s%s", OwnSummary(crimes).c_str(), notes.c_str(), hostile::kHowToReadPeers);
  }

  // Of the crimes that peers were asked too.
  static std::string OwnSummary(const std::vector<Crime>& crimes) {
    size_t asked = 0, right = 0, ended = 0, explained = 0;
    for (const Row& row : rows_)
      for (const Crime& crime : crimes) {
        if (crime.name != row.name || !hostile::IsForPeers(crime)) continue;
        ++asked;
        right += row.right;
        ended += hostile::EndedByForce(row.verdict);
        explained += row.explained;
      }
    // One that was ended by another limit than expected was stopped, but is not counted so.
    return "nightjar: stopped as expected " + std::to_string(right) + " of " +
           std::to_string(asked) + "; ended by force " + std::to_string(ended) + ", explained " +
           std::to_string(explained) + "\n";
  }

  static inline std::unique_ptr<Server> server_;  // ended with this program at the latest
  static inline Footprint warm_;
  static inline size_t warm_cells_ = 0;
  static inline std::vector<Row> rows_;
  static inline std::string evidence_;
  static inline bool explained_ = false;  // its incident says of it why it was ended
};

TEST_P(HostileTest, IsStoppedAndLeavesNothing) {
  const Crime& crime = GetParam();
  Commit("crime", crime);
  if (crime.kind == "output") {
    // The next answer on its connection is the neighbour's own.
    std::string received =
        server_->Raw("GET /" + crime.name +
                     " HTTP/1.1\r\nHost: crime.localhost\r\n\r\nGET /sum HTTP/1.1\r\nHost: "
                     "polite.localhost\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(AfterFirstAnswer(received),
                AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\n5050")))
        << received.substr(0, 2000);
  }
  if (crime.kind == "cross-talk") {
    // More often than workers wait, so that cells and users come round again.
    for (int i = 0; i < 5; ++i) Commit("crime", crime);
    Commit("accomplice", crime);
  }
  EXPECT_EQ(server_->Get("polite", "/sum").body, "5050");
  EXPECT_TRUE(
      Eventually([] { return LivingCriminals().empty() && server_->Workers().size() <= kArmed; }));
  EXPECT_TRUE(server_->running()) << server_->log();
}

// Those that end soon by themselves or at a limit which is not a time.
bool EndsSoon(const Crime& crime) {
  return std::none_of(crime.expected.begin(), crime.expected.end(), [](const std::string& verdict) {
    return verdict == "wall_time" || verdict == "cpu_time";
  });
}

INSTANTIATE_TEST_SUITE_P(All, HostileTest, ::testing::ValuesIn(ReadCrimes()),
                         [](const auto& crime) { return crime.param.name; });

// After all of them; GoogleTest keeps the order of this file.
class AftermathTest : public HostileTest {
 public:
  static void SetUpTestSuite() {}
  static void TearDownTestSuite() {}
};

TEST_P(AftermathTest, TheServerIsAsItWas) {
  // The armed workers are let go after a while, and nobody else may be there. Empty cells are kept
  // for the next.
  EXPECT_TRUE(Eventually([] { return server_->Workers().empty(); }));
  EXPECT_TRUE(Eventually([] { return server_->Cells() <= warm_cells_ + kCellsMore; }));
  Footprint now = FootprintOf(server_->pid());
  printf("descriptors %zu, then %zu; memory %zu KiB, then %zu KiB; cells %zu, then %zu\n",
         warm_.descriptors, now.descriptors, warm_.memory_kib, now.memory_kib, warm_cells_,
         server_->Cells());
  // How many cells are kept follows from how runs met; each holds descriptors of its own.
  size_t cells_more = std::max(server_->Cells(), warm_cells_) - warm_cells_;
  EXPECT_LE(now.descriptors, warm_.descriptors + cells_more * bounds::kCellFds + kDescriptorsMore);
  EXPECT_LE(now.memory_kib, warm_.memory_kib + kMemoryMoreKiB);
}

INSTANTIATE_TEST_SUITE_P(Then, AftermathTest, ::testing::Values(Crime{"all", "", {}, ""}));

// All at once, from two canvases; last.
class TogetherTest : public HostileTest {
 public:
  static void SetUpTestSuite() {}
  static void TearDownTestSuite() { server_.reset(); }
};

TEST_P(TogetherTest, TheNeighbourIsAnswered) {
  std::vector<Crime> crimes = ReadCrimes();
  std::erase_if(crimes, [](const Crime& crime) { return !EndsSoon(crime); });
  std::atomic<size_t> next = 0;
  std::atomic<size_t> unanswered = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> criminals;
  for (const char* canvas : {"crime", "crime", "accomplice", "accomplice"})
    criminals.emplace_back([&, canvas] {
      for (size_t at; (at = next++) < crimes.size();)
        if (server_->Get(canvas, "/" + crimes[at].name).status == 0) ++unanswered;
    });
  size_t asked = 0;
  size_t right = 0;
  std::thread neighbour([&] {
    while (!over) {
      ++asked;
      if (server_->Get("polite", "/sum").body == "5050") ++right;
    }
  });
  for (std::thread& criminal : criminals) criminal.join();
  over = true;
  neighbour.join();
  EXPECT_EQ(unanswered, 0u);
  EXPECT_EQ(right, asked);
  EXPECT_GT(asked, 0u);
  EXPECT_TRUE(Eventually([] { return LivingCriminals().empty() && server_->Workers().empty(); }));
  // Their empty cells are kept for the next such rush, so many of each canvas; a sweep takes what
  // is beyond that.
  EXPECT_TRUE(
      Eventually([] { return server_->Cells() <= kCanvases * (1 + bounds::kCellIdlePerCanvas); }));
  EXPECT_LE(FootprintOf(server_->pid()).memory_kib, warm_.memory_kib + kMemoryMoreKiB);
  std::string log = server_->log();
  EXPECT_EQ(log.find("level=error"), std::string::npos) << log;
  EXPECT_TRUE(std::all_of(log.begin(), log.end(), [](unsigned char c) {
    return c >= ' ' || c == '\n';
  })) << "something in the log was not the supervisor's";
  EXPECT_EQ(server_->Stop(), 0) << server_->log();
}

INSTANTIATE_TEST_SUITE_P(Last, TogetherTest, ::testing::Values(Crime{"all", "", {}, ""}));

}  // namespace
}  // namespace nightjar::e2e
