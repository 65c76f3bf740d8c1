// Months of traces, with crashes between any two steps and a keeper that is away for days, against
// a model of three lines: what the rule keeps is there, and what it does not keep is gone.
//
// The index is a real file (in memory, where a sync costs nothing), the store is a map; a crash
// throws away the process's state and goes on with the files as they were at that moment.
// NIGHTJAR_RETENTION_SEED repeats a run.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "ipc/core/check.h"
#include "supervisor/writer/keeper.h"
#include "supervisor/writer/trace_builder.h"
#include "supervisor/writer/trace_pack.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/writer/memory_store.h"

namespace nightjar::testing {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr const char* kCanvas = "demo";
constexpr int kDays = 80;

struct Crash {};

// The process may die before and after everything that it does to the outside.
class Steps {
 public:
  explicit Steps(std::mt19937_64& random) : random_(random) {}
  void Arm() {
    left_ = std::uniform_int_distribution<int>(1, random_() % 3 == 0 ? 60 : 6000)(random_);
  }
  void ArmSoon(int most) { left_ = std::uniform_int_distribution<int>(1, most)(random_); }
  void Disarm() { left_ = -1; }
  void Step() {
    if (left_ > 0 && --left_ == 0) throw Crash();
  }

 private:
  std::mt19937_64& random_;
  int left_ = -1;
};

// What a store is to one process: it outlives it, and so do the objects.
class SteppedStore final : public ObjectStore {
  template <typename F>
  auto Stepped(F&& f) {
    steps_.Step();
    auto done = f();
    steps_.Step();
    return done;
  }

 public:
  SteppedStore(MemoryStore& store, Steps& steps) : store_(store), steps_(steps) {}
  Status Put(std::string_view key, std::string_view object) override {
    return Stepped([&] { return store_.Put(key, object); });
  }
  Result<std::string> Get(std::string_view key, size_t bytes_max) override {
    return store_.Get(key, bytes_max);
  }
  Status Delete(std::string_view key) override {
    return Stepped([&] { return store_.Delete(key); });
  }
  Status Replace(std::string_view key, std::string_view object) override {
    return Stepped([&] { return store_.Replace(key, object); });
  }
  Status Copy(std::string_view from, std::string_view to) override {
    return Stepped([&] { return store_.Copy(from, to); });
  }
  Result<bool> ExpireBefore(std::string_view day) override {
    return Stepped([&] { return store_.ExpireBefore(day); });
  }

 private:
  MemoryStore& store_;
  Steps& steps_;
};

struct Handler {
  Tlid tlid = 0;
  double traces_a_day = 0;
  std::deque<RunId> last;  // the rule's ten; RunId() where one was deleted
  bool deployed = true;
  WallTime removed{};
};

class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest() {
    const char* given = getenv("NIGHTJAR_RETENTION_SEED");
    seed_ = given != nullptr ? strtoull(given, nullptr, 10) : std::random_device()();
    random_.seed(seed_);
    printf("retention: seed %llu\n", static_cast<unsigned long long>(seed_));
    char path[] = "/dev/shm/nightjar-retention-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    root_ = path;
    const double rates[] = {0.1, 0.5, 1, 1, 3, 9, 10, 11, 30, 150, 400};
    for (double rate : rates) handlers_.push_back({handlers_.size() + 1, rate, {}, true, {}});
    Open();
  }
  ~RetentionTest() override {
    archive_.reset();
    std::filesystem::remove_all(root_);
  }

  std::string Dir() const { return root_ + "/" + std::to_string(lives_); }

  void Open() {
    std::filesystem::create_directories(Dir());
    archive_ = std::make_unique<Archive>(std::make_unique<SteppedStore>(store_, steps_),
                                         *TraceIndex::Create(Dir() + "/index.db", clock_),
                                         *Catalog::Create(Dir() + "/catalog.db", clock_),
                                         *MissedIndex::Create(Dir() + "/missed.db"), clock_);
    keeper_.emplace(
        archive_->objects(),
        [this](const auto& call) {
          steps_.Step();
          TrafficMeanwhile();
          call(*archive_);
          steps_.Step();
          return true;
        },
        clock_);
  }

