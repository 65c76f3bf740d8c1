#include "tests/hostile/peers/peer_runner.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "worker/sandbox/builtin_profiles.h"
#include "worker/sandbox/profile.h"

namespace nightjar::hostile {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint32_t kFirstUid = 2'120'950'000;  // of a range that no account uses
constexpr CellLimits kOuterLimits{kPeerMemoryBytes * 3 / 2, kPeerProcesses * 3};
constexpr milliseconds kOuterWall{2 * 1000 * kPeerWallSeconds};
constexpr milliseconds kLeaves{1000};  // for the last of a pid namespace to be gone
constexpr size_t kWordsMax = 64 * 1024;

struct Pipe {
  Fd reader;
  Fd writer;
};

Pipe MakePipe() {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

// Becomes the command inside the cell. After fork() of a process with threads.
[[noreturn]] void Become(const std::vector<CellDoor>& doors, const char* command, int output,
                         int words) {
  for (const CellDoor& door : doors) {
    int procs = openat(door.dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0 || write(procs, "0", 1) != 1) _exit(125);
  }
  umask(077);
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(words, 2) < 0) _exit(125);
  close(nothing);
  // Others of this test program's descriptors must not be taken for the peer's.
  syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
  execl("/bin/sh", "sh", "-c", command, nullptr);
  _exit(125);
}

// Whoever of the run loses its parent becomes a child of this process, which ends when all of them
// are reaped: an init of the host's may take its time, and until then a zombie counts in its cell.
// Tells how the command ended. After fork() of a process with threads.
[[noreturn]] void ReapAll(const std::vector<CellDoor>& doors, const char* command, int output,
                          int words, int ended) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t main = fork();
  if (main == 0) Become(doors, command, output, words);
  close(output);
  close(words);
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR;)
    if (pid == main && write(ended, &status, sizeof status) != sizeof status) _exit(1);
  _exit(0);
}

// Takes what is there; at the limit the pipe is closed, as `| head -c` does.
void Take(Fd& pipe, std::string& text, size_t most) {
  char piece[65536];
  while (pipe.valid()) {
    ssize_t got = read(pipe.get(), piece, sizeof piece);
    if (got < 0 && errno == EAGAIN) return;
    if (got > 0) text.append(piece, static_cast<size_t>(got));
    if (got <= 0 || text.size() >= most) pipe.Close();
  }
}

int Milliseconds(steady_clock::time_point until) {
  auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
  return static_cast<int>(std::max<int64_t>(0, left.count() + 1));
}

// Root's own groups are left where a peer has made some below ours in a hierarchy that is not.
void RemoveGroups(const std::string& path) {
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(path, gone))
    if (entry.is_directory() && !entry.is_symlink()) RemoveGroups(entry.path().string());
  rmdir(path.c_str());
}

void WriteFilter(const std::string& path) {
  auto profile = CompileProfile(*BuiltinProfile("program"), OnDenial::kKill);
  CHECK(profile.has_value());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(profile->filter.data()),
             static_cast<std::streamsize>(profile->filter.size() * sizeof(sock_filter)));
}

}  // namespace

PeerRunner::PeerRunner(const std::string& crime_program, unsigned places) {
  static std::atomic<int> count{0};
  top_ = "nightjar-test-" + std::to_string(getpid()) + "-peers-" + std::to_string(++count);
  char folder[] = "/var/tmp/nightjar-peers-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  folder_ = folder;
  fs::create_directory(folder_ + "/crimes");
  fs::copy_file(crime_program, folder_ + "/crimes/crime");
  for (unsigned place = 0; place < places; ++place)
    fs::create_directory(folder_ + "/" + std::to_string(place));
  WriteFilter(folder_ + "/filter");
  CHECK(chmod(folder_.c_str(), 0755) == 0);
  CellTree::Options options;
  options.top = top_;
  auto tree = CellTree::Create(options);
  CHECK(tree.has_value());
  tree_ = std::move(*tree);
}

PeerRunner::~PeerRunner() {
  tree_->RemoveAll();
  for (const auto& root : fs::directory_iterator("/sys/fs/cgroup"))
    RemoveGroups(root.path().string() + "/" + top_);
  fs::remove_all(folder_);
}

std::unique_ptr<Cell> PeerRunner::TakeCell(unsigned place) {
  std::lock_guard lock(tree_mutex_);
  auto cell =
      tree_->Acquire("place-" + std::to_string(place),
                     CanvasLimits{2 * kOuterLimits.memory_bytes, 256, 0, 100}, kOuterLimits, 0);
  CHECK(cell.has_value());
  return std::move(*cell);
}

