#include "ipc/ledger/run_ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/clock.h"
#include "ipc/core/ids.h"

namespace nightjar {
namespace {

constexpr char kMagic[16] = "nightjar-runs 1";
constexpr size_t kHeaderBytes = bounds::kLedgerSlotBytes;
constexpr size_t kGrowSlots = 64;
constexpr size_t kFileBytes = kHeaderBytes + bounds::kLedgerSlots * bounds::kLedgerSlotBytes;

enum State : uint32_t { kFree = 0, kBegan = 1, kEnded = 2 };

off_t OffsetOf(size_t slot) {
  return static_cast<off_t>(kHeaderBytes + slot * bounds::kLedgerSlotBytes);
}

}  // namespace

// Then the bytes of RunBegan and of RunEnded. Whoever reads it believes the state, which is set
// last.
struct RunLedger::Head {
  uint32_t state;
  uint32_t left;
  uint32_t began_bytes;
  uint32_t ended_bytes;
  uint64_t order;

  static constexpr size_t kRoom = bounds::kLedgerSlotBytes - 24;
  char* content() { return reinterpret_cast<char*>(this + 1); }
  void Set(State value) {
    std::atomic_ref<uint32_t>(state).store(value, std::memory_order_release);
  }
};

namespace {

// The record without its figures over time, then without processes and limits, then without all but
// what a list shows.
proto::RunEnded Shortened(proto::RunEnded ended, size_t room) {
  proto::Incident& incident = *ended.mutable_incident();
  incident.clear_usage_over_time();
  if (ended.ByteSizeLong() > room) incident.clear_processes();
  if (ended.ByteSizeLong() > room) incident.clear_limits();
  if (ended.ByteSizeLong() <= room) return ended;
  proto::Incident least;
  least.set_run_id(incident.run_id());
  least.set_canvas(incident.canvas());
  least.set_handler(incident.handler());
  least.set_revision(incident.revision());
  least.set_verdict(incident.verdict());
  least.set_detail(incident.detail());
  least.set_at_unix_us(incident.at_unix_us());
  least.set_request_line(incident.request_line());
  *least.mutable_usage() = incident.usage();
  least.add_left_out("all else: the supervisor and the storage writer both ended");
  incident = std::move(least);
  return ended;
}

}  // namespace

RunLedger::RunLedger(std::string path, Fd file, Fd reader, Mapping mapping)
    : path_(std::move(path)),
      file_(std::move(file)),
      reader_(std::move(reader)),
      mapping_(std::move(mapping)) {
  static_assert(sizeof(Head) == 24);
}

RunLedger::~RunLedger() {
  if (used_ == 0) unlink(path_.c_str());
}

Result<std::string> RunLedger::PathFor(const std::string& state) {
  const std::string path = state + "/ledger";
  auto kept = ReadFileAt(AT_FDCWD, path.c_str());
  if (!kept && kept.error().code == ErrorCode::kNotFound) {
    kept = RunId::New(SystemClock().Wall()).ToString();
    // Renamed into place, so that a crash here does not leave half a name behind.
    const std::string fresh = path + ".new";
    Fd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return FailErrno("making " + fresh);
    NJ_TRY(WriteAll(file, *kept, "writing the ledger's name"));
    if (rename(fresh.c_str(), path.c_str()) != 0) return FailErrno("naming " + path);
  }
  if (!kept) return tl::unexpected<Error>(kept.error());
  if (!RunId::Parse(*kept)) return Fail(ErrorCode::kInvalid, path + " holds no name: remove it");
  return "/dev/shm/nightjar-runs-" + *kept;
}

Result<std::vector<RunLedger::Entry>> RunLedger::TakeOver(const std::string& path) {
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid() && errno == ENOENT) return std::vector<Entry>();
  if (!file.valid()) return FailErrno(path);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return FailErrno(path);
  if (!S_ISREG(info.st_mode) || info.st_uid != geteuid())
    return Fail(ErrorCode::kPermission, path + " is not this supervisor's: remove it");
  return Read(file);
}