  // The files as they are now are what the next process finds: what was not committed is gone.
  void Restart() {
    ++crashes_;
    const std::string before = Dir();
    ++lives_;
    std::filesystem::create_directories(Dir());
    for (const char* name : {"index.db", "catalog.db", "missed.db"})
      for (const char* part : {"", "-wal"})
        if (std::filesystem::exists(before + "/" + name + part))
          std::filesystem::copy(before + "/" + name + part, Dir() + "/" + name + part);
    steps_.Disarm();
    keeper_.reset();
    archive_.reset();
    std::filesystem::remove_all(before);
    Open();
    // What was not acknowledged comes again, as from the supervisor.
    for (auto& [run, tlid] : std::exchange(unacknowledged_, {})) Store(run, tlid, true);
    Commit();
    if (unacknowledged_patch_) StorePatch(true);
    if (crashing_) steps_.Arm();
  }

  // Does something that a crash may cut short; false: it did.
  template <typename F>
  bool Alive(F&& f) {
    try {
      f();
      return true;
    } catch (const Crash&) {
      Restart();
      return false;
    }
  }

  void Store(const RunId& run, Tlid tlid, bool resumed) {
    unacknowledged_.emplace_back(run, tlid);
    SealedRun sealed;
    sealed.run = run;
    sealed.resumed = resumed;
    sealed.row.set_run_id(run.ToString());
    sealed.row.set_canvas(kCanvas);
    sealed.row.set_tlid(tlid);
    sealed.touched.add_functions("f" + std::to_string(tlid));
    proto::StoredRun stored;
    *stored.mutable_row() = sealed.row;
    sealed.object = TraceBuilder(compressor_).Seal(std::move(stored));
    steps_.Step();
    archive_->Store(std::move(sealed));
    steps_.Step();
  }

  // A function of a stored run, run alone. Cut short, the patch comes again with the restart.
  void PatchSome() {
    if (runs_.empty()) return;
    if (crashing_ && random_() % 2 == 0) steps_.ArmSoon(8);
    const RunId base = runs_[runs_.size() - 1 - random_() % std::min<size_t>(runs_.size(), 300)];
    clock_.Advance(std::chrono::milliseconds(2));
    unacknowledged_patch_ = {base, RunId::New(clock_.Wall())};
    Alive([&] { StorePatch(false); });
  }

  void StorePatch(bool resumed) {
    const auto [base, run] = *unacknowledged_patch_;
    SealedRun sealed;
    sealed.run = run;
    sealed.resumed = resumed;
    sealed.row.set_run_id(run.ToString());
    sealed.row.set_canvas(kCanvas);
    sealed.row.mutable_patch()->set_run_id(base.ToString());
    proto::StoredRun stored;
    *stored.mutable_row() = sealed.row;
    sealed.object = TraceBuilder(compressor_).Seal(std::move(stored));
    steps_.Step();
    archive_->Store(std::move(sealed));
    steps_.Step();
    std::vector<StoredRun> told = archive_->Commit();
    for (const StoredRun& one : told)
      if (one.run == run && one.error.empty()) patches_[base].push_back(run);
    unacknowledged_patch_.reset();
    steps_.Step();
  }

