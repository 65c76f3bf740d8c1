// The spool and its uploader, against a store that a test can take away.

#include "supervisor/writer/s3/uploader.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <condition_variable>
#include <fstream>
#include <future>

#include "supervisor/writer/drain.h"
#include "supervisor/writer/s3/spooled_store.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar {
namespace {

using nightjar::testing::Began;
using nightjar::testing::Ended;
using nightjar::testing::FakeWorker;
using nightjar::testing::RunAt;
using nightjar::testing::TempDir;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Answers at once, on the thread that asks.
class FakeRemote final : public RemoteStore {
 public:
  Status Put(std::string_view key, std::string_view object) override {
    std::lock_guard lock(mutex_);
    objects_[std::string(key)] = object;
    return {};
  }
  Result<std::string> Get(std::string_view key, size_t) override {
    std::lock_guard lock(mutex_);
    auto found = objects_.find(std::string(key));
    if (found == objects_.end()) return Fail(ErrorCode::kNotFound, "not in the store");
    return found->second;
  }
  Status Delete(std::string_view key) override {
    std::lock_guard lock(mutex_);
    objects_.erase(std::string(key));
    return {};
  }
  Status Copy(std::string_view from, std::string_view to) override {
    std::lock_guard lock(mutex_);
    auto found = objects_.find(std::string(from));
    if (found == objects_.end()) return Fail(ErrorCode::kNotFound, "not in the store");
    objects_[std::string(to)] = found->second;
    return {};
  }
  void PutLater(const std::string& key, std::shared_ptr<const std::string> object,
                std::function<void(Status)> done) override {
    Status status;
    {
      std::unique_lock lock(mutex_);
      ++puts_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !held_up_; });
      status = key == refused_ ? Status(Fail(ErrorCode::kInvalid, "not this one")) : answer_;
      if (status) objects_[key] = *object;
    }
    changed_.notify_all();
    done(status);
  }
  void Prepare(std::function<void(Status)> done) override { done({}); }
  std::string SignedUrl(std::string_view) const override { return "http://signed"; }

  void AnswerWith(Status answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  // Of those that are put from now on none arrives.
  void HoldUp() {
    std::lock_guard lock(mutex_);
    held_up_ = true;
  }
  void GoOn() {
    std::lock_guard lock(mutex_);
    held_up_ = false;
    changed_.notify_all();
  }
  void Refuse(const std::string& key) { refused_ = key; }
  bool Has(const std::string& key) { return Get(key, 0).has_value(); }
  size_t puts() {
    std::lock_guard lock(mutex_);
    return puts_;
  }
  std::vector<std::string> Keys() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> keys;
    for (const auto& [key, object] : objects_) keys.push_back(key);
    return keys;
  }
  bool AwaitPuts(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return puts_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> objects_;
  Status answer_;
  size_t puts_ = 0;
  bool held_up_ = false;
  std::string refused_;
};

class UploaderTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kSpoolBytes = 1 << 20;

  UploaderTest() { Open(); }
  ~UploaderTest() override { Close(); }

  // A writer's start, and its end, in order or not.
  void Open() {
    spool_ = *Spool::Create(dir_ / "traces", kSpoolBytes);
    archive_ = *Archive::Open(dir_.path(), clock_, std::make_unique<SpooledStore>(spool_, remote_));
    thread_ = std::make_unique<TaskThread>("archive", 100'000, [this] { return Commit(); });
  }
  // As the writer's own thread does between its tasks.
  std::optional<MonoTime> Commit() {
    auto due = archive_->Due();
    if (!due || *due > clock_.Mono()) return due;
    archive_->Commit();
    return std::nullopt;
  }
  void StartUploading() {
    uploader_ = std::make_unique<Uploader>(
        spool_, remote_, clock_,
        [this](std::function<void(Archive&)> task) {
          return thread_->Add([this, task = std::move(task)] { task(*archive_); });
        },
        Uploader::Options{milliseconds(2), milliseconds(10), set_aside_, milliseconds(20)});
  }
  void Close() {
    uploader_.reset();
    thread_.reset();
    archive_.reset();
    spool_.reset();
  }

  // On the archive's thread, to its end.
  void AtArchive(std::function<void(Archive&)> task) {
    std::promise<void> done;
    ASSERT_TRUE(thread_->Add([&] {
      task(*archive_);
      done.set_value();
    }));
    done.get_future().wait();
  }
  SealedRun Sealed(const RunId& run, const std::string& canvas = "demo") {
    FakeWorker worker;
    Drain drain(clock_);
    EXPECT_TRUE(drain.Attach(1, canvas, worker.ring()));
    EXPECT_TRUE(drain.Begin(Began(1, run, canvas)));
    worker.WholeRun(run, 3);
    return *drain.End(Ended(1, run));
  }
  // Stored, and its row is safe.
  void Store(const RunId& run, const std::string& canvas = "demo") {
    AtArchive([&](Archive& archive) {
      archive.Store(Sealed(run, canvas));
      archive.Commit();
    });
  }
  static std::string KeyOf(const RunId& run, const std::string& canvas = "demo") {
    return *TraceKey(canvas, run);
  }
  template <typename Fact>
  bool Eventually(Fact fact) {
    auto until = clock_.Mono() + std::chrono::seconds(10);
    while (!fact()) {
      if (clock_.Mono() > until) return false;
      poll(nullptr, 0, 1);
    }
    return true;
  }
  bool AllThere(const std::vector<RunId>& runs) {
    return Eventually([&] { return spool_->objects() == 0; }) &&
           std::all_of(runs.begin(), runs.end(), [&](const RunId& run) { return Reads(run); });
  }
  // Wherever it lies by now.
  bool Reads(const RunId& run) {
    bool good = false;
    AtArchive([&](Archive& archive) {
      auto found = archive.index().Get("demo", run);
      ASSERT_TRUE(found) << found.error().ToString();
      auto object = archive.objects().Get(found->object_key, bounds::kTraceContainerBytes);
      ASSERT_TRUE(object) << object.error().ToString();
      auto reader = TraceReader::Open(*object);
      good = reader && reader->Find(run) != nullptr;
    });
    return good;
  }

  TempDir dir_;
  SystemClock clock_;
  Nanos set_aside_ = milliseconds(20);
  FakeRemote remote_;
  std::shared_ptr<Spool> spool_;
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<TaskThread> thread_;
  std::unique_ptr<Uploader> uploader_;
};

TEST_F(UploaderTest, TakesWhatIsStoredToTheStore) {
  const RunId run = RunAt(1);
  StartUploading();
  Store(run);
  EXPECT_TRUE(AllThere({run}));
  EXPECT_TRUE(Eventually([&] { return uploader_->figures().uploaded_objects() == 1; }));
  EXPECT_EQ(spool_->bytes(), 0u);
}

TEST_F(UploaderTest, FindsWhatAnEarlierWriterLeft) {
  std::vector<RunId> runs;
  for (int i = 1; i <= 600; ++i) {  // more than are looked at in one go
    runs.push_back(RunAt(i));
    Store(runs.back());
  }
  Close();
  Open();
  EXPECT_EQ(spool_->objects(), 600u);
  EXPECT_GT(spool_->bytes(), 600u);
  StartUploading();
  EXPECT_TRUE(AllThere(runs));
}

// Its writer died between the object and the row. The next one is told of the run again, and may
// need what the spool has of it.
TEST_F(UploaderTest, LeavesAnObjectWithoutARowForAWhile) {
  set_aside_ = milliseconds(1000);
  const RunId run = RunAt(1), other = RunAt(1000), third = RunAt(2);
  AtArchive([&](Archive& archive) {
    archive.Store(Sealed(run));  // and no Commit()
    EXPECT_FALSE(archive.IsListed(KeyOf(run)));
  });
  Store(other, "other");  // commits that one too
  AtArchive([&](Archive& archive) { EXPECT_TRUE(archive.IsListed(KeyOf(run))); });
  ASSERT_TRUE(spool_->Put(KeyOf(third), "an orphan"));
  StartUploading();
  ASSERT_TRUE(remote_.AwaitPuts(2));
  EXPECT_TRUE(Eventually([&] { return spool_->objects() == 1; }));
  EXPECT_TRUE(spool_->Has(KeyOf(third)));
  // In the end it goes where it expires.
  EXPECT_TRUE(Eventually([&] { return remote_.Has(KeyOf(third)) && spool_->objects() == 0; }));
}

TEST_F(UploaderTest, KnocksWhileTheStoreIsAwayAndGoesOnByItself) {
  remote_.AnswerWith(Fail(ErrorCode::kUnavailable, "it is away"));
  StartUploading();
  std::vector<RunId> runs;
  for (int i = 1; i <= 50; ++i) {
    runs.push_back(RunAt(i));
    Store(runs.back());
  }
  ASSERT_TRUE(remote_.AwaitPuts(5));
  EXPECT_FALSE(uploader_->figures().available());
  EXPECT_EQ(uploader_->figures().uploaded_objects(), 0u);
  EXPECT_GE(uploader_->figures().failed_unavailable(), 4u);
  EXPECT_EQ(spool_->objects(), 50u);
  EXPECT_TRUE(Reads(runs[7])) << "out of the spool";
  remote_.AnswerWith({});
  EXPECT_TRUE(AllThere(runs));
  EXPECT_TRUE(uploader_->figures().available());
}

