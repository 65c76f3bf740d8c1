// What became of a run, from every kind of evidence, and which evidence wins.

#include "supervisor/watch/verdict.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "ipc/core/worker_exit.h"

namespace nightjar {
namespace {

policy::Limits SomeLimits() {
  policy::Limits limits;
  limits.memory_bytes.origin = {"policy.toml:3", "canvas demo"};
  limits.pids.origin = {"policy.toml:5", "plan free"};
  return limits;
}

class VerdictTest : public ::testing::Test {
 protected:
  VerdictTest() { evidence_.limits = &limits_; }
  VerdictAndDetail Verdict() const { return VerdictOf(evidence_); }

  policy::Limits limits_ = SomeLimits();
  Evidence evidence_;
};

const KillCause kWall{proto::VERDICT_WALL_TIME, "too long", "wall", Nanos(7)};

TEST_F(VerdictTest, AWholeAnswerBeatsAllThatCameAfterIt) {
  evidence_.answered = true;
  evidence_.cause = kWall;
  evidence_.exit.signal = SIGKILL;
  evidence_.usage.oom_kills = 1;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_FINISHED);
  EXPECT_EQ(Verdict().detail, "");
  EXPECT_EQ(Verdict().limit, "");
  evidence_.program_error = true;
  evidence_.program_message = "there is no such user";
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_PROGRAM_ERROR);
  EXPECT_EQ(Verdict().detail, "there is no such user");
}

// A shell lives on when what it started was killed, and reports an exit status of its own.
TEST_F(VerdictTest, AProgramThatFailedOfALimitDidNotFailByItself) {
  evidence_.answered = evidence_.program_error = evidence_.program = true;
  evidence_.program_message = "the program exited with status 137";
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_PROGRAM_ERROR);
  evidence_.usage.pids_denied = 1;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_PIDS);
  evidence_.usage.oom_kills = 1;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_MEMORY);
  evidence_.program_error = false;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_FINISHED);
}

TEST_F(VerdictTest, WhatWeDecidedBeatsTheSignalThatWeSent) {
  for (int signal : {SIGKILL, SIGSYS, SIGXCPU, SIGSEGV}) {
    evidence_.cause = kWall;
    evidence_.exit.signal = signal;
    EXPECT_EQ(Verdict().verdict, proto::VERDICT_WALL_TIME);
    EXPECT_EQ(Verdict().detail, "too long");
    EXPECT_EQ(Verdict().limit, "wall");
  }
}

TEST_F(VerdictTest, MemoryWasFirstWhereTheKernelKilledBeforeOurDeadline) {
  evidence_.exit.signal = SIGKILL;
  evidence_.usage.oom_kills = 1;
  for (proto::Verdict late : {proto::VERDICT_WALL_TIME, proto::VERDICT_CPU_TIME,
                              proto::VERDICT_STOPPING, proto::VERDICT_PROTOCOL}) {
    evidence_.cause = KillCause{late, "something else", "", Nanos(0)};
    EXPECT_EQ(Verdict().verdict, proto::VERDICT_MEMORY) << VerdictName(late);
    EXPECT_EQ(Verdict().limit, "memory");
    EXPECT_NE(Verdict().detail.find("policy.toml:3, canvas demo"), std::string::npos);
  }
  // A person's word stands as it was given.
  evidence_.cause = KillCause{proto::VERDICT_OPERATOR, "killed by an operator", "", Nanos(0)};
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_OPERATOR);
}

TEST_F(VerdictTest, ADeniedForkDoesNotHideWhatWeDecided) {
  evidence_.usage.pids_denied = 3;
  evidence_.cause = kWall;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_WALL_TIME);
}

TEST_F(VerdictTest, TheKernelsCountersComeBeforeTheExit) {
  // A process that is killed for memory looks like one that is killed by anyone.
  for (int signal : {SIGKILL, SIGSEGV, SIGSYS, 0}) {
    evidence_.exit.signal = signal;
    evidence_.usage = {};
    evidence_.usage.pids_denied = 1;
    EXPECT_EQ(Verdict().verdict, proto::VERDICT_PIDS) << signal;
    EXPECT_NE(Verdict().detail.find("policy.toml:5, plan free"), std::string::npos);
    evidence_.usage.oom_kills = 1;
    evidence_.usage.memory_peak_bytes = 64 << 20;
    EXPECT_EQ(Verdict().verdict, proto::VERDICT_MEMORY) << signal;
    EXPECT_NE(Verdict().detail.find("used 64.0 MiB"), std::string::npos) << Verdict().detail;
  }
}

