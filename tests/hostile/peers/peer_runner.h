// Runs crimes under peers, each inside an outer cell of our own, which ends what the peer does not.
//
// The outer cell has half as much memory again, three times the processes and twice the time of the
// peer's limits, so that a good peer never meets it and the machine never meets the crime. When the
// peer's command has ended the cell must be empty: who is left is a survivor, and is killed. Root
// only. Any thread; as many runs at one time as there are places.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "supervisor/cell/cell.h"
#include "tests/hostile/peers/judge.h"
#include "tests/hostile/peers/peer.h"

namespace nightjar::hostile {

class PeerRunner {
 public:
  // `crime_program` is copied to where any user gets.
  PeerRunner(const std::string& crime_program, unsigned places);
  ~PeerRunner();

  // At this place, below `places`; one run at a time there.
  PeerRun Run(const Peer& peer, const std::string& crime, unsigned place);

 private:
  std::unique_ptr<Cell> TakeCell(unsigned place);

  std::mutex tree_mutex_;  // the tree and its cells are for one thread
  std::atomic<uint32_t> runs_ = 0;
  std::string top_;
  std::string folder_;
  std::unique_ptr<CellTree> tree_;
};

// One cell of the table.
struct PeerRow {
  std::string crime;
  PeerVerdict verdict;
};

// Every crime that is for peers, under one of them, several at a time; in the order of `crimes`.
// Those of kind "cross-talk" twice, and judged by the second run.
std::vector<PeerRow> CommitAll(PeerRunner& runner, const Peer& peer,
                               const std::vector<CrimeRow>& crimes, unsigned places);

// "bubblewrap 0.8.0: stopped 120 of 170, ...", and what it did not stop, with why.
inline constexpr const char* kHowToReadPeers =
    "stopped: the crime did not get what it wanted. reached: its call passed all walls and failed\n"
    "for its arguments alone. explained: something names the limit or the call that ended it.\n"
    "bubblewrap leaves limits and filters to its caller: prlimit, timeout and `| head -c` are "
    "around\n"
    "it, and +list is Nightjar's own list of calls. More: docs/peers.md\n";

std::string SummaryOf(const Peer& peer, const std::vector<PeerRow>& rows);

}  // namespace nightjar::hostile
