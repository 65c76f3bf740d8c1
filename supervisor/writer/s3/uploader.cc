#include "supervisor/writer/s3/uploader.h"

#include <algorithm>

#include "ipc/core/check.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

// What may come back at once: the ends of uploads and removals, one look, one word of the spool's.
constexpr size_t kTasks = 8 * bounds::kUploads;
constexpr size_t kSettling = 2 * bounds::kUploads;
static_assert(bounds::kUploads + kSettling + 4 < kTasks);
constexpr size_t kLookKeys = 256;  // asked of the archive at once
constexpr std::chrono::seconds kAskAgain{1};
constexpr std::chrono::seconds kLogEvery{60};

// Those of `all` that are not in `some`.
std::vector<std::string> NotIn(const std::vector<std::string>& some,
                               const std::vector<std::string>& all) {
  std::vector<std::string> rest;
  for (const std::string& key : all)
    if (std::find(some.begin(), some.end(), key) == some.end()) rest.push_back(key);
  return rest;
}

}  // namespace

void Uploader::Gate::Post(std::function<void(Uploader&)> task) {
  std::lock_guard lock(mutex);
  if (uploader == nullptr) return;
  Uploader* to = uploader;
  CHECK(to->thread_.Add([to, task = std::move(task)] { task(*to); }));
}

Uploader::Uploader(std::shared_ptr<Spool> spool, RemoteStore& remote, const Clock& clock,
                   AtArchive at_archive, Options options)
    : spool_(std::move(spool)),
      remote_(remote),
      clock_(clock),
      at_archive_(std::move(at_archive)),
      options_(options),
      gate_(std::make_shared<Gate>()),
      random_(std::random_device()()),
      thread_("nj-upload", kTasks, [this] { return Tick(); }) {
  {
    std::lock_guard lock(gate_->mutex);
    gate_->uploader = this;
  }
  spool_->OnReady([this] {
    if (!told_.exchange(true)) gate_->Post([](Uploader&) {});
  });
  gate_->Post([](Uploader&) {});
}

Uploader::~Uploader() {
  spool_->OnReady({});
  std::lock_guard lock(gate_->mutex);
  gate_->uploader = nullptr;
}

proto::StoreFigures Uploader::figures() const {
  proto::StoreFigures figures;
  figures.set_available(counts_.available);
  figures.set_spooled_bytes(spool_->bytes());
  figures.set_spooled_objects(spool_->objects());
  figures.set_dropped(spool_->dropped());
  figures.set_uploaded_objects(counts_.objects);
  figures.set_uploaded_bytes(counts_.bytes);
  figures.set_packs(counts_.packs);
  figures.set_failed_permission(counts_.permission);
  figures.set_failed_unavailable(counts_.unavailable);
  figures.set_failed_timed_out(counts_.timed_out);
  figures.set_failed_refused(counts_.refused);
  return figures;
}

// Everything that is due, after each event. Returns when something is due without one.
std::optional<MonoTime> Uploader::Tick() {
  TakeReady();
  TakeAside();
  for (auto at = gathering_.begin(); at != gathering_.end();) {
    auto next = std::next(at);
    if (at->second.until <= clock_.Mono()) TakeGathered(at);
    at = next;
  }
  if (!unsettled_.empty()) Settle(std::exchange(unsettled_, {}));
  for (const Upload& pack : std::exchange(unmoved_, {})) SettlePack(pack);
  if (MayLook()) Look();
  if (!prepared_) Prepare();
  while (MayStart()) StartNext();
  std::optional<MonoTime> due;
  auto at = [&due](MonoTime when) { due = std::min(due.value_or(when), when); };
  if (back_off_ > Nanos(0) && clock_.Mono() < retry_at_) at(retry_at_);
  if (!unsettled_.empty() || !unmoved_.empty() || MayLook()) at(clock_.Mono() + kAskAgain);
  for (const auto& [group, gathering] : gathering_) at(gathering.until);
  for (const auto& [key, until] : aside_) at(until);
  return due;
}

void Uploader::TakeReady() {
  told_ = false;
  Spool::Fresh fresh = spool_->TakeReady();
  if (fresh.more) look_ = true;
  for (const std::string& key : fresh.keys) {
    aside_.erase(key);
    Queue(key);
  }
}

void Uploader::Queue(const std::string& key) {
  if (known_.size() >= bounds::kUploadKeys) {
    look_ = true;
    return;
  }
  auto bytes = spool_->SizeOf(key);
  if (!bytes || !known_.insert(key).second) return;  // deleted meanwhile, or known
  if (TraceKeyParts(key) && *bytes <= bounds::kPackTraceBytes)
    return Gather(key, key.substr(0, key.rfind('/') + 1), *bytes);
  todo_.push_back({{key}, *bytes});
}