  // Small ones of a day into one object, as the uploader does it.
  void PackSome() {
    std::vector<RunId> runs;
    std::vector<std::string> keys;
    TracePack pack(compressor_);
    for (auto at = runs_.rbegin(); at != runs_.rend() && runs.size() < 5; ++at) {
      auto found = archive_->index().Get(kCanvas, *at);
      const std::string key = *TraceKey(kCanvas, *at);
      bool same_day = runs.empty() || *TraceDay::Of(runs[0]) == *TraceDay::Of(*at);
      if (!same_day) break;
      if (!found || found->object_key != key || !pack.Add(store_.objects[key])) continue;
      runs.push_back(*at);
      keys.push_back(key);
    }
    if (runs.size() < 2) return;
    const std::string to = PackKey(keys[0], RunId::New(clock_.Wall()));
    const std::string object = pack.Seal();
    if (crashing_ && random_() % 3 == 0) steps_.ArmSoon(8);
    bool alive = Alive([&] {
      steps_.Step();
      store_.objects[to] = object;
      steps_.Step();
      if (random_() % 2 == 0) DeleteOne(runs[0]);
      Status done = Fail(ErrorCode::kInternal, "nobody said");
      archive_->MoveObjects(keys, to, [&](const Status& moved) { done = moved; });
      Commit();
      EXPECT_TRUE(done);
      for (const std::string& key : keys) {
        steps_.Step();
        store_.objects.erase(key);
      }
    });
    if (alive) return;
    // Whose rows never came to it: it expires where it is.
    auto found = archive_->index().Get(kCanvas, runs[1]);
    if (!found || found->object_key != to) orphans_.insert(to);
  }

  void DeleteSome() {
    if (runs_.empty()) return;
    if (crashing_ && random_() % 2 == 0) steps_.ArmSoon(20);
    DeleteOne(runs_[runs_.size() - 1 -
                    random_() % std::min<size_t>(runs_.size(), random_() % 2 == 0 ? 100 : 3000)]);
  }

  void DeleteOne(RunId run) {  // a copy: runs_ may grow
    proto::DeleteTrace order;
    order.set_canvas(kCanvas);
    order.set_run_id(std::string(run.bytes()));
    order.set_reason("why");
    const bool held = held_.contains(run);
    Result<proto::TraceDeleted> done = Fail(ErrorCode::kInternal, "it died");
    try {
      done = keeper_->Delete(order);
    } catch (const Crash&) {
      Restart();
      NoteIfDeleted(run);
      return;
    }
    EXPECT_FALSE(held && done);
    NoteIfDeleted(run);
    if (done && unacknowledged_.empty() && random_() % 3 == 0) StoreAgain(run);
  }

  void NoteIfDeleted(RunId run) {
    auto noted = archive_->index().deletions().Find(kCanvas, run);
    ASSERT_TRUE(noted);
    if (!*noted || !deleted_.insert(run).second) return;
    for (const RunId& patch : patches_[run]) gone_patches_.insert(patch.ToString());
    patches_.erase(run);
    std::erase(runs_, run);
    for (Handler& handler : handlers_)
      std::replace(handler.last.begin(), handler.last.end(), run, RunId());
  }

  // Its supervisor had not heard of it.
  void StoreAgain(RunId run) {
    // No step, and no crash: the model knows of no run that is told and not acknowledged twice.
    SealedRun sealed;
    sealed.run = run;
    sealed.resumed = true;
    sealed.row.set_run_id(run.ToString());
    sealed.row.set_canvas(kCanvas);
    sealed.object = "what it was";
    steps_.Disarm();
    archive_->Store(std::move(sealed));
    for (const StoredRun& stored : archive_->Commit()) EXPECT_EQ(stored.error, "");
    if (crashing_) steps_.Arm();
  }

  void Commit() {
    steps_.Step();
    std::vector<StoredRun> stored = archive_->Commit();
    ASSERT_EQ(stored.size(), unacknowledged_.size());
    for (const StoredRun& run : stored) ASSERT_EQ(run.error, "");
    for (const auto& [run, tlid] : std::exchange(unacknowledged_, {})) {
      ++traces_;
      runs_.push_back(run);
      Handler& handler = handlers_[tlid - 1];
      handler.last.push_back(run);
      if (handler.last.size() > bounds::kRingSlots) handler.last.pop_front();
    }
    steps_.Step();
  }

  // The keeper is no obstacle to requests: they come between any two things that it asks for.
  void TrafficMeanwhile() {
    if (random_() % 4 != 0) return;
    const Handler& handler = handlers_[random_() % handlers_.size()];
    if (!handler.deployed) return;
    for (auto count = 1 + random_() % 12; count > 0; --count) {
      clock_.Advance(std::chrono::milliseconds(2));
      Store(RunId::New(clock_.Wall()), handler.tlid, false);
    }
    Commit();
  }

