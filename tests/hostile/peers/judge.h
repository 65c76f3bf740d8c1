// What became of a crime under another sandbox: a pure function of what was seen of the run.
//
// It judges by the crime's own standard, which is what Nightjar is held to: a crime that says what
// its table expects was stopped, and so was one that a limit ended. It never takes a peer's word
// for it. What a run that did not begin would have done is not judged.
#pragma once

#include <cstdint>
#include <string>

#include "tests/hostile/crime_table.h"

namespace nightjar::hostile {

// The first line of a run's output: the crime has begun behind the peer's walls.
inline constexpr const char* kBegun = "begun";

// The limits of the suite's policy, as near as a peer can be told them.
inline constexpr uint64_t kPeerMemoryBytes = uint64_t{64} << 20;
inline constexpr unsigned kPeerProcesses = 16;
inline constexpr unsigned kPeerCpuSeconds = 1;  // half a second is too fine for a resource limit
inline constexpr unsigned kPeerWallSeconds = 2;
inline constexpr uint64_t kPeerTmpBytes = uint64_t{16} << 20;
inline constexpr uint64_t kPeerOutputBytes = uint64_t{1} << 20;

struct PeerRun {
  std::string output;  // of the crime, up to the limit, where its reader closes the pipe
  std::string words;   // the peer's own, and those of the tools around it
  int exit_code = 0;   // of the peer's command; 128 and more: by a signal
  uint64_t cpu_us = 0;
  // What the outer cell had to stop; "": nothing.
  std::string outer_limit;
  bool survivors = false;  // processes of the run were left when the peer had ended
};

enum class PeerOutcome {
  kStopped,     // the crime did not get what it wanted
  kReached,     // its call passed all walls, and failed for its arguments alone
  kNotStopped,  // it did get it
  kNotRun,      // the peer did not start it
};

struct PeerVerdict {
  PeerOutcome outcome = PeerOutcome::kNotRun;
  std::string why;         // of all but kStopped
  bool ended = false;      // by force: a signal or a limit, and not by itself
  bool explained = false;  // an ended one: the words name the limit or the call
};

// Where a crime's attack is its answer over HTTP, there is nothing to compare.
bool IsForPeers(const CrimeRow& crime);

PeerVerdict JudgePeer(const CrimeRow& crime, const PeerRun& run);

// Of Nightjar's own verdict: does it name a limit or a call?
bool EndedByForce(const std::string& verdict);

const char* NameOf(PeerOutcome outcome);

}  // namespace nightjar::hostile