TEST_F(UploaderTest, PassesOverAnObjectThatTheStoreDoesNotTake) {
  const RunId run = RunAt(1), other = RunAt(2);
  remote_.Refuse(KeyOf(run, "other"));
  Store(run, "other");
  Store(other);
  StartUploading();
  EXPECT_TRUE(Eventually([&] { return remote_.Has(KeyOf(other)); }));
  EXPECT_TRUE(Eventually([&] { return spool_->objects() == 1; }));
  EXPECT_GE(uploader_->figures().failed_refused(), 1u);
  EXPECT_TRUE(spool_->Has(KeyOf(run, "other")));
}

TEST_F(UploaderTest, DropsWhatFindsTheSpoolFullAndSaysSo) {
  const RunId run = RunAt(1), other = RunAt(2);
  ASSERT_TRUE(spool_->Put("week/2023-11-14/demo/filler", std::string(kSpoolBytes - 10, 'x')));
  Store(run);
  AtArchive([&](Archive& archive) {
    auto found = archive.index().Get("demo", run);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->object_key, "");
    EXPECT_THAT(found->row.detail(), HasSubstr("its trace was lost: the spool is full"));
  });
  EXPECT_EQ(spool_->dropped(), 1u);
  StartUploading();
  ASSERT_TRUE(Eventually([&] { return spool_->objects() == 0; }));
  Store(other);
  EXPECT_TRUE(AllThere({other}));
  EXPECT_EQ(uploader_->figures().dropped(), 1u);
}

TEST_F(UploaderTest, ForgetsNoObjectThatItHasNoRoomToRemember) {
  remote_.AnswerWith(Fail(ErrorCode::kUnavailable, "it is away"));
  StartUploading();
  ASSERT_TRUE(Eventually([&] { return thread_->Add([] {}); }));
  const size_t count = bounds::kUploadKeys + 100;
  AtArchive([&](Archive&) {
    for (size_t i = 0; i < count; ++i) {
      std::string key = "kept/demo/1/" + std::to_string(i) + ".njt";
      EXPECT_TRUE(spool_->Put(key, "x"));
      spool_->Ready(key);
    }
  });
  remote_.AnswerWith({});
  EXPECT_TRUE(Eventually([&] { return spool_->objects() == 0; }));
  EXPECT_EQ(uploader_->figures().uploaded_objects(), count);
}

TEST_F(UploaderTest, PutsSmallTracesOfACanvasIntoOneObject) {
  std::vector<RunId> runs;
  for (int i = 1; i <= 20; ++i) {
    runs.push_back(RunAt(i));
    Store(runs.back());
  }
  const RunId alone = RunAt(21);
  Store(alone, "other");
  StartUploading();
  EXPECT_TRUE(AllThere(runs));
  EXPECT_TRUE(Eventually([&] { return uploader_->figures().uploaded_objects() == 2; }));
  EXPECT_EQ(uploader_->figures().packs(), 1u);
  EXPECT_THAT(remote_.Keys(),
              ::testing::UnorderedElementsAre(HasSubstr("/demo/pack-"), KeyOf(alone, "other")));
  AtArchive([&](Archive& archive) {
    EXPECT_THAT(archive.index().Get("demo", runs[3])->object_key, HasSubstr("/demo/pack-"));
  });
}

// It keeps what somebody else moved meanwhile where they moved it to.
TEST_F(UploaderTest, LeavesARowAloneThatHasItsObjectElsewhere) {
  const RunId run = RunAt(1), other = RunAt(2);
  Store(run);
  Store(other);
  AtArchive([&](Archive& archive) {
    archive.MoveObjects({KeyOf(run)}, "kept/demo/1/0.njt",
                        [](const Status& moved) { EXPECT_TRUE(moved); });
    archive.Commit();
    std::optional<Status> done;
    archive.MoveObjects({KeyOf(run), KeyOf(other)}, "week/2023-11-14/demo/pack-x.njt",
                        [&](const Status& moved) { done = moved; });
    EXPECT_FALSE(done) << "before it is safe";
    EXPECT_TRUE(archive.Due());
    archive.Commit();
    EXPECT_TRUE(done && *done);
    EXPECT_EQ(archive.index().Get("demo", run)->object_key, "kept/demo/1/0.njt");
    EXPECT_EQ(archive.index().Get("demo", other)->object_key, "week/2023-11-14/demo/pack-x.njt");
  });
}