// What is in a group may be in one object.
void Uploader::Gather(const std::string& key, const std::string& group, uint64_t bytes) {
  auto at = gathering_.try_emplace(group).first;
  if (at->second.batch.bytes + bytes > bounds::kPackBytes) {
    TakeGathered(at);
    at = gathering_.try_emplace(group).first;
  }
  Gathering& gathering = at->second;
  if (gathering.batch.keys.empty()) gathering.until = clock_.Mono() + options_.pack_time;
  gathering.batch.keys.push_back(key);
  gathering.batch.bytes += bytes;
  if (gathering.batch.keys.size() >= bounds::kPackTraces) TakeGathered(at);
}

void Uploader::TakeGathered(std::map<std::string, Gathering>::iterator at) {
  todo_.push_back(std::move(at->second.batch));
  gathering_.erase(at);
}

void Uploader::TakeAside() {
  for (auto at = aside_.begin(); at != aside_.end();) {
    if (at->second > clock_.Mono()) {
      ++at;
      continue;
    }
    Queue(at->first);
    at = aside_.erase(at);
  }
}

void Uploader::SetAside(const std::string& key) {
  if (aside_.size() < bounds::kUploadKeys) aside_[key] = clock_.Mono() + options_.set_aside;
}

// Also while new ones keep coming: what was left by an earlier writer must not wait for a pause.
bool Uploader::MayLook() const {
  return look_ && !looking_ && known_.size() < bounds::kUploadKeys / 2 &&
         aside_.size() < bounds::kUploadKeys;
}

void Uploader::Look() {
  auto found = spool_->Find(kLookKeys, [this](const std::string& key) {
    return known_.count(key) != 0 || aside_.count(key) != 0;
  });
  if (!found) {
    LogError("spool_unread", {{"error", found.error().ToString()}});
    look_ = false;
    return;
  }
  look_ = found->size() == kLookKeys;
  if (found->empty()) return;
  looking_ = at_archive_([gate = gate_, keys = *found](Archive& archive) {
    std::vector<bool> listed;
    for (const std::string& key : keys) listed.push_back(archive.IsListed(key));
    gate->Post([keys, listed](Uploader& self) { self.OnLooked(keys, listed); });
  });
  if (!looking_) look_ = true;
}

void Uploader::OnLooked(const std::vector<std::string>& keys, const std::vector<bool>& listed) {
  looking_ = false;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (listed[i])
      Queue(keys[i]);
    else
      SetAside(keys[i]);
  }
}

void Uploader::Prepare() {
  if (preparing_ || clock_.Mono() < retry_at_) return;
  preparing_ = true;
  remote_.Prepare([gate = gate_](const Status& prepared) {
    gate->Post([prepared](Uploader& self) { self.OnPrepared(prepared); });
  });
}

void Uploader::OnPrepared(const Status& prepared) {
  preparing_ = false;
  if (prepared) {
    prepared_ = true;
    return Up();
  }
  Count(prepared.error());
  // A store that is there, and says no to this alone, may be one whose rules are somebody else's.
  switch (prepared.error().code) {
    case ErrorCode::kPermission:
    case ErrorCode::kExists:
    case ErrorCode::kInvalid:
      prepared_ = true;
      return LogWarning("store_rule_missing", {{"error", prepared.error().ToString()}});
    default:
      return Down(prepared.error());
  }
}

bool Uploader::MayStart() const {
  if (!prepared_ || todo_.empty() || !unsettled_.empty() || !unmoved_.empty() ||
      settling_ >= kSettling)
    return false;
  if (back_off_ > Nanos(0)) return under_way_ == 0 && clock_.Mono() >= retry_at_;
  return under_way_ < bounds::kUploads && bytes_under_way_ < bounds::kUploadsBytes;
}

void Uploader::StartNext() {
  Batch batch = std::move(todo_.front());
  todo_.pop_front();
  const std::vector<std::string> asked = batch.keys;
  spool_->TakeUp(asked);  // before it is read
  std::string object = PutTogether(batch);
  spool_->PutDown(NotIn(batch.keys, asked));
  if (batch.keys.empty()) return;
  std::string key = batch.keys[0];
  if (batch.keys.size() > 1)
    // A name of its own each time: what was moved into a pack must not be overwritten by another.
    key = PackKey(key, RunId::New(clock_.Wall()));
  Upload upload{std::move(batch), key, object.size()};
  ++under_way_;
  bytes_under_way_ += upload.bytes;
  remote_.PutLater(key, std::make_shared<const std::string>(std::move(object)),
                   [gate = gate_, upload](const Status& put) {
                     gate->Post([upload, put](Uploader& self) { self.OnUploaded(upload, put); });
                   });
}

