// A rule about misuse: what must be true of a canvas over a window of time, and what is done then.
// Values only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "rules/counts.h"

namespace nightjar::rules {

using Seconds = std::chrono::seconds;

// "kills / runs >= 0.5": the sum of some counters, or a ratio of two sums, against a bound.
struct Condition {
  std::vector<Counter> amount;
  std::vector<Counter> per;   // empty: the amount itself
  bool is_cpu_share = false;  // instead: processor time as a part of what all processors gave
  bool at_least = true;       // else at most
  double bound = 0;           // microseconds, bytes or a number
  std::string text;           // as the file has it
};

enum class ActionKind : uint8_t {
  kKeepEvidence,  // traces of its newest incidents are held
  kTighten,       // a limit
  kThrottle,      // limit `rate`
  kPause,
  kSuspend,  // runs in flight may finish
};

struct Action {
  ActionKind kind{};
  std::string limit;  // kTighten; "rate" for kThrottle
  std::string value;  // as a policy file writes it
  std::string text;   // as the file has it: "tighten cpu 500ms"
};

struct Rule {
  std::string name;
  std::string about;            // one sentence for people; may be empty
  std::string place;            // "rules.toml:4"
  std::vector<Condition> when;  // all of them
  Seconds window{};
  Seconds held{};       // `for`: they are true for so long before the rule hits
  Seconds keep{};       // `keep_firing_for`: and untrue for so long before the hit is over
  double clear_at = 1;  // a bound counts as passed until the value is beyond this part of it
  std::vector<Action> actions;    // a hit is recorded and shown whatever they are
  Seconds lasting{};              // of the controls that they make; 0: until somebody lifts them
  std::vector<std::string> only;  // canvases; empty: all
  std::vector<std::string> except;
  bool may_hit_everything = false;  // hits_everything = true
};

struct RuleSet {
  std::vector<Rule> rules;  // in the order of their files
  std::string version;      // as a policy's: 12 hexadecimal digits of its text's hash
  const Rule* Find(std::string_view name) const;
  Seconds longest_window() const;
};

}  // namespace nightjar::rules
