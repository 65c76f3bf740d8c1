// A crime: a small hostile program with a name, and what has to become of it.
//
// All crimes are linked into one program without shared libraries, `crime NAME`, which an exec
// handler runs; `crime` alone prints the table that the suite reads. A crime never relies on the
// walls alone: main.cc ends it after some seconds, its loops over memory and processes are bounded,
// and none runs as root.
#pragma once

#include <sys/types.h>

#include <vector>

namespace nightjar::hostile {

struct Crime {
  const char* name;
  const char* kind;
  const char* expected;  // verdict (docs/verdicts.md); two where both are right: "a|b"
  const char* says;      // in the answer of a run that finished, else in its incident; "": anything
  void (*commit)();
};

std::vector<Crime>& Crimes();

struct Registered {
  explicit Registered(const Crime& crime) { Crimes().push_back(crime); }
};

// NJ_CRIME(fork_bomb, "pids", "") { ... }: in a file that says its kind in `kKind`.
#define NJ_CRIME(name, expected, says)                                                \
  void Commit_##name();                                                               \
  const Registered registered_##name({#name, kKind, expected, says, &Commit_##name}); \
  void Commit_##name()

// More than a whole cell may hold, and little for a machine.
inline constexpr size_t kMuch = size_t{256} << 20;
// More processes than a cell may have.
inline constexpr int kMany = 100;
inline constexpr int kSecondsMax = 6;

// False after some seconds: what every loop asks.
bool StillTime();
// fork(), whose child is bounded too.
pid_t Fork();
// The same, of a process that burns its processor.
pid_t ForkBurner();
void Burn();
// Waits without using the processor, whatever signals come.
void Sleep();

// The same in so many threads more, each of which never comes back.
void InThreads(int count, void (*what)());

// Sends one byte with a control message (SCM_*) of up to 64 bytes. sendmsg()'s result.
int SendControl(int socket, int type, const void* data, size_t size);

// A line of the answer.
void Say(const char* line);
// "allowed", or the name of the error: of a system call's result.
void SayResult(long result);
// open() and SayResult().
void SayOpen(const char* path, int flags);

}  // namespace nightjar::hostile