TEST_F(VerdictTest, WhoseMemoryItWasIsToldApart) {
  evidence_.exit.signal = SIGKILL;
  evidence_.usage.canvas_cells = 7;
  evidence_.usage.oom_kills_host = 1;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_MEMORY);
  EXPECT_EQ(Verdict().limit, "");
  EXPECT_NE(Verdict().detail.find("no limit of this canvas was reached"), std::string::npos);
  evidence_.usage.oom_kills_canvas = 1;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_MEMORY);
  EXPECT_EQ(Verdict().limit, "canvas_memory");
  EXPECT_EQ(
      Verdict().detail,
      "was killed when the workers of its canvas, 7 at that time, needed more memory than they "
      "may have together; limit canvas_memory = 512MiB (built in, default)");
  evidence_.usage.oom_kills = 1;  // its own limit too: that one explains more
  EXPECT_EQ(Verdict().limit, "memory");
}

TEST_F(VerdictTest, AnyOfThemWasBeforeOurDeadline) {
  evidence_.exit.signal = SIGKILL;
  evidence_.cause = kWall;
  evidence_.usage.oom_kills_host = 1;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_MEMORY);
  evidence_.usage = {};
  evidence_.usage.oom_kills_canvas = 1;
  EXPECT_EQ(Verdict().limit, "canvas_memory");
}

TEST_F(VerdictTest, ARunThatTheCanvasBrakeHeldUntilItsDeadlineLackedMemory) {
  evidence_.cause = kWall;
  evidence_.usage.canvas_braked = true;
  evidence_.usage.canvas_cells = 4;
  evidence_.usage.memory_peak_bytes = 120 << 20;
  evidence_.usage.cpu_us = 300'000;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_MEMORY);
  EXPECT_EQ(Verdict().limit, "canvas_memory");
  EXPECT_NE(Verdict().detail.find("waited for memory until its time was over"), std::string::npos);
  // It was busy; it has hardly any; there is no brake; it was no question of time.
  Evidence held = evidence_;
  evidence_.usage.cpu_us = 4'900'000;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_WALL_TIME);
  evidence_ = held;
  evidence_.usage.memory_peak_bytes = 2 << 20;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_WALL_TIME);
  evidence_ = held;
  evidence_.usage.canvas_braked = false;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_WALL_TIME);
  evidence_ = held;
  evidence_.cause = KillCause{proto::VERDICT_CPU_TIME, "too much", "cpu", Nanos(0)};
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_CPU_TIME);
}

TEST_F(VerdictTest, WithoutACounterTheExitSpeaks) {
  struct Case {
    WaitStatus exit;
    proto::Verdict verdict;
    const char* limit;
    const char* words;
  };
  const Case kCases[] = {
      {{SIGSYS, 0}, proto::VERDICT_DENIED_SYSCALL, "", "another architecture"},
      {{SIGXCPU, 0}, proto::VERDICT_CPU_TIME, "cpu", "kernel"},
      {{SIGSEGV, 0}, proto::VERDICT_CRASHED, "", "signal 11 (Segmentation fault)"},
      {{SIGABRT, 0}, proto::VERDICT_CRASHED, "", "signal 6 (Aborted)"},
      {{SIGKILL, 0}, proto::VERDICT_CRASHED, "", "signal 9 (Killed)"},
      {{0, 0}, proto::VERDICT_WORKER_EXITED, "", "exit status 0"},
      {{0, worker_exit::kBrokenProtocol}, proto::VERDICT_WORKER_EXITED, "", "exit status 3"},
      {{0, worker_exit::kBackstop}, proto::VERDICT_WALL_TIME, "wall", "backstop"},
  };
  for (const Case& one : kCases) {
    evidence_.exit = one.exit;
    EXPECT_EQ(Verdict().verdict, one.verdict) << one.words;
    EXPECT_EQ(Verdict().limit, one.limit);
    EXPECT_NE(Verdict().detail.find(one.words), std::string::npos) << Verdict().detail;
  }
}

TEST_F(VerdictTest, AProgramsWordForTheCpuLimitIsHeldAgainstTheCounter) {
  evidence_.program = true;
  evidence_.exit.signal = SIGXCPU;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_CRASHED);
  EXPECT_EQ(Verdict().limit, "");
  evidence_.usage.cpu_us = 3'600'000'000;
  EXPECT_EQ(Verdict().verdict, proto::VERDICT_CPU_TIME);
}

