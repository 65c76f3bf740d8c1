// Every request that was sent, with what its caller was told, to be held against what was kept.
//
// A request is known by a tag that is part of its target, so that a run whose answer died with the
// supervisor is still found. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/fault/store_view.h"
#include "tests/support/server_rig.h"

namespace nightjar::fault {

// One supervisor, from its start to its end.
struct Life {
  size_t number = 0;
  int port = 0;  // each has another
};

enum class End {
  kGoesOn,
  kInOrder,  // it stopped by itself, or when it was told to
  kKilled,
};

struct Sent {
  std::string canvas;
  size_t life = 0;
  bool heard = false;  // somebody listened at the port
  bool answered = false;
  std::string run;      // empty: the answer, if there is one, names none
  std::string verdict;  // as the caller was told: "finished" where it was the program's own answer
};

class Accounts {
 public:
  uint64_t NextTag();
  // `answer` as e2e::GetAt gave it; what it was called, empty for none.
  std::string Note(uint64_t tag, const std::string& canvas, const Life& life,
                   const std::optional<e2e::Answer>& answer);
  // The control plane showed that this run had a worker.
  void NoteSeen(const std::string& run);
  void NoteEnd(const Life& life, End end);

  // The supervisor of this life counted what its callers were told, in an answer of GET /canvases.
  void CheckCounts(const Life& life, const nlohmann::json& canvases);
  // All that was kept, once nothing goes on any more. `lost`: runs of which the log says that they
  // could not be listed.
  void Check(const StoreView& store, const std::set<std::string>& lost);

  size_t answered() const { return answered_; }
  std::string Summary() const;

 private:
  void CheckTold(uint64_t tag, const Sent& sent, const StoreView& store,
                 const std::set<std::string>& lost);
  void CheckUntold(uint64_t tag, const Sent& sent, const std::vector<const Kept*>& rows);
  End EndOf(size_t life) const;

  mutable std::mutex mutex_;
  uint64_t next_tag_ = 1;
  std::map<uint64_t, Sent> sent_;
  std::set<std::string> seen_;
  std::map<size_t, End> ends_;
  std::map<std::string, size_t> outcomes_;
  size_t answered_ = 0;
};

// Of a verdict: whether a run that ended with it has an incident.
bool LeavesIncident(const std::string& verdict);

// ".../17" is 17; 0: there is no tag in it.
uint64_t TagOf(const std::string& request_line);

}  // namespace nightjar::fault