// What is read already is there a moment later, wherever it was removed from.
TEST_F(UploaderTest, ADeletionWaitsForAnUploadThatIsUnderWay) {
  const RunId run = RunAt(1);
  SpooledStore store(spool_, remote_);
  Store(run);
  remote_.HoldUp();
  StartUploading();
  ASSERT_TRUE(remote_.AwaitPuts(1));
  EXPECT_EQ(store.Delete(KeyOf(run)).error().code, ErrorCode::kUnavailable);
  remote_.GoOn();
  EXPECT_TRUE(Eventually([&] { return store.Delete(KeyOf(run)).has_value(); }));
  EXPECT_THAT(remote_.Keys(), SizeIs(0));
}

TEST_F(UploaderTest, UploadsADamagedObjectAlone) {
  const RunId run = RunAt(1), other = RunAt(2);
  Store(run);
  Store(other);
  ASSERT_TRUE(spool_->Put(KeyOf(run), "not a trace"));
  StartUploading();
  EXPECT_TRUE(Eventually([&] { return spool_->objects() == 0; }));
  EXPECT_THAT(remote_.Keys(), ::testing::UnorderedElementsAre(KeyOf(run), KeyOf(other)));
}

class SpoolTest : public ::testing::Test {
 protected:
  TempDir dir_;
  std::shared_ptr<Spool> spool_ = *Spool::Create(dir_ / "traces", 100);
};

TEST_F(SpoolTest, KnowsHowMuchItHolds) {
  ASSERT_TRUE(spool_->Put("week/d/c/a.njt", std::string(60, 'a')));
  EXPECT_EQ(spool_->Put("week/d/c/b.njt", std::string(41, 'b')).error().code,
            ErrorCode::kExhausted);
  ASSERT_TRUE(spool_->Put("week/d/c/a.njt", std::string(100, 'a'))) << "in the other's place";
  EXPECT_EQ(spool_->bytes(), 100u);
  EXPECT_EQ(spool_->objects(), 1u);
  EXPECT_EQ(spool_->Copy("week/d/c/a.njt", "kept/c/1/0.njt").error().code, ErrorCode::kExhausted);
  ASSERT_TRUE(spool_->Put("week/d/c/a.njt", std::string(50, 'a')));
  ASSERT_TRUE(spool_->Copy("week/d/c/a.njt", "kept/c/1/0.njt"));
  EXPECT_EQ(spool_->bytes(), 100u);
  ASSERT_TRUE(spool_->Remove("week/d/c/a.njt"));
  ASSERT_TRUE(spool_->Remove("week/d/c/a.njt")) << "what is gone is gone";
  EXPECT_EQ(spool_->bytes(), 50u);
  EXPECT_EQ(spool_->Get("kept/c/1/0.njt", 100).value(), std::string(50, 'a'));
  EXPECT_EQ((*Spool::Create(dir_ / "traces", 100))->bytes(), 50u);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "traces/week/d")) << "nothing is in it";
}

TEST(SpooledStoreTest, CopiesWhereTheObjectIs) {
  TempDir dir;
  FakeRemote remote;
  auto spool = *Spool::Create(dir / "traces", 1000);
  SpooledStore store(spool, remote);
  ASSERT_TRUE(store.Put("week/d/c/a.njt", "a"));
  ASSERT_TRUE(store.Copy("week/d/c/a.njt", "kept/c/1/0.njt"));
  EXPECT_EQ(spool->Get("kept/c/1/0.njt", 10).value(), "a");
  EXPECT_THAT(spool->TakeReady().keys, ::testing::ElementsAre("kept/c/1/0.njt"));
  EXPECT_EQ(store.Copy("week/d/c/b.njt", "kept/c/1/1.njt").error().code, ErrorCode::kNotFound);
  remote.PutLater("week/d/c/b.njt", std::make_shared<const std::string>("b"), [](Status) {});
  ASSERT_TRUE(store.Copy("week/d/c/b.njt", "kept/c/1/1.njt"));
  EXPECT_EQ(store.Copy("week/d/c/b.njt", "kept/c/1/0.njt").error().code, ErrorCode::kUnavailable)
      << "the older one would be uploaded later";
  EXPECT_EQ(store.Get("kept/c/1/1.njt", 10).value(), "b");
  EXPECT_FALSE(spool->Has("kept/c/1/1.njt"));
  EXPECT_EQ(store.Replace("kept/c/1/0.njt", "c").error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(store.Replace("kept/c/1/1.njt", "c"));
  EXPECT_EQ(store.Get("kept/c/1/1.njt", 10).value(), "c");
}

}  // namespace
}  // namespace nightjar