Result<std::unique_ptr<RunLedger>> RunLedger::Create(const std::string& path) {
  NJ_ASSIGN(std::vector<Entry> left, TakeOver(path));
  std::string fresh = path + ".new";
  unlink(fresh.c_str());
  Fd file(open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return FailErrno("making " + fresh);
  Fd reader(open(fresh.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!reader.valid()) return FailErrno(fresh);
  NJ_TRY(WriteAll(file, std::string_view(kMagic, sizeof kMagic), "writing a ledger"));
  NJ_ASSIGN(Mapping mapping, Mapping::Create(file, kFileBytes, Mapping::Access::kReadWrite));
  std::unique_ptr<RunLedger> ledger(
      new RunLedger(fresh, std::move(file), std::move(reader), std::move(mapping)));
  NJ_TRY(ledger->Make(left));
  if (rename(fresh.c_str(), path.c_str()) != 0) return FailErrno("naming " + path);
  ledger->path_ = path;
  return ledger;
}

Status RunLedger::Make(const std::vector<Entry>& left) {
  for (const Entry& entry : left) {
    Slot slot = Take();
    if (slot == kNone) return Fail(ErrorCode::kExhausted, "no memory for the runs that were left");
    Head& head = At(slot);
    head.left = 1;
    if (entry.run.has_began()) Put(slot, entry.run.began());
    if (entry.run.has_ended()) PutEnded(slot, entry.run.ended());
  }
  return {};
}

RunLedger::Head& RunLedger::At(Slot slot) {
  return *reinterpret_cast<Head*>(mapping_.bytes().data() + OffsetOf(slot));
}

// Memory is asked for before it is touched: a file system that is full must not be SIGBUS here.
bool RunLedger::Grow() {
  if (made_ + kGrowSlots > bounds::kLedgerSlots) return false;
  constexpr off_t kBytes = kGrowSlots * bounds::kLedgerSlotBytes;
  if (posix_fallocate(file_.get(), OffsetOf(made_), kBytes) != 0) return false;
  for (size_t i = 0; i < kGrowSlots; ++i) free_.push(made_++);
  return true;
}

RunLedger::Slot RunLedger::Take() {
  if (free_.empty() && !Grow()) return kNone;
  Slot slot = free_.top();
  free_.pop();
  ++used_;
  Head& head = At(slot);
  head = Head{};
  head.order = next_order_++;
  return slot;
}

void RunLedger::Put(Slot slot, const proto::RunBegan& began) {
  Head& head = At(slot);
  head.began_bytes = static_cast<uint32_t>(began.ByteSizeLong());
  CHECK(head.began_bytes <= Head::kRoom);
  began.SerializeToArray(head.content(), static_cast<int>(head.began_bytes));
  head.Set(kBegan);
}

void RunLedger::PutEnded(Slot slot, const proto::RunEnded& ended) {
  Head& head = At(slot);
  size_t room = Head::kRoom - head.began_bytes;
  auto put = [&](const proto::RunEnded& message) {
    head.ended_bytes = static_cast<uint32_t>(message.ByteSizeLong());
    CHECK(head.ended_bytes <= room);
    message.SerializeToArray(head.content() + head.began_bytes, static_cast<int>(head.ended_bytes));
  };
  if (ended.ByteSizeLong() <= room)
    put(ended);
  else
    put(Shortened(ended, room));
  head.Set(kEnded);
}

RunLedger::Slot RunLedger::Begin(const proto::RunBegan& began) {
  if (began.ByteSizeLong() > bounds::kLedgerBeganBytes) return kNone;
  Slot slot = Take();
  if (slot != kNone) Put(slot, began);
  return slot;
}

RunLedger::Slot RunLedger::End(Slot slot, const proto::RunEnded& ended) {
  if (slot == kNone) slot = Take();
  if (slot != kNone) PutEnded(slot, ended);
  return slot;
}

void RunLedger::Free(Slot slot) {
  if (slot == kNone) return;
  At(slot).Set(kFree);
  --used_;
  free_.push(slot);
}

// Read, not mapped: it may be cut short at any time, for all that its reader knows.
Result<std::vector<RunLedger::Entry>> RunLedger::Read(const Fd& fd) {
  std::vector<std::pair<uint64_t, Entry>> found;
  std::vector<char> bytes(bounds::kLedgerSlotBytes);
  auto read_at = [&](off_t offset) {
    return pread(fd.get(), bytes.data(), bytes.size(), offset) ==
           static_cast<ssize_t>(bytes.size());
  };
  if (!read_at(0)) return std::vector<Entry>();  // nothing was ever in it
  if (memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
    return Fail(ErrorCode::kUnsupported, "not a ledger of runs of this version");
  for (Slot slot = 0; slot < bounds::kLedgerSlots && read_at(OffsetOf(slot)); ++slot) {
    Head head;
    memcpy(&head, bytes.data(), sizeof head);
    if (head.state != kBegan && head.state != kEnded) continue;
    if (head.began_bytes > Head::kRoom || head.ended_bytes > Head::kRoom - head.began_bytes)
      continue;
    Entry entry;
    entry.left = head.left != 0;
    entry.slot = slot;
    const char* content = bytes.data() + sizeof head;
    bool good = true;
    if (head.began_bytes > 0)
      good = entry.run.mutable_began()->ParseFromArray(content, static_cast<int>(head.began_bytes));
    if (good && head.state == kEnded)
      good = entry.run.mutable_ended()->ParseFromArray(content + head.began_bytes,
                                                       static_cast<int>(head.ended_bytes));
    if (good) found.emplace_back(head.order, std::move(entry));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Entry> entries;
  for (auto& [order, entry] : found) entries.push_back(std::move(entry));
  return entries;
}

}  // namespace nightjar