  // An hour of requests.
  void Traffic() {
    for (Handler& handler : handlers_) {
      if (!handler.deployed) continue;
      int count = std::poisson_distribution<int>(handler.traces_a_day / 24)(random_);
      for (int i = 0; i < count; ++i) {
        clock_.Advance(std::chrono::milliseconds(2));
        RunId run = RunId::New(clock_.Wall());
        // Cut short, the run comes again with the restart.
        Alive([&] { Store(run, handler.tlid, false); });
        if (random_() % 20 == 0) Alive([&] { Commit(); });
      }
    }
    Alive([&] { Commit(); });
  }

  void Deploy() {
    proto::Manifest manifest;
    for (const Handler& handler : handlers_)
      if (handler.deployed) manifest.add_handlers()->set_tlid(handler.tlid);
    // A deploy that was cut short is tried again, under the next number.
    for (bool done = false; !done;)
      done = Alive([&] {
        steps_.Step();
        Status saved = archive_->SaveRevision({kCanvas, ++revision_, "", "", manifest, ""});
        ASSERT_TRUE(saved) << saved.error().ToString();
        steps_.Step();
      });
  }

  void AddOrRemoveAHandler() {
    Handler& handler = handlers_[random_() % handlers_.size()];
    handler.deployed = !handler.deployed;
    Deploy();
    handler.removed = clock_.Wall();
  }

  void Round() {
    ForgetRemoved();
    if (crashing_ && random_() % 6 == 0) steps_.ArmSoon(40);
    whole_round_ = false;
    bool alive = Alive([&] { whole_round_ = keeper_->Round().has_value(); });
    if (!alive) whole_round_ = false;
    EXPECT_TRUE(whole_round_ || store_.away || !alive);
  }

  // From here on they may be emptied.
  void ForgetRemoved() {
    for (Handler& handler : handlers_)
      if (!handler.deployed && handler.removed < clock_.Wall() - bounds::kHandlerGone)
        handler.last.clear();
  }

  void HoldOrRelease() {
    if (crashing_ && random_() % 2 == 0) steps_.ArmSoon(20);
    if (held_.empty() || random_() % 3 != 0) {
      if (runs_.empty()) return;
      RunId run =
          runs_[runs_.size() - 1 -
                random_() % std::min<size_t>(runs_.size(), random_() % 2 == 0 ? 100 : 3000)];
      proto::HoldTrace order;
      order.set_canvas(kCanvas);
      order.set_run_id(std::string(run.bytes()));
      order.set_reason("why");
      bool held = false;
      if (!Alive([&] { held = keeper_->Hold(order).has_value(); }))
        held = archive_->index().holds().Find(kCanvas, run).has_value();  // it had got so far
      if (held) held_.insert(run);
      return;
    }
    RunId run = *std::next(held_.begin(), static_cast<long>(random_() % held_.size()));
    proto::ReleaseTrace order;
    order.set_canvas(kCanvas);
    order.set_run_id(std::string(run.bytes()));
    if (!Alive([&] { EXPECT_TRUE(keeper_->Release(order)); }) &&
        archive_->index().holds().Find(kCanvas, run))
      return;
    held_.erase(run);
  }

  // "": it can be read.
  std::string Trouble(const RunId& run) {
    auto found = archive_->index().Get(kCanvas, run);
    if (!found) return found.error().ToString();
    auto object = store_.Get(found->object_key, bounds::kTraceContainerBytes);
    if (!object) return "its object is not there: " + found->object_key;
    auto reader = TraceReader::Open(*object);
    if (!reader || reader->Find(run) == nullptr) return "another run's object";
    return TroubleOfPatches(run, *found);
  }

  std::string TroubleOfPatches(const RunId& base, const IndexedTrace& found) {
    auto patches = archive_->index().PatchesOf(found);
    if (!patches) return patches.error().ToString();
    std::vector<RunId> runs;
    for (const IndexedTrace& patch : *patches) {
      runs.push_back(*RunId::Parse(patch.row.run_id()));
      auto reader = TraceReader::Open(store_.objects[patch.object_key]);
      if (!reader || reader->Find(runs.back()) == nullptr)
        return "a patch is not there: " + patch.object_key;
    }
    auto known = patches_.find(base);
    if (known == patches_.end()) return runs.empty() ? "" : "patches that nobody made";
    return runs == known->second ? "" : "other patches than there were";
  }

