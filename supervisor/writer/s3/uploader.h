// Takes what lies in the spool to the store beyond the network, and removes it here.
//
// It lives by what the spool's directory holds: after a crash it finds what was left. An object is
// taken once its row is safe; one whose row never comes (a crash between the two) after a while.
// While the store is away one upload at a time knocks, further and further apart; nobody waits for
// that but the spool. It never makes an object's row, and never holds up whoever stores a run.
//
// Small traces of one canvas and day are put together into one object, a pack. Then their rows are
// moved first, and the single objects are removed here once that is safe.
//
// A thread of its own, "nj-upload". Its owner may call figures() from any thread.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/loop/task_thread.h"
#include "supervisor/writer/archive.h"
#include "supervisor/writer/s3/remote_store.h"
#include "supervisor/writer/s3/spool.h"
#include "supervisor/writer/trace_pack.h"

namespace nightjar {

class Uploader {
 public:
  // Runs a task on the archive's thread, some time. False: it will not, ask again later.
  using AtArchive = std::function<bool(std::function<void(Archive&)> task)>;
  struct Options {
    Nanos retry_min = bounds::kUploadRetryMin;
    Nanos retry_max = bounds::kUploadRetryMax;
    Nanos set_aside = bounds::kUploadSetAside;
    Nanos pack_time = bounds::kPackTime;
  };

  // `remote` and `clock` outlive it, and so does what `at_archive` uses.
  Uploader(std::shared_ptr<Spool> spool, RemoteStore& remote, const Clock& clock,
           AtArchive at_archive, Options options);
  // Uploads under way are left to the remote store; what they were stays in the spool.
  ~Uploader();

  proto::StoreFigures figures() const;

 private:
  // What is to come back to this thread from another one, also when this is gone by then.
  struct Gate {
    std::mutex mutex;
    Uploader* uploader;  // null: gone
    void Post(std::function<void(Uploader&)> task);
  };
  // Spooled objects that travel together, or one alone.
  struct Batch {
    std::vector<std::string> keys;
    uint64_t bytes = 0;
  };
  struct Gathering {
    Batch batch;
    MonoTime until;
  };
  struct Upload {
    Batch batch;      // what is in it
    std::string key;  // under which it goes
    uint64_t bytes = 0;
    bool pack() const { return batch.keys.size() > 1; }
  };
  struct Counts {
    std::atomic<uint64_t> objects{0}, bytes{0}, packs{0};
    std::atomic<uint64_t> permission{0}, unavailable{0}, timed_out{0}, refused{0};
    std::atomic<bool> available{true};
  };

  std::optional<MonoTime> Tick();
  void TakeReady();
  void TakeAside();
  bool MayLook() const;
  void Look();
  void OnLooked(const std::vector<std::string>& keys, const std::vector<bool>& listed);
  void Prepare();
  void OnPrepared(const Status& prepared);
  bool MayStart() const;
  void StartNext();
  std::string PutTogether(Batch& batch);
  void OnUploaded(const Upload& upload, const Status& put);
  void OnFailed(const Upload& upload, const Error& error);
  void Settle(std::vector<std::string> keys);
  void SettlePack(const Upload& upload);
  void OnMoved(const Upload& upload, const Status& moved);
  void OnSettled(const std::vector<std::string>& keys);
  void Queue(const std::string& key);
  void Gather(const std::string& key, const std::string& group, uint64_t bytes);
  void TakeGathered(std::map<std::string, Gathering>::iterator at);
  void SetAside(const std::string& key);
  void Up();
  void Down(const Error& error);
  void BackOff();
  void Count(const Error& error);

  const std::shared_ptr<Spool> spool_;
  RemoteStore& remote_;
  const Clock& clock_;
  const AtArchive at_archive_;
  const Options options_;
  std::shared_ptr<Gate> gate_;
  Counts counts_;
  std::atomic<bool> told_{false};  // of something ready, and has not looked yet

  std::deque<Batch> todo_;
  std::map<std::string, Gathering> gathering_;  // by canvas and day
  Compressor compressor_;
  std::unordered_set<std::string> known_;  // to do, under way, or to be removed here
  std::map<std::string, MonoTime> aside_;  // until when
  std::vector<Upload> unmoved_;         // packs that are there by now, and the archive had no time
  std::vector<std::string> unsettled_;  // there by now, and the archive had no time
  bool look_ = true;                    // there may be more in the directory
  bool looking_ = false;
  bool prepared_ = false;
  bool preparing_ = false;
  size_t under_way_ = 0;
  size_t settling_ = 0;  // removals that the archive's thread was asked for
  uint64_t bytes_under_way_ = 0;
  std::optional<MonoTime> down_since_;
  MonoTime logged_{};  // that it is down
  MonoTime retry_at_{};
  Nanos back_off_{0};
  std::minstd_rand random_;
  // Last: its tasks use all of the above.
  TaskThread thread_;
};

}  // namespace nightjar