// The object of those that `batch` still has afterwards: others are gone, or travel alone.
std::string Uploader::PutTogether(Batch& batch) {
  TracePack pack(compressor_);
  const bool alone = batch.keys.size() == 1;
  std::vector<std::string> taken;
  std::string first;
  for (const std::string& key : std::exchange(batch.keys, {})) {
    auto object = spool_->Get(key, bounds::kTraceContainerBytes);
    if (!object) {
      known_.erase(key);
      if (object.error().code == ErrorCode::kNotFound) continue;  // deleted meanwhile
      LogError("spool_unread", {{"key", key}, {"error", object.error().ToString()}});
      SetAside(key);
    } else if (alone || pack.Add(*object)) {
      taken.push_back(key);
      if (taken.size() == 1) first = std::move(*object);
    } else {
      todo_.push_back({{key}, object->size()});
    }
  }
  batch.keys = std::move(taken);
  return batch.keys.size() > 1 ? pack.Seal() : first;
}

void Uploader::OnUploaded(const Upload& upload, const Status& put) {
  --under_way_;
  bytes_under_way_ -= upload.bytes;
  if (!put) return OnFailed(upload, put.error());
  Up();
  ++counts_.objects;
  counts_.bytes += upload.bytes;
  if (!upload.pack()) return Settle(upload.batch.keys);
  ++counts_.packs;
  SettlePack(upload);
}

void Uploader::OnFailed(const Upload& upload, const Error& error) {
  Count(error);
  spool_->PutDown(upload.batch.keys);
  // Something is wrong with this one, or with everything; the next ones will show.
  if (error.code == ErrorCode::kInvalid || error.code == ErrorCode::kProtocol) {
    LogError("upload_refused", {{"key", upload.key}, {"error", error.ToString()}});
    for (const std::string& key : upload.batch.keys) {
      known_.erase(key);
      SetAside(key);
    }
    return BackOff();
  }
  todo_.push_back(upload.batch);
  Down(error);
}

void Uploader::SettlePack(const Upload& upload) {
  bool taken = at_archive_([gate = gate_, upload](Archive& archive) {
    archive.MoveObjects(upload.batch.keys, upload.key, [gate, upload](const Status& moved) {
      gate->Post([upload, moved](Uploader& self) { self.OnMoved(upload, moved); });
    });
  });
  if (taken)
    ++settling_;
  else
    unmoved_.push_back(upload);
}

void Uploader::OnMoved(const Upload& upload, const Status& moved) {
  --settling_;
  if (moved) return Settle(upload.batch.keys);
  // The disk is full, say. The rows have their objects here, which are tried again later; the pack
  // expires where it is.
  spool_->PutDown(upload.batch.keys);
  LogError("pack_not_listed", {{"key", upload.key}, {"error", moved.error().ToString()}});
  for (const std::string& key : upload.batch.keys) {
    known_.erase(key);
    SetAside(key);
  }
}

void Uploader::Settle(std::vector<std::string> keys) {
  bool taken = at_archive_([spool = spool_, gate = gate_, keys](Archive&) {
    for (const std::string& key : keys)
      if (Status removed = spool->Remove(key); !removed)
        LogError("spool_unread", {{"key", key}, {"error", removed.error().ToString()}});
    gate->Post([keys](Uploader& self) { self.OnSettled(keys); });
  });
  if (taken)
    ++settling_;
  else
    unsettled_.insert(unsettled_.end(), keys.begin(), keys.end());
}

void Uploader::OnSettled(const std::vector<std::string>& keys) {
  --settling_;
  spool_->PutDown(keys);
  for (const std::string& key : keys) known_.erase(key);
}

void Uploader::Up() {
  back_off_ = Nanos(0);
  counts_.available = true;
  if (!down_since_) return;
  auto away = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Mono() - *down_since_);
  LogInfo("store_available", {{"away_ms", away.count()}, {"spooled_bytes", spool_->bytes()}});
  down_since_.reset();
}

void Uploader::Down(const Error& error) {
  const MonoTime now = clock_.Mono();
  counts_.available = false;
  if (!down_since_ || now - logged_ >= kLogEvery) {
    logged_ = now;
    LogWarning("store_unavailable", {{"error", error.ToString()},
                                     {"spooled_bytes", spool_->bytes()},
                                     {"dropped", spool_->dropped()}});
  }
  if (!down_since_) down_since_ = now;
  BackOff();
}

void Uploader::BackOff() {
  const MonoTime now = clock_.Mono();
  // The others that failed with the first one do not make it longer.
  if (now < retry_at_) return;
  back_off_ = std::clamp(back_off_ * 2, options_.retry_min, options_.retry_max);
  std::uniform_int_distribution<int64_t> some(back_off_.count() / 2, back_off_.count());
  retry_at_ = now + Nanos(some(random_));
}

void Uploader::Count(const Error& error) {
  switch (error.code) {
    case ErrorCode::kPermission:
      ++counts_.permission;
      break;
    case ErrorCode::kUnavailable:
      ++counts_.unavailable;
      break;
    case ErrorCode::kTimedOut:
      ++counts_.timed_out;
      break;
    default:
      ++counts_.refused;
  }
}

}  // namespace nightjar