  void ExpectKept() {
    const int64_t week = UnixMillis(clock_.Wall() - days(7));
    for (auto at = runs_.rbegin(); at != runs_.rend() && at->unix_ms() >= week; ++at)
      ASSERT_EQ(Trouble(*at), "") << "of this week: " << at->ToString();
    for (const RunId& run : held_) ASSERT_EQ(Trouble(run), "") << "held: " << run.ToString();
    for (const Handler& handler : handlers_) {
      for (const RunId& run : handler.last)
        if (run != RunId()) {
          ASSERT_EQ(Trouble(run), "") << "one of the last ten of " << handler.tlid;
        }
      ExpectListed(handler);
    }
  }

  // The key of a patch's base; another key as it is.
  static std::string OfBase(const std::string& key) {
    size_t plus = key.find('+');
    return plus == key.npos ? key : key.substr(0, plus) + ".njt";
  }

  void ExpectListed(const Handler& handler) {
    proto::ListTraces question;
    question.set_canvas(kCanvas);
    question.set_tlid(handler.tlid);
    question.set_function("f" + std::to_string(handler.tlid));
    question.set_rows_max(bounds::kRingSlots);
    auto list = archive_->index().List(question);
    ASSERT_TRUE(list) << list.error().ToString();
    std::vector<std::string> listed;
    for (const proto::TraceRow& row : list->traces()) listed.push_back(row.run_id());
    for (const RunId& run : handler.last)
      if (run != RunId()) {
        ASSERT_EQ(std::count(listed.begin(), listed.end(), run.ToString()), 1)
            << run.ToString() << " of " << handler.tlid;
      }
  }

  // After a whole round.
  void ExpectGone() {
    const TraceDay first = TraceDay::Of(clock_.Wall()).Before(bounds::kTraceDays);
    auto index_days = archive_->index().days().Days();
    for (TraceDay day : *index_days) EXPECT_GE(day, first);
    std::set<std::string> evidence;
    for (const RunId& run : held_) evidence.insert(*EvidenceKey(kCanvas, run));
    std::map<Tlid, size_t> kept;
    for (const auto& [key, object] : store_.objects) {
      if (key.starts_with("week/")) {
        EXPECT_GE(key.substr(5, 10), first.Text()) << key;
      } else if (key.starts_with("evidence/")) {
        EXPECT_TRUE(evidence.contains(OfBase(key))) << key;
      } else if (key == OfBase(key)) {
        ++kept[std::stoull(key.substr(10))];
      } else {
        EXPECT_TRUE(store_.objects.contains(OfBase(key))) << key;
      }
    }
    for (const Handler& handler : handlers_) {
      EXPECT_LE(kept[handler.tlid], bounds::kRingSlots);
      bool gone = !handler.deployed && handler.removed < clock_.Wall() - bounds::kHandlerGone;
      if (gone) {
        EXPECT_EQ(kept[handler.tlid], 0u) << handler.tlid;
      }
    }
    ExpectNothingOfDeleted();
    // Of long ago, neither of the last ten nor held.
    std::set<RunId> stays(held_.begin(), held_.end());
    for (const Handler& handler : handlers_) stays.insert(handler.last.begin(), handler.last.end());
    for (int i = 0; i < 20 && !runs_.empty(); ++i) {
      const RunId& run = runs_[random_() % runs_.size()];
      if (*TraceDay::Of(run) >= first || stays.contains(run)) continue;
      auto found = archive_->index().Get(kCanvas, run);
      // A handler that came back late may have its old rows until they are written over.
      if (!found) {
        EXPECT_EQ(found.error().code, ErrorCode::kExpired) << found.error().ToString();
      }
    }
  }

