// How many events can one core of the storage writer store, how many bytes is one on the disk, and
// how soon is a run listed?
//
// Storing: a ring is filled with one run, outside the clock; then it is drained, compressed,
// sealed, put on the disk and indexed, and the CPU time of all that is divided by the events. Three
// kinds of runs, because their bytes differ: `numbers` calls itself with small integers, as a
// recursive computation does; `text` passes words of a licence around, as a text handler does;
// `short` has 20 events, as most requests do, so that what a run costs by itself shows.
//
// Live: memory of the writer with a thousand runs that have 200 events each, and have not ended.
//
// Newest: the newest ten of a handler among a million traces.
//
// Listing: a whole writer service behind a socket; from sending a run's end to an answer that lists
// it.
//
// Prints the figures, and writes writer.json beside this program.
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "ipc/core/check.h"
#include "ipc/wire/channel.h"
#include "supervisor/writer/archive.h"
#include "supervisor/writer/drain.h"
#include "supervisor/writer/service.h"
#include "worker/trace/recorder.h"

namespace nightjar {
namespace {

constexpr int kRuns = 60;
constexpr int kShortRuns = 5000;
constexpr int kListedRuns = 300;
constexpr uint64_t kBudget = 16 * bounds::kMiB;
using Figures = std::map<std::string, double>;

struct Value {
  int64_t number = 0;
  std::string text;
};
void WriteValue(const Value& value, ValueWriter& out) {
  value.text.empty() ? out.Int(value.number) : out.String(value.text);
}

double Quantile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(share * static_cast<double>(values.size())))];
}

uint64_t CpuNanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

class Directory {
 public:
  Directory() {
    char name[] = "/var/tmp/nightjar-bench-XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Worker {
  Worker() : recorder(&producer) {}
  Fd fd = *CreateSizedMemfd("bench", RingBytes());
  Mapping mapping = *Mapping::Create(fd, RingBytes(), Mapping::Access::kReadWrite);
  RingProducer producer{mapping.bytes()};
  Recorder recorder;
};

proto::RunBegan Began(const RunId& run) {
  proto::RunBegan began;
  began.set_worker_id(1);
  began.set_run_id(std::string(run.bytes()));
  began.set_canvas("demo");
  began.set_handler("GET /users/:id");
  began.set_tlid(123456789);
  began.set_revision(7);
  began.set_received_unix_us(run.unix_ms() * 1000);
  began.set_caller("127.0.0.1:50000");
  began.set_trace_bytes_max(kBudget);
  began.set_request_line("GET /users/7");
  return began;
}

proto::RunEnded Ended(const RunId& run) {
  proto::RunEnded ended;
  ended.set_worker_id(1);
  ended.set_run_id(std::string(run.bytes()));
  ended.set_verdict(proto::VERDICT_FINISHED);
  ended.set_http_status(200);
  ended.mutable_usage()->set_wall_us(1234);
  return ended;
}

// Calls and returns until `events` are written or the ring is nearly full.
template <typename Argument>
void Record(Recorder& recorder, const RunId& run, uint64_t events, Argument argument) {
  recorder.StartRun(run, {.trace_bytes_max = kBudget}, Value{1, {}});
  for (int i = 0; recorder.events() + 2 < events && recorder.bytes() < bounds::kRingStreamBytes / 2;
       ++i) {
    Value args[] = {argument(i)};
    uint64_t call = recorder.OpenCall<Value>(Recorder::Kind::kFunction, "fib", 4711 + i % 9, args);
    recorder.TakeBranch(99 + i % 5, i % 2);
    recorder.CloseCall(call, argument(i / 2));
  }
  recorder.FinishRun(Value{2, {}});
  CHECK(recorder.dropped() == 0);
}

template <typename Argument>
void MeasureStoring(const std::string& name, int runs, uint64_t events, Argument argument,
                    Figures& figures) {
  Directory dir;
  SystemClock clock;
  auto archive = Archive::Open(dir.path(), clock);
  CHECK(archive.has_value());
  Drain drain(clock);
  Worker worker;
  CHECK(drain.Attach(1, "demo", worker.fd).has_value());
  uint64_t stored = 0, raw = 0, drain_ns = 0, archive_ns = 0;
  for (int i = 0; i < runs; ++i) {
    RunId run = RunId::New(clock.Wall());
    Record(worker.recorder, run, events, argument);
    raw += worker.recorder.bytes();
    uint64_t began = CpuNanos();
    CHECK(drain.Begin(Began(run)).has_value());
    while (drain.Turn() > 0) continue;
    SealedRun sealed = *drain.End(Ended(run));
    uint64_t drained = CpuNanos();
    drain_ns += drained - began;
    stored += sealed.object.size();
    RingMark mark = sealed.mark;
    (*archive)->Store(std::move(sealed));
    drain.Free(mark);
    if (auto due = (*archive)->Due(); due && *due <= clock.Mono()) (*archive)->Commit();
    archive_ns += CpuNanos() - drained;
  }
  auto count = static_cast<double>(drain.totals().drained_events);
  figures[name + "_events_per_core_s"] = 1e9 * count / static_cast<double>(drain_ns + archive_ns);
  figures[name + "_drain_ns_per_event"] = static_cast<double>(drain_ns) / count;
  figures[name + "_ring_bytes_per_event"] = static_cast<double>(raw) / count;
  figures[name + "_disk_bytes_per_event"] = static_cast<double>(stored) / count;
  figures[name + "_runs_per_core_s"] = 1e9 * runs / static_cast<double>(drain_ns + archive_ns);
  figures[name + "_disk_bytes_per_run"] = static_cast<double>(stored) / runs;
}

std::vector<std::string> Words() {
  std::ifstream file("/usr/share/common-licenses/GPL-3");
  std::vector<std::string> words{std::istream_iterator<std::string>(file), {}};
  if (words.empty()) words = {"no", "licence", "texts", "on", "this", "machine"};
  return words;
}

// The supervisor's side of a service that runs in a thread of its own.
class Service {
 public:
  Service() {
    auto pair = SeqpacketPair();
    CHECK(pair.has_value());
    channel_.emplace(std::move(pair->first), Channel::Waiting::kYes);
    thread_ = std::thread([this, end = std::move(pair->second)]() mutable {
      SystemClock clock;
      auto loop = Loop::Create();
      auto archive = Archive::Open(dir_.path(), clock);
      auto records = OperatorRecords::Open(dir_.path());
      CHECK(loop.has_value() && archive.has_value() && records.has_value());
      WriterService service(**loop, clock, Channel(std::move(end), Channel::Waiting::kNo),
                            std::move(*archive), std::move(*records));
      (*loop)->Run();
    });
  }
  ~Service() {
    channel_.reset();
    thread_.join();
  }

