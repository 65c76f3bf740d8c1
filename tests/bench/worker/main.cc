// What does a worker cost to start, to kill and to keep? Run as root:
//   bench-worker OUTPUT_DIR ZYGOTE_PROGRAM MARKING_ZYGOTE
//
// One real zygote, one worker at a time, each in a cell of its own as in service; the other
// processor is idle, so this is latency, not throughput. `start` is from the request on the
// zygote's socket to the worker's word that every wall stands; `arm` from the program's descriptor
// to "ready to run" (a canvas of one small handler); `kill` from SIGKILL by the cell to "reaped",
// of a worker that waits for its run. Private memory is what one more armed worker adds: pages that
// it shares with nobody.
//
// Then the same start step by step, for an interpreter's worker and for a program's, from a zygote
// that marks the time of each (zygote.cc): a step lasts from the mark before it; "ready" is from
// the last one until the worker's word is here. What the zygote does once for all of its workers
// (the empty network, the root, the filter, the bounding set) is in its own start.
//
// Writes OUTPUT_DIR/worker.json.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/check.h"
#include "ipc/proto/worker.pb.h"
#include "ipc/ring/layout.h"
#include "ipc/wire/channel.h"
#include "supervisor/cell/cell.h"
#include "tests/bench/worker/marks.h"

namespace nightjar {
namespace {

constexpr uint32_t kZygoteUid = 2'120'930'000;  // of a range that no account uses
constexpr int kWarmUp = 50;
constexpr int kWorkers = 2000;
constexpr int kMarked = 500;
constexpr uint64_t kTmpBytes = 16 << 20;
constexpr const char* kCanvas = "[http-handler GET /]\n\"hello\"\n";

using Instant = std::chrono::steady_clock::time_point;

double MicrosSince(Instant from) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count();
}

std::unique_ptr<CellTree> tree;
std::unique_ptr<Cell> cell;  // every worker's, one after the other

[[noreturn]] void Stop(const std::string& why) {
  fprintf(stderr, "bench-worker: %s\n", why.c_str());
  if (cell) {
    (void)cell->Kill();
    tree->Release(std::move(cell));
  }
  if (tree) tree->RemoveAll();
  exit(1);
}

template <typename T>
T Must(Result<T> result) {
  if (!result) Stop(result.error().ToString());
  return std::move(*result);
}
void Must(const Status& status) {
  if (!status) Stop(status.error().ToString());
}

template <typename T>
T Receive(Channel& channel, std::vector<Fd>* fds = nullptr) {
  auto packet = Must(channel.Receive());
  if (fds != nullptr) *fds = std::move(packet->fds);
  return Must(packet->Parse<T>());
}

// Kilobytes of the lines of a /proc file that start with one of `keys`.
uint64_t SumKib(const std::string& path, const std::vector<std::string>& keys) {
  std::ifstream file(path);
  uint64_t sum = 0;
  for (std::string line; std::getline(file, line);)
    for (const std::string& key : keys)
      if (line.rfind(key, 0) == 0) sum += std::strtoull(line.c_str() + key.size(), nullptr, 10);
  return sum;
}

class Zygote {
 public:
  // `words`: of its command after the control socket, which is descriptor 3. `inherited` becomes 4.
  Zygote(std::vector<std::string> words, int inherited = -1) {
    auto ends = Must(SeqpacketPair());
    std::vector<CellDoor> doors = tree->HelperDoors();
    started_ = std::chrono::steady_clock::now();
    pid_ = fork();
    if (pid_ == 0) {
      for (const CellDoor& door : doors)
        if (!WriteFileAt(door.dir_fd, "cgroup.procs", "0")) _exit(1);
      int high = fcntl(ends.second.get(), F_DUPFD_CLOEXEC, 64);
      int higher = inherited < 0 ? -1 : fcntl(inherited, F_DUPFD_CLOEXEC, 64);
      dup2(high, 3);
      if (higher >= 0) dup2(higher, 4);
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    channel_.emplace(std::move(ends.first), Channel::Waiting::kYes);
  }
  ~Zygote() {
    channel_.reset();
    waitpid(pid_, nullptr, 0);
  }
  Channel& channel() { return *channel_; }
  pid_t pid() const { return pid_; }
  Instant started() const { return started_; }

 private:
  pid_t pid_;
  Instant started_;
  std::optional<Channel> channel_;
};

class Worker {
 public:
  Worker(Zygote& zygote, uint64_t id) {
    auto ends = Must(SeqpacketPair());
    Fd ring = Must(CreateSizedMemfd("ring", RingBytes()));
    channel_.emplace(std::move(ends.first), Channel::Waiting::kYes);
    proto::SpawnWorker request;
    request.set_worker_id(id);
    request.set_uid(kZygoteUid + 16 + static_cast<uint32_t>(id % 1000));
    request.set_cpu_seconds_max(10);
    request.set_tmp_bytes(kTmpBytes);
    std::vector<int> fds{ends.second.get(), ring.get()};
    for (const CellDoor& door : cell->doors()) {
      request.add_cells(door.born_into ? proto::CELL_DIR_BORN_INTO : proto::CELL_DIR_ENTERED);
      fds.push_back(door.dir_fd);
    }
    Instant from = requested = std::chrono::steady_clock::now();
    Must(zygote.channel().Send(request, fds));
    std::vector<Fd> pidfd;
    auto spawned = Receive<proto::WorkerSpawned>(zygote.channel(), &pidfd);
    if (pidfd.size() != 1) Stop("the zygote failed at " + spawned.failed_step());
    pidfd_ = std::move(pidfd[0]);
    ends.second.Close();  // so that a worker that dies is seen
    auto sealed = Receive<proto::FromWorker>(*channel_).sealed();
    sealed_at = std::chrono::steady_clock::now();
    start_us = std::chrono::duration<double, std::micro>(sealed_at - from).count();
    if (!sealed.failed_step().empty())
      Stop("a wall did not stand: " + sealed.failed_step() + ": " + strerror(sealed.error()));
  }
  ~Worker() {
    Instant from = std::chrono::steady_clock::now();
    Must(cell->Kill());
    pollfd watched{pidfd_.get(), POLLIN, 0};
    poll(&watched, 1, -1);
    siginfo_t info;
    waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | __WALL);
    if (kills_us != nullptr) kills_us->push_back(MicrosSince(from));
    while (!Must(cell->Empty())) {
      pollfd emptied{cell->events_fd(), POLLPRI, 0};
      poll(&emptied, 1, 1000);
    }
  }

