// A trace ring whose worker writes what it likes, where it likes and when it likes, and what the
// writer makes of it.
//
// The script's first byte says who reads. The ring's consumer alone: then the worker also writes
// between two records of one drain. Or the writer's drain: then runs begin and end meanwhile, and
// what is stored of each must be a whole trace.
#include <google/protobuf/util/json_util.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/layout.h"
#include "ipc/ring/producer.h"
#include "ipc/ring/tail.h"
#include "supervisor/writer/drain.h"
#include "supervisor/writer/trace_document.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/script.h"

namespace nightjar {
namespace {

using fuzz::Must;
using fuzz::Script;

constexpr WorkerId kWorker = 1;

RunId RunOf(uint8_t number) {
  return *RunId::FromBytes(std::string(16, static_cast<char>('a' + number % 4)));
}

// Pages that nobody may touch on both sides: a step out of it ends this process.
class Ring {
 public:
  Ring() : fd_(*CreateSizedMemfd("ring", RingBytes())) {
    void* area =
        mmap(nullptr, RingBytes() + 2 * kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Must(area != MAP_FAILED, "there is memory");
    area_ = static_cast<std::byte*>(area);
    Must(mmap(area_ + kGuard, RingBytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
              fd_.get(), 0) != MAP_FAILED,
         "there is memory");
  }
  ~Ring() { munmap(area_, RingBytes() + 2 * kGuard); }
  Ring(const Ring&) = delete;

  const Fd& fd() const { return fd_; }
  std::span<std::byte> bytes() { return {area_ + kGuard, RingBytes()}; }
  ring::Header& header() { return *reinterpret_cast<ring::Header*>(bytes().data()); }

 private:
  static constexpr size_t kGuard = 4096;
  Fd fd_;
  std::byte* area_;
};

// The worker: one thing that it does to its ring.
class Scribbler {
 public:
  explicit Scribbler(Ring& ring) : ring_(ring), producer_(ring.bytes()) {}

  void Step(Script& script) {
    switch (script.Byte() % 9) {
      case 0:  // as an honest one would
        return Append(script.Text());
      case 1: {
        proto::TraceEvent start;
        start.set_seq(script.Byte());
        start.mutable_run_start()->set_run_id(std::string(RunOf(script.Byte()).bytes()));
        return Append(start.SerializeAsString());
      }
      case 2:  // anywhere
        return Put(script.Long() % RingBytes(), script.Text());
      case 3:  // at the next record
        return Put(ring::kStreamOffset + ring_.header().write_position % bounds::kRingStreamBytes,
                   script.Text());
      case 4:
        return Move(ring_.header().write_position, script);
      case 5:
        return Move(ring_.header().read_position, script);
      case 6:
        Move(ring_.header().tail_begin, script);
        Move(ring_.header().tail_end, script);
        return Put(ring::kTailOffset + ring_.header().tail_begin % bounds::kRingTailBytes,
                   script.Text());
      case 7:
        return Open(script);
      default:  // the run that it claims to do
        return producer_.StartRun(RunOf(script.Byte()));
    }
  }

 private:
  // Nobody drains meanwhile: a full stream would be waited for.
  void Append(std::string_view record) {
    uint64_t used = ring_.header().write_position - ring_.header().read_position;
    if (record.empty() || used > bounds::kRingStreamBytes / 2) return;
    producer_.Append(record);
    producer_.AppendTail(record);
  }
  void Put(size_t offset, std::string_view bytes) {
    size_t count = std::min(bytes.size(), RingBytes() - offset);
    memcpy(ring_.bytes().data() + offset, bytes.data(), count);
  }
  static void Move(uint64_t& position, Script& script) {
    if (script.Byte() % 2 == 0)
      position += static_cast<uint64_t>(static_cast<int8_t>(script.Byte())) * 8;
    else
      position = script.Long();
  }
  void Open(Script& script) {
    uint64_t depth = script.Byte();
    SpineFrame frame;
    frame.call_id = script.Byte();
    frame.opened_ns = script.Long();
    frame.kind = script.Byte();
    frame.fn = script.Text();
    producer_.PushFrame(depth, frame);
    if (script.Byte() % 2 != 0) ring_.header().open_calls = script.Long();
  }

