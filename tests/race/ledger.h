// What callers were told, run by run, held against what the supervisor kept: every run has one
// verdict, and everybody is told the same one.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {

class Ledger {
 public:
  // An HTTP answer of a canvas; what it was called: "finished" where it was the program's own.
  // Empty: the connection was closed without one. Any thread.
  std::string Note(const Answer& answer) {
    if (answer.status == 0) return "";
    auto verdict = answer.headers.find("x-nightjar-verdict");
    std::string name = verdict == answer.headers.end() ? "finished" : verdict->second;
    std::lock_guard lock(mutex_);
    EXPECT_EQ(answer.trace().size(), 36u) << answer.status << " " << answer.body;
    EXPECT_TRUE(told_.emplace(answer.trace(), name).second) << "two answers for one run";
    ++counts_[name];
    return name;
  }
  // What an operator was told of a run that he ended.
  void NoteKill(const std::string& run, const std::string& verdict) {
    std::lock_guard lock(mutex_);
    killed_[run] = verdict;
  }

  size_t Count(const std::string& verdict) {
    std::lock_guard lock(mutex_);
    return counts_[verdict];
  }
  size_t size() {
    std::lock_guard lock(mutex_);
    return told_.size();
  }

  // The index has each run once, with the verdict that its caller and its killer were told; there
  // is a trace for each that says the same; and an incident for each that was killed, and for no
  // other. A run that ended before a worker had it leaves an incident and no trace.
  void Check(Server& server, const std::string& canvas) {
    std::map<std::string, std::string> rows;
    std::map<std::string, std::string> incidents;
    EXPECT_TRUE(Eventually([&] {
      rows = Rows(server, "/canvases/" + canvas + "/traces?n=1000", "traces");
      incidents = Rows(server, "/incidents?n=1000&canvas=" + canvas, "incidents");
      return std::all_of(told_.begin(), told_.end(), [&](const auto& told) {
        return (rows.count(told.first) == 1 || LeavesIncident(told.second)) &&
               incidents.count(told.first) == (LeavesIncident(told.second) ? 1 : 0);
      });
    })) << rows.size()
        << " traces and " << incidents.size() << " incidents of " << told_.size() << " runs; "
        << server.log().substr(0, 4000);
    for (const auto& [run, verdict] : told_) {
      if (rows.count(run) == 1)
        EXPECT_EQ(rows[run], verdict) << run;
      else
        CheckNeverRan(server, run);
      if (LeavesIncident(verdict)) {
        EXPECT_EQ(incidents[run], verdict) << run;
      }
    }
    for (const auto& [run, verdict] : killed_)
      EXPECT_EQ(rows.count(run) == 1 ? rows[run] : incidents[run], verdict) << run;
    for (const auto& [run, verdict] : rows) {
      EXPECT_EQ(told_.count(run), 1u) << "nobody asked for this run: " << run;
      Answer trace = server.Control("GET", "/canvases/" + canvas + "/traces/" + run);
      ASSERT_EQ(trace.status, 200) << run << " " << trace.body;
      auto document = nlohmann::json::parse(trace.body);
      EXPECT_EQ(Short(document["row"]["verdict"]), verdict) << run;
    }
    for (const auto& [run, verdict] : incidents)
      EXPECT_EQ(told_.count(run), 1u) << "an incident of no run: " << run;
  }

  static bool LeavesIncident(const std::string& verdict) {
    return verdict != "finished" && verdict != "program_error";
  }
  // "VERDICT_WALL_TIME" as it is called elsewhere: "wall_time".
  static std::string Short(std::string verdict) {
    verdict = verdict.substr(verdict.find('_') + 1);
    for (char& c : verdict) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
    return verdict;
  }

 private:
  static void CheckNeverRan(Server& server, const std::string& run) {
    Answer answer = server.Control("GET", "/incidents/" + run);
    ASSERT_EQ(answer.status, 200) << run << " is lost: " << answer.body;
    auto incident = nlohmann::json::parse(answer.body);
    EXPECT_EQ(incident["usage"]["wall_us"], "0") << run << " ran and has no trace";
  }

  // Verdicts by run; one that is listed twice is a failure.
  static std::map<std::string, std::string> Rows(Server& server, const std::string& target,
                                                 const std::string& list) {
    Answer answer = server.Control("GET", target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::map<std::string, std::string> rows;
    if (answer.status != 200) return rows;
    auto parsed = nlohmann::json::parse(answer.body);
    for (const auto& row : parsed[list])
      EXPECT_TRUE(rows.emplace(row["run_id"], Short(row["verdict"])).second)
          << "listed twice: " << row["run_id"];
    return rows;
  }

  std::mutex mutex_;
  std::map<std::string, std::string> told_;
  std::map<std::string, std::string> killed_;
  std::map<std::string, size_t> counts_;
};

}  // namespace nightjar::e2e