  void Send(const proto::ToWriter& message, std::initializer_list<int> fds = {}) {
    CHECK(channel_->Send(message, fds).has_value());
  }
  proto::FromWriter ReceiveAnswerTo(uint64_t ticket) {
    for (;;) {
      auto packet = channel_->Receive();
      CHECK(packet && *packet);
      auto answer = (*packet)->Parse<proto::FromWriter>();
      CHECK(answer.has_value());
      if (answer->ticket() == ticket) return *answer;
    }
  }

 private:
  Directory dir_;
  std::optional<Channel> channel_;
  std::thread thread_;
};

void MeasureListing(Figures& figures) {
  Service service;
  Worker worker;
  SystemClock clock;
  proto::ToWriter attach;
  attach.mutable_attach_ring()->set_worker_id(1);
  attach.mutable_attach_ring()->set_canvas("demo");
  service.Send(attach, {worker.fd.get()});
  std::vector<double> listed_ms, stored_ms;
  for (int i = 0; i < kListedRuns; ++i) {
    RunId run = RunId::New(clock.Wall());
    proto::ToWriter began, ended, list;
    *began.mutable_run_began() = Began(run);
    service.Send(began);
    Record(worker.recorder, run, 500, [](int k) { return Value{k, {}}; });
    ended.set_ticket(1);
    *ended.mutable_run_ended() = Ended(run);
    list.set_ticket(2);
    list.mutable_list_traces()->set_canvas("demo");
    list.mutable_list_traces()->set_rows_max(10);
    auto since = [start = clock.Mono(), &clock] {
      return std::chrono::duration<double, std::milli>(clock.Mono() - start).count();
    };
    service.Send(ended);
    service.Send(list);
    proto::FromWriter answer = service.ReceiveAnswerTo(2);
    listed_ms.push_back(since());
    auto& rows = answer.traces().traces();
    CHECK(std::any_of(rows.begin(), rows.end(),
                      [&](const auto& row) { return row.run_id() == run.ToString(); }));
    CHECK(service.ReceiveAnswerTo(1).error().empty());
    stored_ms.push_back(since());
  }
  figures["listed_after_end_p50_ms"] = Quantile(listed_ms, 0.5);
  figures["listed_after_end_p99_ms"] = Quantile(listed_ms, 0.99);
  figures["committed_after_end_p50_ms"] = Quantile(stored_ms, 0.5);
  figures["committed_after_end_p99_ms"] = Quantile(stored_ms, 0.99);
}

// The newest ten of a handler among a million traces, each with three functions: 100 canvases with
// 20 handlers each.
void MeasureNewest(Figures& figures) {
  constexpr int kTraces = 1'000'000, kCanvases = 100, kHandlers = 20, kQuestions = 2000;
  Directory dir;
  SystemClock clock;
  auto archive = Archive::Open(dir.path(), clock);
  CHECK(archive.has_value());
  TraceIndex& index = (*archive)->index();
  auto canvas = [](int i) { return "canvas" + std::to_string(i % kCanvases); };
  auto handler = [](int i) { return static_cast<uint64_t>(i / kCanvases % kHandlers) + 1; };
  WallTime now = clock.Wall() - std::chrono::hours(1);
  uint64_t began = CpuNanos();
  for (int i = 0; i < kTraces; ++i) {
    RunId run = RunId::New(now + std::chrono::milliseconds(i));
    IndexedTrace trace;
    trace.object_key = "week/2026-01-01/demo/x.njt";
    for (const char* function : {"own", "one", "more"}) trace.touched.add_functions(function);
    proto::TraceRow& row = trace.row;
    row.set_run_id(run.ToString());
    row.set_canvas(canvas(i));
    row.set_handler("GET /users/:id");
    row.set_tlid(handler(i));
    row.set_revision(7);
    row.set_received_unix_us(run.unix_ms() * 1000);
    row.set_verdict(proto::VERDICT_FINISHED);
    row.set_http_status(200);
    row.set_request_line("GET /users/7");
    row.set_caller("127.0.0.1:50000");
    CHECK(index.AddTrace(trace).has_value());
    if (auto due = index.Due(); due && *due <= clock.Mono()) CHECK(index.Commit().has_value());
  }
  CHECK(index.Commit().has_value());
  figures["index_row_us"] = static_cast<double>(CpuNanos() - began) / 1000 / kTraces;
  std::vector<double> took_us;
  for (int i = 0; i < kQuestions; ++i) {
    proto::ListTraces question;
    question.set_canvas(canvas(i * 31));
    question.set_tlid(handler(i * 7919));
    question.set_rows_max(10);
    auto asked = clock.Mono();
    auto list = index.List(question);
    took_us.push_back(std::chrono::duration<double, std::micro>(clock.Mono() - asked).count());
    CHECK(list && list->traces_size() == 10);
  }
  figures["newest10_of_a_million_p50_us"] = Quantile(took_us, 0.5);
  figures["newest10_of_a_million_p99_us"] = Quantile(took_us, 0.99);
}

double OwnKib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kib = 0; word == "RssAnon:" && status >> kib) return kib;
  CHECK(!"the kernel says how much memory is this process's own");
  return 0;
}