  Ring& ring_;
  RingProducer producer_;
};

void ReadEvidence(Ring& ring) {
  ReadRingCounters(ring.bytes());
  auto evidence = ReadRingEvidence(ring.bytes());
  if (!evidence) return;
  Must(evidence->frames.size() <= 2 * bounds::kSpineFrames, "frames are bounded");
  size_t bytes = 0;
  for (const std::string& record : evidence->newest) bytes += ring::FramedBytes(record.size());
  Must(bytes <= bounds::kRingTailBytes, "the tail is bounded");
}

void Consume(Script& script) {
  Ring ring;
  Scribbler worker(ring);
  RingConsumer consumer(ring.bytes());
  while (!script.done()) {
    worker.Step(script);
    size_t bytes_max = size_t{script.Byte()} * 64;
    size_t handed = 0;
    bool condemned = consumer.condemned();
    auto taken = consumer.Drain(
        [&](std::span<const std::byte> record) {
          Must(!record.empty() && record.size() <= bounds::kTraceEventBytes, "a record is bounded");
          Must(handed < std::max<size_t>(bytes_max, 1), "no more than was asked for");
          handed += ring::FramedBytes(record.size());
          // Read all of it: the bytes must be there.
          Must(std::string(reinterpret_cast<const char*>(record.data()), record.size()).size() > 0,
               "a record has bytes");
          if (!script.done()) worker.Step(script);
        },
        bytes_max);
    Must(handed <= bounds::kRingStreamBytes, "no more than a ring holds");
    Must(!taken || (*taken == handed && !condemned), "what is taken was handed out");
    Must(taken.has_value() || consumer.condemned(), "a failure condemns");
  }
  ReadEvidence(ring);
}

// What is stored of a run.
void CheckSealed(const SealedRun& sealed) {
  if (!sealed.incident) return;
  const proto::Incident& incident = *sealed.incident;
  Must(incident.last_events_size() <= static_cast<int>(bounds::kIncidentTailEvents) &&
           incident.open_calls_size() <= static_cast<int>(bounds::kIncidentStackFrames),
       "an incident is bounded");
  proto::Incident again;
  Must(again.ParseFromString(incident.SerializeAsString()), "an incident can be stored");
}

// As an archive does whose canvas has used up its events.
void LeaveOutEvents(SealedRun& sealed) {
  if (!sealed.unsealed) return;
  Compressor compressor;
  const uint64_t before = sealed.unsealed->events();
  const uint64_t left_out = sealed.unsealed->LeaveOutEvents(compressor);
  Must(left_out <= before && sealed.unsealed->events() <= before + 1,
       "less is left than there was");
  sealed.object = sealed.unsealed->Seal(sealed.row, compressor);
}

// What anyone may be shown of it. Takes as long as all the rest: once for each input.
void CheckShown(const SealedRun& sealed) {
  std::string json;
  if (sealed.incident)
    Must(google::protobuf::util::MessageToJsonString(*sealed.incident, &json).ok(),
         "an incident can be shown");
  if (sealed.object.empty()) return;
  auto answer = EncodeTraceAnswer(1, sealed.row, sealed.object, bounds::kTraceAnswerBytes);
  Must(answer.has_value(), "a trace can be shown");
  proto::FromWriter message;
  Must(message.ParseFromString(*answer), "an answer parses");
  proto::TraceDocument document;
  Must(google::protobuf::util::JsonStringToMessage(message.trace_json(), &document).ok(),
       "a trace is JSON");
}

proto::RunEnded EndOf(uint8_t number, bool killed) {
  proto::RunEnded ended;
  ended.set_worker_id(kWorker);
  ended.set_run_id(std::string(RunOf(number).bytes()));
  ended.set_verdict(killed ? proto::VERDICT_WALL_TIME : proto::VERDICT_FINISHED);
  if (killed) ended.mutable_incident()->set_verdict(ended.verdict());
  return ended;
}

void DrainIt(Script& script) {
  Ring ring;
  Scribbler worker(ring);
  SystemClock clock;
  Drain drain(clock);
  Must(drain.Attach(kWorker, "fuzz", ring.fd()).has_value(), "a ring can be attached");
  size_t condemned = 0;
  std::optional<SealedRun> last;
  while (!script.done()) {
    uint8_t step = script.Byte();
    uint8_t run = script.Byte();
    switch (step % 8) {
      case 0: {
        proto::RunBegan began;
        began.set_worker_id(kWorker);
        began.set_run_id(std::string(RunOf(run).bytes()));
        began.set_canvas("fuzz");
        began.set_trace_bytes_max(uint64_t{run} * 256);
        if (run % 2 == 1) began.mutable_trace_rules()->set_events_per_day(1);
        Must(drain.Begin(std::move(began)).has_value(), "a run begins");
        break;
      }
      case 1: {
        auto sealed = drain.End(EndOf(run, step % 16 >= 8));
        Must(sealed.has_value(), "a run ends");
        CheckSealed(*sealed);
        LeaveOutEvents(*sealed);
        if (!sealed->object.empty()) last = std::move(*sealed);
        break;
      }
      case 2:
        Must(drain.Turn() < bounds::kDrainTurnBytes + bounds::kDrainChunkBytes,
             "a turn is bounded");
        break;
      default:
        worker.Step(script);
    }
    condemned += drain.TakeCondemned().size();
    Must(condemned <= 1, "a ring is condemned once");
  }
  for (SealedRun& sealed : drain.EndAll()) {
    CheckSealed(sealed);
    LeaveOutEvents(sealed);
    if (!last) last = std::move(sealed);
  }
  if (last) CheckShown(*last);
  Must(!drain.busy() && drain.totals().held_bytes == 0, "nothing is held of what has ended");
  ReadEvidence(ring);
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nightjar;
  fuzz::BeQuiet();
  Script script({reinterpret_cast<const char*>(data), size});
  if (script.Byte() % 2 == 0)
    Consume(script);
  else
    DrainIt(script);
  return 0;
}