  Fd Compile() {
    proto::ToWorker message;
    message.mutable_compile()->set_file_name("bench");
    message.mutable_compile()->set_source_bytes(strlen(kCanvas));
    Fd source = Must(CreateImmutableMemfd("source", kCanvas));
    Must(channel_->Send(message, {source.get()}));
    std::vector<Fd> fds;
    Receive<proto::FromWorker>(*channel_, &fds);
    if (fds.size() != 1) Stop("the canvas does not compile");
    return std::move(fds[0]);
  }
  double Arm(const Fd& program) {
    proto::ToWorker message;
    message.mutable_arm()->set_canvas("bench");
    Instant from = std::chrono::steady_clock::now();
    Must(channel_->Send(message, {program.get()}));
    auto answer = Receive<proto::FromWorker>(*channel_);
    if (!answer.has_armed() || !answer.armed().error().empty())
      Stop("arming failed: " + answer.armed().error());
    return MicrosSince(from);
  }
  // In this process's pid namespace.
  std::string Number() const {
    std::string info =
        Must(ReadFileAt(AT_FDCWD, ("/proc/self/fdinfo/" + std::to_string(pidfd_.get())).c_str()));
    return std::to_string(atoi(info.c_str() + info.find("\nPid:") + 5));
  }

  Instant requested, sealed_at;
  double start_us = 0;
  std::vector<double>* kills_us = nullptr;  // gets the time of its death

