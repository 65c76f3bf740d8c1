#include "tests/hostile/peers/judge.h"

#include <algorithm>
#include <cctype>

namespace nightjar::hostile {
namespace {

// A whole second more than the limit: a process that it ends is a little late.
constexpr uint64_t kMuchCpuUs = 2'000'000;

bool Expects(const CrimeRow& crime, const std::string& verdict) {
  return std::find(crime.expected.begin(), crime.expected.end(), verdict) != crime.expected.end();
}

bool ExpectsOnly(const CrimeRow& crime, const std::string& verdict) {
  return crime.expected.size() == 1 && Expects(crime, verdict);
}

bool IsErrorName(const std::string& line) {
  return line.size() > 2 && line[0] == 'E' && std::all_of(line.begin(), line.end(), [](char c) {
           return isupper(static_cast<unsigned char>(c)) || isdigit(static_cast<unsigned char>(c));
         });
}

// Walls refuse with these; the kernel's look at the arguments gives others.
bool IsRefusal(const std::string& error) {
  return error == "EPERM" || error == "EACCES" || error == "ENOSYS";
}

bool Explains(std::string words) {
  std::transform(words.begin(), words.end(), words.begin(),
                 [](unsigned char c) { return static_cast<char>(tolower(c)); });
  for (const char* phrase : {"sending signal kill",           // timeout --verbose
                             "run time >=",                   // nsjail
                             "limit exceeded", "time limit",  // nsjail, isolate
                             "out of memory", "oom", "syscall", "seccomp"})
    if (words.find(phrase) != std::string::npos) return true;
  return false;
}

PeerVerdict Outcome(const CrimeRow& crime, const PeerRun& run,
                    const std::vector<std::string>& lines) {
  if (!run.outer_limit.empty()) return {PeerOutcome::kNotStopped, "outer " + run.outer_limit};
  if (run.survivors) return {PeerOutcome::kNotStopped, "processes are left"};
  if (ExpectsOnly(crime, "cpu_time") && run.cpu_us > kMuchCpuUs)
    return {PeerOutcome::kNotStopped, std::to_string(run.cpu_us / 1000) + " ms of processor"};
  if (Expects(crime, "finished")) {
    if (run.output.find(crime.says) != std::string::npos) return {PeerOutcome::kStopped, ""};
    // Another error than ours is an error all the same; what was allowed before it led nowhere.
    if (!lines.empty() && !IsErrorName(lines.back()))
      return {PeerOutcome::kNotStopped, "\"" + lines.front().substr(0, 30) + "\""};
    return {PeerOutcome::kStopped, ""};
  }
  if (std::find(lines.begin(), lines.end(), "allowed") != lines.end())
    return {PeerOutcome::kNotStopped, "\"allowed\""};
  if (Expects(crime, "denied_syscall"))
    for (const std::string& line : lines)
      if (IsErrorName(line) && !IsRefusal(line)) return {PeerOutcome::kReached, line};
  return {PeerOutcome::kStopped, ""};
}

}  // namespace

bool IsForPeers(const CrimeRow& crime) {
  return crime.kind != "output" || !(Expects(crime, "finished") || Expects(crime, "program_error"));
}

PeerVerdict JudgePeer(const CrimeRow& crime, const PeerRun& run) {
  std::vector<std::string> lines = Split(run.output, '\n');
  if (lines.empty() || lines[0] != kBegun)
    return {PeerOutcome::kNotRun, run.words.substr(0, run.words.find('\n'))};
  lines.erase(lines.begin());
  PeerVerdict verdict = Outcome(crime, run, lines);
  verdict.ended = run.exit_code >= 128 || !run.outer_limit.empty();
  verdict.explained = verdict.ended && Explains(run.words);
  return verdict;
}

bool EndedByForce(const std::string& verdict) {
  return verdict != "finished" && verdict != "program_error";
}

const char* NameOf(PeerOutcome outcome) {
  switch (outcome) {
    case PeerOutcome::kStopped:
      return "stopped";
    case PeerOutcome::kReached:
      return "reached";
    case PeerOutcome::kNotStopped:
      return "NOT STOPPED";
    case PeerOutcome::kNotRun:
      return "not run";
  }
  return "";
}

}  // namespace nightjar::hostile
