// What does recording one event cost the worker?
//
// The first figures are of each kind of event alone, with the small integers that most calls carry,
// in batches that fit the ring; the ring is emptied between batches, outside the clock. `shared` is
// a call and its return while another process drains the ring, as the writer does: then the ring's
// cache lines travel between processors. `fresh` is the first pass over a new ring, as a worker of
// one run makes it: each page is a fault. Prints the median of the repeats, and writes
// trace_events.json beside this program.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "ipc/ring/consumer.h"
#include "worker/trace/recorder.h"

namespace nightjar {
namespace {

constexpr int kRepeats = 51;
constexpr int kDepth = 16;  // calls open at once
constexpr int kBatch = 4096;
constexpr uint64_t kPlenty = uint64_t{1} << 60;

struct Number {
  int64_t is;
};
void WriteValue(const Number& number, ValueWriter& out) {
  out.Int(number.is);
}

const Number kArgs[] = {{7}, {12}};
constexpr std::span<const Number> kNoArgs;

uint64_t CpuNanos() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

struct Rig {
  Fd fd = *CreateSizedMemfd("bench", RingBytes());
  Mapping mapping = *Mapping::Create(fd, RingBytes(), Mapping::Access::kReadWrite);
  RingProducer producer{mapping.bytes()};
  RingConsumer consumer{mapping.bytes()};
  Recorder recorder{&producer};

  Rig() { recorder.StartRun(RunId::New({}), {.trace_bytes_max = kPlenty}, Number{1}); }
  void Empty() {
    CHECK(consumer.Drain([](auto) {}, SIZE_MAX));
  }
};

uint64_t Open(Recorder& recorder) {
  return recorder.OpenCall<Number>(Recorder::Kind::kFunction, "fib", 123456, std::span(kArgs, 1));
}

// A batch of calls and returns, kDepth deep. Returns the number of events.
int CallAndReturn(Recorder& recorder) {
  for (int i = 0; i < kBatch / 2 / kDepth; ++i) {
    uint64_t id = 0;
    for (int k = 0; k < kDepth; ++k) id = Open(recorder);
    for (int k = 0; k < kDepth; ++k) recorder.CloseCall(id--, Number{89});
  }
  return kBatch;
}

double EventNanos(const std::function<int(Recorder&)>& batch) {
  Rig rig;
  std::vector<double> results;
  for (int i = 0; i < kRepeats + 10; ++i) {
    uint64_t began = CpuNanos();
    int events = batch(rig.recorder);
    auto spent = static_cast<double>(CpuNanos() - began);
    rig.Empty();
    if (i >= 10) results.push_back(spent / events);  // the first ones fault the ring in
  }
  CHECK(rig.recorder.dropped() == 0);
  return Median(results);
}

struct CallAndReturnNanos {
  double call;
  double back;
};

// Calls and returns, each by itself. The clock is read twice in kDepth events, which adds about a
// nanosecond to each.
CallAndReturnNanos SplitNanos() {
  TraceClock clock;
  Rig rig;
  std::vector<double> calls, returns;
  for (int i = 0; i < kRepeats * 20; ++i) {
    uint64_t id = 0;
    uint64_t began = clock.Ticks();
    for (int k = 0; k < kDepth; ++k) id = Open(rig.recorder);
    uint64_t turned = clock.Ticks();
    for (int k = 0; k < kDepth; ++k) rig.recorder.CloseCall(id--, Number{89});
    uint64_t ended = clock.Ticks();
    calls.push_back(static_cast<double>(clock.NanosBetween(began, turned)) / kDepth);
    returns.push_back(static_cast<double>(clock.NanosBetween(turned, ended)) / kDepth);
    rig.Empty();
  }
  return {Median(calls), Median(returns)};
}

double FreshNanos() {
  std::vector<double> results;
  for (int i = 0; i < kRepeats; ++i) {
    Rig rig;
    uint64_t began = CpuNanos();
    int events = CallAndReturn(rig.recorder);
    results.push_back(static_cast<double>(CpuNanos() - began) / events);
  }
  return Median(results);
}

struct Shared {
  double event_ns;
  double events_per_s;
  double dropped_share;
};

Shared SharedNanos() {
  Rig rig;
  pid_t drainer = fork();
  CHECK(drainer >= 0);
  if (drainer == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    RingConsumer consumer(rig.mapping.bytes());
    for (;;) {
      auto taken = consumer.Drain([](auto) {}, bounds::kRingStreamBytes);
      CHECK(taken);
      // As the writer does, it naps when there was little: polling would pull the cache lines away
      // from the worker.
      if (*taken < bounds::kRingStreamBytes / 8) usleep(100);
    }
  }
  std::vector<double> results;
  SystemClock wall;
  MonoTime began_wall = wall.Mono();
  uint64_t events = 0;
  for (int i = 0; i < kRepeats * 4; ++i) {
    uint64_t began = CpuNanos();
    int batch = CallAndReturn(rig.recorder);
    results.push_back(static_cast<double>(CpuNanos() - began) / batch);
    events += static_cast<uint64_t>(batch);
  }
  double seconds = std::chrono::duration<double>(wall.Mono() - began_wall).count();
  kill(drainer, SIGKILL);
  waitpid(drainer, nullptr, 0);
  return {Median(results), static_cast<double>(events) / seconds,
          static_cast<double>(rig.recorder.dropped()) / static_cast<double>(rig.recorder.events())};
}

std::map<std::string, double> Measure() {
  std::map<std::string, double> figures;
  figures["event_ns"] = EventNanos(CallAndReturn);
  CallAndReturnNanos split = SplitNanos();
  figures["call_ns"] = split.call;
  figures["return_ns"] = split.back;
  figures["pure_call_ns"] = EventNanos([](Recorder& recorder) {
    for (int i = 0; i < kBatch; ++i)
      recorder.PureCall<Number>("Int::add_v0", 123456, std::span(kArgs), Number{19});
    return kBatch;
  });
  figures["branch_ns"] = EventNanos([](Recorder& recorder) {
    for (int i = 0; i < kBatch; ++i) recorder.TakeBranch(123456, 1);
    return kBatch;
  });
  figures["fresh_event_ns"] = FreshNanos();
  Shared shared = SharedNanos();
  figures["shared_event_ns"] = shared.event_ns;
  figures["shared_events_per_s"] = shared.events_per_s;
  figures["shared_dropped_share"] = shared.dropped_share;
  return figures;
}

void WriteJson(const std::map<std::string, double>& figures) {
  auto path = std::filesystem::read_symlink("/proc/self/exe").replace_filename("trace_events.json");
  std::ofstream json(path);
  const char* separator = "{";
  for (const auto& [name, value] : figures) {
    json << separator << "\n  \"" << name << "\": " << value;
    separator = ",";
  }
  json << "\n}\n";
}

}  // namespace
}  // namespace nightjar

int main() {
  nightjar::TraceClock::Calibrate();
  auto figures = nightjar::Measure();
  for (const auto& [name, value] : figures) std::printf("%-22s %12.4g\n", name.c_str(), value);
  nightjar::WriteJson(figures);
}