PeerRun PeerRunner::Run(const Peer& peer, const std::string& crime, unsigned number) {
  std::unique_ptr<Cell> cell = TakeCell(number);
  PeerPlace place;
  place.folder = folder_ + "/" + std::to_string(number);
  place.crimes = folder_ + "/crimes";
  place.filter = folder_ + "/filter";
  place.cgroup = top_ + "/" + cell->name();
  place.number = number;
  // A user of its own for each run, as workers have.
  place.uid = kFirstUid + runs_++;
  std::string command = peer.command(place, crime);
  Pipe output = MakePipe();
  Pipe words = MakePipe();
  Pipe status = MakePipe();
  std::vector<CellDoor> doors = cell->doors();
  pid_t reaper = fork();
  CHECK(reaper >= 0);
  if (reaper == 0)
    ReapAll(doors, command.c_str(), output.writer.get(), words.writer.get(), status.writer.get());
  for (Pipe* pipe : {&output, &words, &status}) pipe->writer.Close();
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, reaper, 0)));
  CHECK(pidfd.valid());

  PeerRun run;
  auto kill_all = [&] {
    std::lock_guard lock(tree_mutex_);
    CHECK(cell->Kill().has_value());
  };
  auto until = steady_clock::now() + kOuterWall;
  for (bool ended = false; !ended;) {
    pollfd watched[] = {{status.reader.get(), POLLIN, 0},
                        {output.reader.get(), POLLIN, 0},
                        {words.reader.get(), POLLIN, 0}};
    bool late = poll(watched, 3, Milliseconds(until)) == 0 || steady_clock::now() > until;
    Take(output.reader, run.output, kPeerOutputBytes);
    Take(words.reader, run.words, kWordsMax);
    ended = (watched[0].revents & POLLIN) != 0;
    if (!late || ended || !run.outer_limit.empty()) continue;
    run.outer_limit = "wall time";
    kill_all();
    until += kOuterWall;
  }
  int ended_with = 0;
  CHECK(read(status.reader.get(), &ended_with, sizeof ended_with) == sizeof ended_with);
  run.exit_code = WIFEXITED(ended_with) ? WEXITSTATUS(ended_with) : 128 + WTERMSIG(ended_with);
  pollfd gone{pidfd.get(), POLLIN, 0};
  run.survivors = poll(&gone, 1, static_cast<int>(kLeaves.count())) == 0;
  if (run.survivors) kill_all();
  CHECK(waitpid(reaper, nullptr, 0) == reaper);
  Take(output.reader, run.output, kPeerOutputBytes);
  Take(words.reader, run.words, kWordsMax);
  {
    std::lock_guard lock(tree_mutex_);
    auto usage = cell->ReadUsage();
    CHECK(usage.has_value());
    run.cpu_us = usage->cpu_us;
    if (usage->oom_kills + usage->oom_kills_canvas + usage->oom_kills_host > 0 &&
        usage->memory_peak_bytes + (1 << 20) > kOuterLimits.memory_bytes)
      run.outer_limit = "memory";
    if (usage->pids_denied > 0) run.outer_limit = "number of processes";
  }
  std::lock_guard lock(tree_mutex_);
  tree_->Release(std::move(cell));
  return run;
}

std::vector<PeerRow> CommitAll(PeerRunner& runner, const Peer& peer,
                               const std::vector<CrimeRow>& crimes, unsigned places) {
  std::vector<CrimeRow> asked;
  std::copy_if(crimes.begin(), crimes.end(), std::back_inserter(asked), IsForPeers);
  std::vector<PeerRow> rows(asked.size());
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (unsigned place = 0; place < places; ++place)
    threads.emplace_back([&, place] {
      for (size_t at; (at = next++) < asked.size();) {
        const CrimeRow& crime = asked[at];
        if (crime.kind == "cross-talk") runner.Run(peer, crime.name, place);
        rows[at] = {crime.name, JudgePeer(crime, runner.Run(peer, crime.name, place))};
      }
    });
  for (std::thread& thread : threads) thread.join();
  return rows;
}

std::string SummaryOf(const Peer& peer, const std::vector<PeerRow>& rows) {
  auto count = [&](auto what) {
    return std::to_string(std::count_if(rows.begin(), rows.end(),
                                        [&](const PeerRow& row) { return what(row.verdict); }));
  };
  auto is = [](PeerOutcome outcome) {
    return [outcome](const PeerVerdict& verdict) { return verdict.outcome == outcome; };
  };
  std::string text =
      peer.name + " (" + peer.version + "): stopped " + count(is(PeerOutcome::kStopped)) + " of " +
      std::to_string(rows.size()) + ", not stopped " + count(is(PeerOutcome::kNotStopped)) +
      ", reached the kernel " + count(is(PeerOutcome::kReached)) + ", not run " +
      count(is(PeerOutcome::kNotRun)) + "; ended by force " +
      count([](const PeerVerdict& verdict) { return verdict.ended; }) + ", explained " +
      count([](const PeerVerdict& verdict) { return verdict.explained; }) + "\n";
  for (const PeerRow& row : rows)
    if (row.verdict.outcome != PeerOutcome::kStopped)
      text += "  " + row.crime + ": " + NameOf(row.verdict.outcome) + ", " + row.verdict.why + "\n";
  return text;
}

}  // namespace nightjar::hostile