  void ExpectNothingOfDeleted() {
    std::set<std::string> ids;
    for (const RunId& run : deleted_) {
      ids.insert(run.ToString());
      auto found = archive_->index().Get(kCanvas, run);
      ASSERT_FALSE(found) << run.ToString();
      ErrorCode code = found.error().code;
      EXPECT_TRUE(code == ErrorCode::kDeleted || code == ErrorCode::kExpired);
    }
    for (const auto& [key, object] : store_.objects) {
      if (orphans_.contains(key)) continue;
      if (key != OfBase(key)) {
        EXPECT_FALSE(gone_patches_.contains(key.substr(key.find('+') + 1, 36))) << key;
        continue;
      }
      if (auto single = TraceKeyParts(key)) {
        EXPECT_FALSE(deleted_.contains(single->run)) << key;
        continue;
      }
      TracePack runs(compressor_);
      EXPECT_TRUE(runs.Add(object, [&](const proto::StoredRun& stored) {
        EXPECT_FALSE(ids.contains(stored.row().run_id())) << key;
        return true;
      }));
    }
    EXPECT_EQ(archive_->index().deletions().Erasures({}, 10)->size(), 0u);
  }

  std::mt19937_64 random_;
  unsigned long long seed_ = 0;
  std::string root_;
  FakeClock clock_;
  Compressor compressor_;
  MemoryStore store_;
  Steps steps_{random_};
  std::unique_ptr<Archive> archive_;
  std::optional<Keeper> keeper_;
  int lives_ = 0, crashes_ = 0;
  bool crashing_ = true;
  RevisionNumber revision_ = 0;
  std::vector<Handler> handlers_;
  std::vector<std::pair<RunId, Tlid>> unacknowledged_;
  std::vector<RunId> runs_;  // all that were acknowledged
  std::set<RunId> held_;
  std::set<RunId> deleted_;
  std::map<RunId, std::vector<RunId>> patches_;                  // by base, oldest first
  std::set<std::string> gone_patches_;                           // whose bases were deleted
  std::optional<std::pair<RunId, RunId>> unacknowledged_patch_;  // and its base, first
  std::set<std::string> orphans_;  // packs that a crash left without rows
  size_t traces_ = 0;
  bool whole_round_ = false;
};

TEST_F(RetentionTest, KeepsWhatTheRuleKeepsAndNothingElseForMonths) {
  Deploy();
  steps_.Arm();
  int keeper_back = 0;  // the day on which it is
  int outages = 0;
  for (int day = 0; day < kDays && !HasFatalFailure(); ++day) {
    if (day >= keeper_back && random_() % 12 == 0) {
      keeper_back = day + 1 + static_cast<int>(random_() % 12);
      store_.away = random_() % 2 == 0;  // it tries, and cannot
      ++outages;
    }
    if (day == keeper_back) store_.away = false;
    if (day > kDays - 20) {  // at last all is well
      keeper_back = 0;
      store_.away = crashing_ = false;
      steps_.Disarm();
    }
    for (int hour = 0; hour < 24; ++hour) {
      clock_.Advance(hours(1));
      Traffic();
      if (random_() % 60 == 0) AddOrRemoveAHandler();
      if (!store_.away && random_() % 8 == 0) HoldOrRelease();
      if (random_() % 12 == 0) PackSome();
      if (random_() % 6 == 0) DeleteSome();
      if (random_() % 6 == 0) PatchSome();
      if (hour % 6 == 0 && (day >= keeper_back || store_.away)) Round();
    }
    ExpectKept();
    if (day >= keeper_back) Round();
    if (day >= keeper_back && whole_round_) ExpectGone();
    ExpectKept();
  }
  printf(
      "retention: %zu traces, %d crashes, %d outages, %zu held, %zu deleted, %zu patched, "
      "%d copies\n",
      traces_, crashes_, outages, held_.size(), deleted_.size(), patches_.size(), store_.copies);
  EXPECT_GT(deleted_.size(), 20u);
  EXPECT_GT(crashes_, 5);
  EXPECT_TRUE(whole_round_);
}

}  // namespace
}  // namespace nightjar::testing