 private:
  std::optional<Channel> channel_;
  Fd pidfd_;
};

double Percentile(std::vector<double>& values, int percent) {
  std::sort(values.begin(), values.end());
  return values[values.size() * static_cast<size_t>(percent) / 100];
}

void TakeCell() {
  cell = Must(
      tree->Acquire("bench", CanvasLimits{512 << 20, 256, 0, 100}, CellLimits{64 << 20, 8}, 0));
  // Made by root here, and by the supervisor that it belongs to in service.
  for (const CellDoor& door : cell->doors())
    CHECK(fchownat(door.dir_fd, "cgroup.procs", kZygoteUid, kZygoteUid, 0) == 0);
}

// Median and p99 of each step of a start, as lines of JSON. `more` of the marking zygote's command.
std::string Steps(const std::string& marking_zygote, const std::string& engine,
                  const std::vector<std::string>& more) {
  Fd memory = Must(CreateSizedMemfd("marks", sizeof(Marks)));
  void* page = mmap(nullptr, sizeof(Marks), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (page == MAP_FAILED) Stop("mapping the marks");
  auto* marks = static_cast<Marks*>(page);
  std::vector<std::string> words{marking_zygote, "3", std::to_string(kZygoteUid), "4"};
  words.insert(words.end(), more.begin(), more.end());
  Zygote zygote(words, memory.get());
  TakeCell();
  std::vector<std::string> order;
  std::map<std::string, std::vector<double>> steps;
  double zygote_us = 0;
  for (int i = 1; i <= kWarmUp + kMarked; ++i) {
    marks->count = 0;
    Worker worker(zygote, static_cast<uint64_t>(i));
    if (i == 1) zygote_us = MicrosSince(zygote.started());
    if (i <= kWarmUp) continue;
    auto last = static_cast<uint64_t>(worker.requested.time_since_epoch().count());
    auto note = [&](const std::string& step, uint64_t ns) {
      if (steps[step].empty()) order.push_back(step);
      steps[step].push_back(static_cast<double>(ns - last) / 1000);
      last = ns;
    };
    for (uint32_t at = 0; at < marks->count; ++at) note(marks->marks[at].step, marks->marks[at].ns);
    if (marks->count < 3) Stop("the zygote has marked nothing");
    note("ready", static_cast<uint64_t>(worker.sealed_at.time_since_epoch().count()));
    steps["all"].push_back(worker.start_us);
  }
  order.push_back("all");
  tree->Release(std::move(cell));
  munmap(page, sizeof(Marks));
  std::string json =
      ",\n  \"" + engine + "_zygote_ready_us\": " + std::to_string(lround(zygote_us));
  for (const std::string& step : order) {
    char line[256];
    snprintf(line, sizeof line, ",\n  \"%s_step_%s_p50_us\": %.1f,\n  \"%s_step_%s_p99_us\": %.1f",
             engine.c_str(), step.c_str(), Percentile(steps[step], 50), engine.c_str(),
             step.c_str(), Percentile(steps[step], 99));
    json += line;
  }
  return json;
}

void Run(const std::string& output_dir, const std::string& program_path,
         const std::string& marking_zygote) {
  std::string steps = Steps(marking_zygote, "interpreter", {}) +
                      Steps(marking_zygote, "program", {"--exec", "/usr"});
  Zygote zygote(
      {program_path, "--zygote", "--control-fd", "3", "--uid", std::to_string(kZygoteUid)});
  TakeCell();
  Fd program = Worker(zygote, kWarmUp + kWorkers + 1).Compile();
  std::vector<double> starts, arms, kills, memory;
  for (int i = 1; i <= kWarmUp + kWorkers; ++i) {
    Worker worker(zygote, static_cast<uint64_t>(i));
    double arm_us = worker.Arm(program);
    if (i <= kWarmUp) continue;
    starts.push_back(worker.start_us);
    arms.push_back(arm_us);
    worker.kills_us = &kills;
    if (i % 100 == 0)
      memory.push_back(static_cast<double>(SumKib("/proc/" + worker.Number() + "/smaps_rollup",
                                                  {"Private_Clean:", "Private_Dirty:"})));
  }
  uint64_t zygote_kib = SumKib("/proc/" + std::to_string(zygote.pid()) + "/status", {"VmRSS:"});
  tree->Release(std::move(cell));

  char figures[1024];
  snprintf(figures, sizeof figures,
           "{\n  \"start_p50_us\": %.1f,\n  \"start_p99_us\": %.1f,\n"
           "  \"start_least_us\": %.1f,\n"
           "  \"arm_p50_us\": %.1f,\n  \"arm_p99_us\": %.1f,\n"
           "  \"kill_p50_us\": %.1f,\n  \"kill_p99_us\": %.1f,\n"
           "  \"armed_private_kib\": %.0f,\n  \"zygote_rss_kib\": %lu",
           Percentile(starts, 50), Percentile(starts, 99), Percentile(starts, 0),
           Percentile(arms, 50), Percentile(arms, 99), Percentile(kills, 50), Percentile(kills, 99),
           Percentile(memory, 50), zygote_kib);
  std::string json = figures + steps + "\n}\n";
  fputs(json.c_str(), stdout);
  std::ofstream file(output_dir + "/worker.json");
  if (!(file << json)) Stop("cannot write " + output_dir + "/worker.json");
}

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  using namespace nightjar;
  if (argc != 4)
    return fprintf(stderr, "usage: bench-worker OUTPUT_DIR ZYGOTE_PROGRAM MARKING_ZYGOTE\n"), 2;
  if (geteuid() != 0) return fprintf(stderr, "bench-worker needs root to start a zygote\n"), 1;
  CellTree::Options options;
  options.top = "nightjar-bench-" + std::to_string(getpid());
  options.owner_uid = options.owner_gid = kZygoteUid;
  tree = Must(CellTree::Create(options));
  Run(argv[1], argv[2], argv[3]);
  tree->RemoveAll();
}