TEST_F(VerdictTest, EveryKillRuleHasAVerdictThatNamesItsLimit) {
  struct Case {
    policy::RunUsage usage;
    proto::Verdict verdict;
    const char* limit;
  };
  const Case kCases[] = {
      {{.oom_kills = 1}, proto::VERDICT_MEMORY, "memory"},
      {{.pids_denied = 1}, proto::VERDICT_PIDS, "pids"},
      {{.depth = 1 << 20}, proto::VERDICT_CALL_DEPTH, "depth"},
      {{.output_bytes = 1 << 30}, proto::VERDICT_OUTPUT, "output"},
      {{.trace_bytes = 1 << 30}, proto::VERDICT_TRACE, "trace"},
      {{.cpu = std::chrono::seconds(99)}, proto::VERDICT_CPU_TIME, "cpu"},
      {{.wall = std::chrono::seconds(99)}, proto::VERDICT_WALL_TIME, "wall"},
  };
  limits_.trace_overflow_kills.value = true;
  for (const Case& one : kCases) {
    auto broken = policy::Broken(limits_, one.usage);
    ASSERT_TRUE(broken) << one.limit;
    KillCause cause = CauseOf(*broken);
    EXPECT_EQ(cause.verdict, one.verdict) << one.limit;
    EXPECT_EQ(cause.limit, one.limit);
    EXPECT_EQ(cause.sentence, broken->sentence);
    EXPECT_EQ(cause.overshoot, broken->late);
  }
}

// One row of the table in docs/verdicts.md.
struct Row {
  std::string name;
  std::string status;
};

std::map<int, Row> ReadTable() {
  std::ifstream file(NIGHTJAR_SOURCE_DIR "/docs/verdicts.md");
  std::map<int, Row> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream cells(line);
    std::string skip, number, name, status;
    std::getline(cells, skip, '|');
    std::getline(cells, number, '|');
    std::getline(cells, name, '|');
    std::getline(cells, status, '|');
    if (number.find_first_of("123456789") == std::string::npos) continue;
    size_t from = name.find('`') + 1;
    rows[std::stoi(number)] = {name.substr(from, name.rfind('`') - from), status};
  }
  return rows;
}

TEST(VerdictTableTest, TheDocumentListsExactlyTheClosedSet) {
  std::map<int, Row> rows = ReadTable();
  const auto* set = proto::Verdict_descriptor();
  EXPECT_EQ(rows.size() + 1, static_cast<size_t>(set->value_count()));  // and UNSPECIFIED
  for (const auto& [number, row] : rows) {
    ASSERT_TRUE(proto::Verdict_IsValid(number)) << row.name;
    EXPECT_EQ(VerdictName(static_cast<proto::Verdict>(number)), row.name);
  }
}

// The canvas's caller and scripts act on the status; the table is the promise.
TEST(VerdictTableTest, TheCallerSeesTheStatusThatTheDocumentPromises) {
  for (const auto& [number, row] : ReadTable()) {
    auto verdict = static_cast<proto::Verdict>(number);
    bool answered = verdict == proto::VERDICT_FINISHED || verdict == proto::VERDICT_PROGRAM_ERROR;
    if (answered || verdict == proto::VERDICT_SUPERVISOR_LOST) continue;  // nobody is left to ask
    EXPECT_NE(row.status.find(std::to_string(HttpStatusOf(verdict))), std::string::npos)
        << row.name << " is " << HttpStatusOf(verdict) << ", promised:" << row.status;
  }
}

TEST(VerdictTableTest, EverythingButAnAnswerLeavesAnIncident) {
  for (const auto& [number, row] : ReadTable())
    EXPECT_EQ(LeavesIncident(static_cast<proto::Verdict>(number)),
              row.name != "finished" && row.name != "program_error")
        << row.name;
}

// "### 3 `wall_time`" and the lines below it.
std::map<std::string, std::vector<std::string>> ReadSections() {
  std::ifstream file(NIGHTJAR_SOURCE_DIR "/docs/verdicts.md");
  std::map<std::string, std::vector<std::string>> sections;
  std::string current;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("##", 0) == 0) current = line.rfind("### ", 0) == 0 ? line : "";
    if (current == line || current.empty() || line.empty()) continue;
    sections[current].push_back(line);
  }
  return sections;
}

TEST(VerdictTableTest, EachHasItsSectionWithWhoSeesWhatAndHowItIsKnown) {
  auto sections = ReadSections();
  const auto* set = proto::Verdict_descriptor();
  EXPECT_EQ(sections.size() + 1, static_cast<size_t>(set->value_count()));
  for (int i = 1; i < set->value_count(); ++i) {
    int number = set->value(i)->number();
    std::string title = "### " + std::to_string(number) + " `" +
                        VerdictName(static_cast<proto::Verdict>(number)) + "`";
    ASSERT_EQ(sections.count(title), 1u) << title;
    const std::vector<std::string>& lines = sections[title];
    const std::vector<std::string> heads = {"* **The caller:** ", "* **The author:** ",
                                            "* **The operator:** ", "* **How it is known:** "};
    ASSERT_EQ(lines.size(), heads.size()) << title;
    for (size_t at = 0; at < heads.size(); ++at) {
      EXPECT_EQ(lines[at].rfind(heads[at], 0), 0u) << title << ": " << lines[at];
      EXPECT_GT(lines[at].size(), heads[at].size() + 8) << title << ": " << lines[at];
    }
  }
}

}  // namespace
}  // namespace nightjar
