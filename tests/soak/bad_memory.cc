// What a scoundrel does to its ring, and to its own process.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "ipc/core/bounds.h"
#include "ipc/core/worker_exit.h"
#include "ipc/proto/trace.pb.h"
#include "tests/soak/scoundrel.h"

namespace nightjar::soak {
namespace {

template <typename T>
std::atomic_ref<T> Shared(T& field) {
  return std::atomic_ref<T>(field);
}

uint64_t NowMs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

std::string StartOf(const std::string& run_id) {
  proto::TraceEvent start;
  start.set_seq(1);
  start.mutable_run_start()->set_run_id(run_id);
  return start.SerializeAsString();
}

std::string Field(int number, const std::string& content) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  size_t size = content.size();
  for (; size >= 0x80; size >>= 7) field += static_cast<char>(size | 0x80);
  return field + static_cast<char>(size) + content;
}

// Its result is nested as deep as an event's bytes can be.
std::string DeepEvent() {
  std::string value;
  while (value.size() < bounds::kTraceEventBytes - 64)
    value = Field(proto::Value::kErrorRailFieldNumber, value);
  return Field(proto::TraceEvent::kRunEndFieldNumber,
               Field(proto::RunEnd::kResultFieldNumber, value));
}

}  // namespace

// The header, the lengths of records, and anything else, each as likely.
void Scoundrel::ScribbleOnce() {
  constexpr size_t kPieces = 64;
  for (size_t piece = 0; piece < kPieces; ++piece) {
    size_t within = piece % 3 == 0 ? ring::kHeaderBytes
                                   : (piece % 3 == 1 ? ring::kStreamOffset + 4096 : ring_.size());
    std::string bytes = RandomBytes(1 + Random(64));
    size_t at = Random(within - bytes.size());
    memcpy(ring_.data() + at, bytes.data(), bytes.size());
  }
}

void Scoundrel::AnswerOverRing(const proto::Run& run) {
  proto::FromWorker message;
  message.mutable_finished()->set_run_id(run.run_id());
  message.mutable_finished()->set_status(200);
  message.mutable_finished()->set_body("over a ring");
  Say(message);
}

bool Scoundrel::BadRing(std::string_view deed, const proto::Run& run) {
  // An answer that was traced well lies in it.
  bool traced = deed.starts_with("head") || deed == "takes_the_readers_place";
  if (traced) Answer(run);
  auto write_position = Shared(header().write_position);
  if (deed == "no_events") {
  } else if (deed == "scribbles_everywhere") {
    std::string all = RandomBytes(ring_.size());
    memcpy(ring_.data(), all.data(), all.size());
  } else if (deed == "scribbles_while_it_is_drained") {
    for (uint64_t end = NowMs() + 20; NowMs() < end;) ScribbleOnce();
  } else if (deed == "head_backwards") {
    write_position.fetch_sub(8 * (1 + Random(1000)));
  } else if (deed == "head_forwards") {
    write_position.fetch_add(8 * (1 + Random(uint64_t{1} << (1 + Random(60)))));
  } else if (deed == "head_misaligned") {
    write_position.fetch_add(1 + Random(7));
  } else if (deed == "head_that_dances") {
    uint64_t home = write_position.load();
    for (uint64_t end = NowMs() + 20; NowMs() < end;)
      write_position.store(home - 64 + 8 * Random(bounds::kRingStreamBytes / 4));
    write_position.store(home);
  } else if (deed == "takes_the_readers_place") {
    Shared(header().read_position).store(random_());
    Shared(header().drained).store(static_cast<uint32_t>(random_()));
    Shared(header().room_wanted).store(1);
  } else if (deed == "floods_events") {
    producer_.Append(StartOf(run.run_id()));
    for (int i = 0; i < 3000; ++i) {
      proto::TraceEvent output;
      output.set_seq(static_cast<uint64_t>(i) + 2);
      output.mutable_output()->set_data(std::string(1000, 'f'));
      producer_.Append(output.SerializeAsString());
    }
  } else if (deed == "events_of_another_run") {
    producer_.Append(StartOf(RandomBytes(16)));
    producer_.Append(StartOf(run.run_id()));
    producer_.Append(StartOf(run.run_id()));
  } else if (deed == "records_that_are_no_events") {
    producer_.Append(StartOf(run.run_id()));
    producer_.Append(DeepEvent());
    producer_.Append(RandomBytes(1 + Random(bounds::kTraceEventBytes - 1)));
  } else if (deed == "dies_with_a_forged_stack") {
    std::string header_bytes =
        RandomBytes(sizeof(ring::Header) - offsetof(ring::Header, tail_begin));
    Answer(run);
    memcpy(ring_.data() + offsetof(ring::Header, tail_begin), header_bytes.data(),
           header_bytes.size());
    for (uint64_t depth = 0; depth < 2 * bounds::kSpineFrames; ++depth)
      producer_.PushFrame(
          depth,
          {.call_id = random_(), .kind = static_cast<uint32_t>(Random(6)), .fn = "\x1b[31m\u202e"});
    header().open_calls = random_();
    BadProcess("crashes", run);
  } else {
    return false;
  }
  AnswerOverRing(run);
  return true;
}

namespace {

// Without an end, and not a loop to a compiler.
uint64_t Recurse(uint64_t depth) {
  volatile char frame[512];
  frame[depth % sizeof frame] = 1;
  return depth == UINT64_MAX ? frame[0] : Recurse(depth + 1) + frame[1];
}

[[noreturn]] void Spin() {
  for (;;) asm volatile("");
}

void Allocate() {
  constexpr size_t kBlock = 1 << 20;
  for (;;) {
    void* block = mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block != MAP_FAILED) memset(block, 1, kBlock);
  }
}

}  // namespace

bool Scoundrel::BadProcess(std::string_view deed, const proto::Run& run) {
  if (deed == "exits") {
    constexpr int kCodes[] = {0, 1, worker_exit::kBrokenProtocol, worker_exit::kNotSealed, 255};
    _exit(kCodes[Random(std::size(kCodes))]);
  } else if (deed == "exits_as_by_its_backstop") {
    _exit(worker_exit::kBackstop);
  } else if (deed == "crashes") {
    volatile uintptr_t nowhere = 16;  // volatile: the compiler must not see that it is no object
    *reinterpret_cast<volatile int*>(nowhere) = 1;
  } else if (deed == "aborts") {
    abort();
  } else if (deed == "runs_illegal_code") {
    __builtin_trap();
  } else if (deed == "overflows_its_stack") {
    Recurse(1);
  } else if (deed == "unmaps_itself") {
    munmap(nullptr, (uintptr_t{1} << 47) - 4096);
  } else if (deed == "signals_itself") {
    // The first process of a namespace does not hear what it has no handler for.
    for (int signal : {SIGTERM, SIGKILL, SIGSTOP, SIGHUP}) syscall(SYS_tgkill, 1, 1, signal);
    Say(Answer(run));
  } else if (deed == "spins") {
    Spin();
  } else if (deed == "sleeps") {
  } else if (deed == "allocates") {
    Allocate();
  } else if (deed == "forks") {
    syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  } else if (deed == "opens_a_socket") {
    socket(AF_INET, SOCK_STREAM, 0);
  } else if (deed == "makes_code") {
    mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  } else {
    return false;
  }
  return true;
}

}  // namespace nightjar::soak