// What a thousand runs that go on at once cost beyond their rings, which are their workers'.
void MeasureManyLive(Figures& figures) {
  constexpr WorkerId kLive = 1000;
  constexpr uint64_t kEvents = 200;
  SystemClock clock;
  Drain drain(clock);
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<RunId> runs;
  uint64_t events = 0;
  for (WorkerId i = 1; i <= kLive; ++i) {
    runs.push_back(RunId::New(clock.Wall()));
    Recorder& recorder = workers.emplace_back(std::make_unique<Worker>())->recorder;
    recorder.StartRun(runs.back(), {.trace_bytes_max = kBudget}, Value{1, {}});
    for (int k = 0; recorder.events() < kEvents; ++k) {
      Value args[] = {{k, {}}};
      recorder.CloseCall(recorder.OpenCall<Value>(Recorder::Kind::kFunction, "fib", 4711, args),
                         args[0]);
    }
    events += recorder.events();
  }
  double before = OwnKib();
  for (WorkerId i = 1; i <= kLive; ++i) {
    CHECK(drain.Attach(i, "demo", workers[i - 1]->fd).has_value());
    proto::RunBegan began = Began(runs[i - 1]);
    began.set_worker_id(i);
    CHECK(drain.Begin(std::move(began)).has_value());
  }
  while (drain.Turn() > 0) continue;
  CHECK(drain.totals().drained_events == events);
  figures["live1000_own_kib"] = OwnKib() - before;
}

void WriteJson(const Figures& figures) {
  auto path = std::filesystem::read_symlink("/proc/self/exe").replace_filename("writer.json");
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
  using namespace nightjar;
  TraceClock::Calibrate();
  Figures figures;
  constexpr uint64_t kMany = 1'000'000;
  MeasureStoring(
      "numbers", kRuns, kMany,
      [](int i) {
        return Value{(i * 7919) % 10'000, {}};
      },
      figures);
  std::vector<std::string> words = Words();
  auto text = [&](int i) {
    size_t at = static_cast<size_t>(i) * 3;
    std::string phrase;
    for (size_t k = 0; k < 8; ++k) phrase += words[(at + k) % words.size()] + ' ';
    return Value{0, phrase};
  };
  MeasureStoring("text", kRuns, kMany, text, figures);
  MeasureStoring(
      "short", kShortRuns, 20,
      [](int i) {
        return Value{i, {}};
      },
      figures);
  MeasureListing(figures);
  MeasureManyLive(figures);
  MeasureNewest(figures);
  for (const auto& [name, value] : figures) std::printf("%-30s %12.4g\n", name.c_str(), value);
  WriteJson(figures);
}
