// What the writer's tests stand on: a directory, a clock, a worker's end of a ring, and what a
// supervisor would say.
#pragma once

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/fd.h"
#include "ipc/proto/writer.pb.h"
#include "ipc/ring/producer.h"
#include "supervisor/writer/trace_document.h"
#include "worker/trace/recorder.h"

namespace nightjar::testing {

class TempDir {
 public:
  TempDir() {
    char path[] = "/tmp/nightjar-test-XXXXXX";
    EXPECT_NE(mkdtemp(path), nullptr);
    path_ = path;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class FakeClock final : public Clock {
 public:
  MonoTime Mono() const override { return MonoTime(now_); }
  WallTime Wall() const override { return WallTime(std::chrono::seconds(1'700'000'000) + now_); }
  void Advance(Nanos by) { now_ += by; }

 private:
  Nanos now_{1};
};

// A run's id of this many milliseconds after some instant.
inline RunId RunAt(int64_t ms) {
  return RunId::New(WallTime(std::chrono::seconds(1'700'000'000) + std::chrono::milliseconds(ms)));
}

struct Word {
  std::string text;
};
inline void WriteValue(const Word& word, ValueWriter& out) {
  out.String(word.text);
}

class FakeWorker {
 public:
  static constexpr uint64_t kBudget = 4 * bounds::kMiB;

  FakeWorker()
      : fd_(*CreateSizedMemfd("ring", RingBytes())),
        mapping_(*Mapping::Create(fd_, RingBytes(), Mapping::Access::kReadWrite)),
        producer_(mapping_.bytes()),
        recorder_(&producer_) {}

  const Fd& ring() const { return fd_; }
  RingProducer& producer() { return producer_; }
  Recorder& recorder() { return recorder_; }

  void Start(const RunId& run, uint64_t budget = kBudget) {
    recorder_.StartRun(run, {.trace_bytes_max = budget}, Word{"input"});
  }
  uint64_t Open(std::string_view fn, std::string arg = "arg") {
    std::vector<Word> args = {{std::move(arg)}};
    return recorder_.OpenCall<Word>(Recorder::Kind::kFunction, fn, 7, args);
  }
  // RunStart, `calls` pairs of events, RunEnd.
  void WholeRun(const RunId& run, int calls) {
    Start(run);
    for (int i = 0; i < calls; ++i)
      recorder_.CloseCall(Open("f", std::to_string(i)), Word{"result"});
    recorder_.FinishRun(Word{"output"});
  }
  // A record of these bytes, as an enemy would write it.
  void Forge(std::string_view record) { ASSERT_TRUE(producer_.Append(record)); }

 private:
  Fd fd_;
  Mapping mapping_;
  RingProducer producer_;
  Recorder recorder_;
};

inline proto::RunBegan Began(WorkerId worker, const RunId& run, std::string canvas = "demo",
                             std::string handler = "GET /x") {
  proto::RunBegan began;
  began.set_worker_id(worker);
  began.set_run_id(std::string(run.bytes()));
  began.set_canvas(std::move(canvas));
  began.set_handler(std::move(handler));
  began.set_tlid(11);
  began.set_revision(3);
  began.set_received_unix_us(run.unix_ms() * 1000);
  began.set_caller("127.0.0.1");
  began.set_request_line("GET /x");
  began.set_trace_bytes_max(FakeWorker::kBudget);
  return began;
}

inline proto::RunEnded Ended(WorkerId worker, const RunId& run,
                             proto::Verdict verdict = proto::VERDICT_FINISHED) {
  proto::RunEnded ended;
  ended.set_worker_id(worker);
  ended.set_run_id(std::string(run.bytes()));
  ended.set_verdict(verdict);
  ended.set_http_status(verdict == proto::VERDICT_FINISHED ? 200 : 500);
  ended.mutable_usage()->set_wall_us(5000);
  if (verdict == proto::VERDICT_FINISHED || verdict == proto::VERDICT_PROGRAM_ERROR) return ended;
  ended.set_detail("it was killed");
  proto::Incident& incident = *ended.mutable_incident();
  incident.set_run_id(run.ToString());
  incident.set_canvas("demo");
  incident.set_handler("GET /x");
  incident.set_verdict(verdict);
  incident.set_detail("it was killed");
  incident.set_at_unix_us(run.unix_ms() * 1000);
  return ended;
}

// The answer to GetTrace, for an object that says it is `row`'s.
inline proto::TraceDocument Document(const proto::TraceRow& row, std::string_view object,
                                     size_t bytes_max = bounds::kTraceAnswerBytes) {
  auto encoded = EncodeTraceAnswer(5, row, object, bytes_max);
  EXPECT_TRUE(encoded) << encoded.error().ToString();
  proto::FromWriter answer;
  EXPECT_TRUE(encoded && answer.ParseFromString(*encoded));
  EXPECT_EQ(answer.ticket(), 5u);
  EXPECT_LE(encoded ? encoded->size() : 0, bytes_max);
  proto::TraceDocument document;
  auto parsed = google::protobuf::util::JsonStringToMessage(answer.trace_json(), &document);
  EXPECT_TRUE(parsed.ok()) << parsed;
  return document;
}

inline size_t CountOf(const proto::TraceDocument& document, proto::TraceEvent::KindCase kind) {
  size_t count = 0;
  for (const proto::TraceEvent& event : document.events()) count += event.kind_case() == kind;
  return count;
}

}  // namespace nightjar::testing
