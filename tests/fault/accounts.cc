#include "tests/fault/accounts.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nightjar::fault {
namespace {

bool IsWhole(const e2e::Answer& answer) {
  auto length = answer.headers.find("content-length");
  return answer.status != 0 && length != answer.headers.end() &&
         length->second == std::to_string(answer.body.size());
}

// Without a worker there is no trace; its incident is the whole record.
bool MayHaveHadNoWorker(const std::string& verdict) {
  return verdict == "start_failed" || verdict == "stopping";
}

// What the supervisor's counters must come to.
struct Counts {
  uint64_t requests = 0;
  uint64_t refused = 0;
  uint64_t killed = 0;
};

}  // namespace

bool LeavesIncident(const std::string& verdict) {
  return verdict != "finished" && verdict != "program_error";
}

uint64_t TagOf(const std::string& request_line) {
  return strtoull(request_line.c_str() + request_line.rfind('/') + 1, nullptr, 10);
}

uint64_t Accounts::NextTag() {
  std::lock_guard lock(mutex_);
  return next_tag_++;
}

std::string Accounts::Note(uint64_t tag, const std::string& canvas, const Life& life,
                           const std::optional<e2e::Answer>& answer) {
  std::lock_guard lock(mutex_);
  Sent& sent = sent_[tag];
  sent.canvas = canvas;
  sent.life = life.number;
  if (!answer) {
    ++outcomes_["(nobody listened)"];
    return "";
  }
  sent.heard = true;
  if (!IsWhole(*answer)) {
    ++outcomes_["(no answer)"];
    return "";
  }
  ++answered_;
  sent.answered = true;
  sent.run = answer->trace();
  auto verdict = answer->headers.find("x-nightjar-verdict");
  sent.verdict = verdict == answer->headers.end() ? "finished" : verdict->second;
  ++outcomes_[sent.verdict];
  EXPECT_EQ(sent.run.size(), 36u) << answer->status << " " << answer->body;
  return sent.verdict;
}

void Accounts::NoteSeen(const std::string& run) {
  std::lock_guard lock(mutex_);
  seen_.insert(run);
}

void Accounts::NoteEnd(const Life& life, End end) {
  std::lock_guard lock(mutex_);
  ends_[life.number] = end;
}

End Accounts::EndOf(size_t life) const {
  auto at = ends_.find(life);
  return at == ends_.end() ? End::kGoesOn : at->second;
}

// Refusals at the gate are no runs; those by limit queue_time are. A canvas of the load has either
// the one or the other: rate-limited ones are "narrow".
void Accounts::CheckCounts(const Life& life, const nlohmann::json& canvases) {
  std::lock_guard lock(mutex_);
  std::map<std::string, Counts> told;
  for (const auto& [tag, sent] : sent_) {
    if (sent.life != life.number || !sent.answered) continue;
    Counts& counts = told[sent.canvas];
    bool refused = sent.verdict == "refused";
    counts.refused += refused;
    counts.requests += !refused || sent.canvas != "narrow";
    counts.killed += !refused && LeavesIncident(sent.verdict);
  }
  for (const auto& row : canvases["canvases"]) {
    std::string canvas = row["canvas"];
    EXPECT_EQ(row["requests"], std::to_string(told[canvas].requests)) << canvas;
    EXPECT_EQ(row["refused"], std::to_string(told[canvas].refused)) << canvas;
    EXPECT_EQ(row["killed"], std::to_string(told[canvas].killed)) << canvas;
  }
}

void Accounts::CheckTold(uint64_t tag, const Sent& sent, const StoreView& store,
                         const std::set<std::string>& lost) {
  std::string what = sent.canvas + " " + sent.run + ", told as " + sent.verdict + " to request " +
                     std::to_string(tag) + " in life " + std::to_string(sent.life);
  if (lost.count(sent.run) > 0) return;
  auto incident = store.incidents.find(sent.run);
  if (LeavesIncident(sent.verdict)) {
    if (incident == store.incidents.end())
      ADD_FAILURE() << what << ", has no incident";
    else
      EXPECT_EQ(incident->second.verdict, sent.verdict) << what;
  } else {
    EXPECT_TRUE(incident == store.incidents.end()) << what << ", has an incident";
  }
  auto row = store.rows.find(sent.run);
  if (sent.verdict == "refused") {
    EXPECT_TRUE(row == store.rows.end()) << what << ", ran";
    return;
  }
  if (row == store.rows.end()) {
    if (!MayHaveHadNoWorker(sent.verdict)) ADD_FAILURE() << what << ", has no trace";
    return;
  }
  bool program_error = sent.verdict == "finished" && row->second.verdict == "program_error";
  EXPECT_TRUE(row->second.verdict == sent.verdict || program_error)
      << what << ", is kept as " << row->second.verdict;
  EXPECT_EQ(TagOf(row->second.request_line), tag) << what;
}

void Accounts::CheckUntold(uint64_t tag, const Sent& sent, const std::vector<const Kept*>& rows) {
  End end = EndOf(sent.life);
  EXPECT_LE(rows.size(), sent.heard && end == End::kKilled ? 1u : 0u)
      << sent.canvas << ": nobody was told of request " << tag << " in life " << sent.life
      << ", which " << (end == End::kKilled ? "was killed" : "was not killed") << ", and there are "
      << rows.size() << " runs of it, such as "
      << (rows.empty() ? "" : rows[0]->run + " " + rows[0]->verdict);
}

void Accounts::Check(const StoreView& store, const std::set<std::string>& lost) {
  std::lock_guard lock(mutex_);
  const std::vector<const Kept*> none;
  for (const auto& [tag, sent] : sent_) {
    auto of_tag = store.rows_of.find(tag);
    const auto& rows = of_tag == store.rows_of.end() ? none : of_tag->second;
    if (!sent.answered) {
      CheckUntold(tag, sent, rows);
      continue;
    }
    CheckTold(tag, sent, store, lost);
    EXPECT_LE(rows.size(), 1u) << "more than one run of request " << tag;
  }
  for (const auto& [run, row] : store.rows) {
    EXPECT_EQ(row.trouble, "") << run << " " << row.verdict << " " << row.request_line;
    EXPECT_EQ(sent_.count(TagOf(row.request_line)), 1u) << "nobody asked for " << run;
    EXPECT_EQ(store.incidents.count(run), LeavesIncident(row.verdict) ? 1u : 0u)
        << run << " " << row.verdict;
  }
  for (const auto& [run, incident] : store.incidents) {
    EXPECT_EQ(sent_.count(TagOf(incident.request_line)), 1u) << "nobody asked for " << run;
    auto row = store.rows.find(run);
    if (row != store.rows.end()) {
      EXPECT_EQ(row->second.verdict, incident.verdict) << run;
    }
  }
  for (const auto& [tag, incidents] : store.incidents_of)
    EXPECT_EQ(incidents.size(), 1u) << "more than one incident of request " << tag;
  for (const std::string& run : seen_)
    EXPECT_TRUE(store.rows.count(run) > 0 || lost.count(run) > 0)
        << run << " was seen running, and there is no trace of it";
}

std::string Accounts::Summary() const {
  std::lock_guard lock(mutex_);
  std::string text = std::to_string(sent_.size()) + " requests:";
  for (const auto& [outcome, count] : outcomes_)
    text += " " + outcome + " " + std::to_string(count);
  return text;
}

}  // namespace nightjar::fault
