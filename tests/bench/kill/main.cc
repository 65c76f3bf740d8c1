// How late, how fast and how surely the product kills, in distributions: see docs/benchmarks.md.
//
//   bench-kill [--kills 1000] [--only spin,oom] [--condition idle] [--out kill.json]
//
// As root. The peers are tried less often than --kills; the counts are in the figures. Every
// process that it starts is below its own control groups or is its own child, and is gone when it
// ends.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/privileges.h"
#include "tests/bench/kill/peers.h"
#include "tests/bench/kill/trial.h"

namespace nightjar::bench {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kMegabyte = 1 << 20;
constexpr unsigned kStorm = 100;

struct Options {
  unsigned kills = 1000;
  std::vector<std::string> only;
  std::vector<std::string> conditions{"idle", "busy2", "storm100", "peers"};
  std::string out;
};

struct Row {
  const char* name;
  Setup setup;
};
constexpr unsigned kLeast = 5;  // of a peer's kills

Row RowOf(const char* name, Victim victim, milliseconds wall, uint64_t megabytes, uint64_t pids) {
  Setup setup;
  setup.victim = victim;
  setup.canvas = std::string(NameOf(victim));
  std::replace(setup.canvas.begin(), setup.canvas.end(), '_', '-');
  setup.canvas_limits = {2048 * kMegabyte, 8192, 0, 100};
  setup.limits = {megabytes * kMegabyte, pids};
  setup.wall = wall;
  return {name, setup};
}

std::vector<Row> Rows() {
  std::vector<Row> rows{
      RowOf("spin", Victim::kSpin, milliseconds(10), 64, 8),
      RowOf("sleep", Victim::kSleep, milliseconds(5), 64, 8),
      RowOf("throttled_spin", Victim::kSpin, milliseconds(20), 64, 8),
      RowOf("threads32", Victim::kThreads, milliseconds(10), 64, 64),
      RowOf("dirty64", Victim::kDirty64, milliseconds(5), 128, 8),
      RowOf("dirty500", Victim::kDirty500, milliseconds(5), 700, 8),
      RowOf("tree200_sleep", Victim::kTree200Sleep, milliseconds(10), 256, 256),
      RowOf("tree200_spin", Victim::kTree200Spin, milliseconds(30), 256, 256),
      RowOf("fork_bomb", Victim::kForkBomb, milliseconds(50), 64, 64),
      RowOf("daemon", Victim::kDaemon, milliseconds(10), 64, 8),
      RowOf("oom", Victim::kOutOfMemory, milliseconds(0), 64, 8),
  };
  for (Row& row : rows) {
    if (std::string(row.name) != "throttled_spin") continue;
    row.setup.canvas = "throttled-spin";
    row.setup.canvas_limits.cpus = 0.05;  // 5 ms of each 100: the deadline falls into the rest
  }
  return rows;
}

bool Chosen(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

// Two spinning processes of ordinary priority, outside the product's groups.
class Competitors {
 public:
  explicit Competitors(int count) {
    for (int i = 0; i < count; ++i) {
      int ready[2];
      CHECK(pipe2(ready, O_CLOEXEC) == 0);
      Fd from(ready[0]);
      Fd to(ready[1]);
      pid_t pid = fork();
      CHECK(pid >= 0);
      if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        Become(Victim::kSpin, to.get());
      }
      pids_.push_back(pid);
      to = Fd();
      char byte;
      CHECK(read(from.get(), &byte, 1) == 1);
    }
  }
  ~Competitors() {
    for (pid_t pid : pids_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }

 private:
  std::vector<pid_t> pids_;
};

// What all processors did while it lives, and how much of it was somebody else's work: says whether
// "idle" was idle. What orphans in a pid namespace used is nobody's in the kernel's books and
// counts as somebody else's.
class ForeignWork {
 public:
  ForeignWork() : from_(Now()) {}
  uint64_t Percent() const {
    Ticks to = Now();
    uint64_t all = to.all - from_.all;
    uint64_t own = to.own - from_.own;
    uint64_t busy = to.busy - from_.busy;
    return all == 0 ? 0 : (busy - std::min(busy, own)) * 100 / all;
  }

 private:
  struct Ticks {
    uint64_t all = 0;
    uint64_t busy = 0;
    uint64_t own = 0;
  };
  static Ticks Now() {
    std::ifstream stat("/proc/stat");
    std::string word;
    stat >> word;
    Ticks ticks;
    uint64_t value;
    for (int column = 0; column < 8 && stat >> value; ++column) {
      ticks.all += value;
      if (column != 3 && column != 4) ticks.busy += value;  // idle, waiting for a disk
    }
    tms own{};
    times(&own);
    ticks.own =
        static_cast<uint64_t>(own.tms_utime + own.tms_stime + own.tms_cutime + own.tms_cstime);
    return ticks;
  }
  Ticks from_;
};

class Bench {
 public:
  explicit Bench(Options options)
      : options_(std::move(options)), rig_("nightjar-bench-" + std::to_string(getpid())) {}

  int Run() {
    figures_.Add("control_groups", rig_.description());
    if (Chosen(options_.conditions, "idle")) Condition("", 0);
    if (Chosen(options_.conditions, "busy2")) {
      Competitors two(2);
      Condition("busy2_", 2);
    }
    if (Chosen(options_.conditions, "storm100")) Storm();
    figures_.Add("quarantined", quarantined_);
    figures_.Add("survivors", survivors_);
    if (Chosen(options_.conditions, "peers")) Peers();
    if (!options_.out.empty()) {
      if (Status written = figures_.WriteJson(options_.out); !written) {
        fprintf(stderr, "bench-kill: %s\n", written.error().ToString().c_str());
        return 1;
      }
    }
    return survivors_ == 0 ? 0 : 1;
  }

 private:
  unsigned Count(double share) const {
    return std::max(kLeast, static_cast<unsigned>(std::lround(options_.kills * share)));
  }

  void Condition(const std::string& prefix, int competitors) {
    ForeignWork foreign;
    for (const Row& row : Rows()) {
      if (!Chosen(options_.only, row.name)) continue;
      Outcomes outcomes;
      for (unsigned i = 0; i < options_.kills; ++i) rig_.Kill(row.setup, 1, outcomes);
      Report(prefix + row.name, outcomes);
      if (std::string(row.name) == "spin") figures_.Add(prefix + "overshoot", outcomes.overshoot);
    }
    // Beside competitors it would count them, whom nobody has waited for yet.
    if (competitors == 0) figures_.Add("idle_foreign_cpu_percent", foreign.Percent());
  }

  void Storm() {
    for (const Row& row : Rows()) {
      std::string name = row.name;
      if ((name != "spin" && name != "sleep") || !Chosen(options_.only, name)) continue;
      Setup setup = row.setup;
      setup.canvas_limits.memory_bytes = 0;
      setup.wall = milliseconds(50);
      Outcomes outcomes;
      for (unsigned i = 0; i < std::max(1u, options_.kills / kStorm); ++i)
        rig_.Kill(setup, kStorm, outcomes);
      Report("storm100_" + name, outcomes);
    }
  }

  void Report(const std::string& name, const Outcomes& outcomes) {
    figures_.Add(name + "_overshoot", outcomes.overshoot);
    figures_.Add(name + "_gone", outcomes.gone);
    figures_.Add(name + "_late", outcomes.late);
    figures_.Add(name + "_kills", outcomes.gone.size());
    quarantined_ += outcomes.quarantined;
    survivors_ += rig_.Survivors();
  }

  // As anybody starts them: with ordinary priority.
  void Peers() {
    sched_param none{};
    CHECK(sched_setscheduler(0, SCHED_OTHER, &none) == 0);
    struct {
      Victim victim;
      double share;
    } rows[] = {{Victim::kSpin, 0.2},
                {Victim::kSleep, 0.2},
                {Victim::kDirty64, 0.05},
                {Victim::kTree200Spin, 0.02},
                {Victim::kDaemon, 0.02}};
    for (const auto& row : rows) {
      std::string name(NameOf(row.victim));
      if (!Chosen(options_.only, name)) continue;
      PeerOutcome outcome;
      // Long enough for the victim to be ready.
      Nanos limit = row.victim == Victim::kSpin || row.victim == Victim::kSleep ? milliseconds(20)
                                                                                : milliseconds(400);
      unsigned count = Count(row.share);
      for (unsigned i = 0; i < count; ++i) EndByTimeout(row.victim, limit, outcome);
      figures_.Add("timeout_" + name + "_late", outcome.late);
      figures_.Add("timeout_" + name + "_start", outcome.start);
      figures_.Add("timeout_" + name + "_kills", static_cast<uint64_t>(count));
      figures_.Add("timeout_" + name + "_survivors", outcome.survivors);
    }
    for (const char* peer : {"nsjail", "isolate"}) Missing(peer, access(Path(peer).c_str(), X_OK));
    Missing("systemd_run", access("/run/systemd/system", F_OK));
  }

  static std::string Path(const std::string& program) { return "/usr/bin/" + program; }

  void Missing(const std::string& peer, int absent) {
    figures_.Add(peer + "_missing",
                 absent != 0 ? std::string("not installed, or not running, here")
                             : std::string("is here; this bench has no way to drive it"));
  }

  const Options options_;
  Figures figures_;
  Rig rig_;
  uint64_t quarantined_ = 0;
  uint64_t survivors_ = 0;
};

}  // namespace
}  // namespace nightjar::bench

int main(int argc, char** argv) {
  using namespace nightjar;
  using namespace nightjar::bench;
  Options options;
  CLI::App app("Kills, measured");
  app.add_option("--kills", options.kills, "of each kind; of the peers' in proportion");
  app.add_option("--only", options.only, "kinds, by name")->delimiter(',');
  app.add_option("--condition", options.conditions, "idle, busy2, storm100, peers")->delimiter(',');
  app.add_option("--out", options.out, "the figures as JSON");
  CLI11_PARSE(app, argc, argv);
  if (geteuid() != 0)
    return fprintf(stderr, "bench-kill makes control groups: run it as root\n"), 1;
  // What a worker leaves behind would come to the bench, as it comes to the supervisor's launcher.
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (!RaiseToRealTime()) RaisePriority(bounds::kSupervisorNice);
  Bench bench(options);  // and its guard
  KeepRealTimeToItself();
  return bench.Run();
}
