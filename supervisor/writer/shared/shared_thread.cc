#include "supervisor/writer/shared/shared_thread.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar::shared {

SharedThread::SharedThread(SharedFeed::Where where, SharedFeed::OnArchive on_archive,
                           const Clock& clock)
    : clock_(clock),
      feed_(std::move(where), std::move(on_archive), clock, interrupt_),
      gate_(std::make_shared<Gate>()),
      random_(std::random_device()()),
      // One place more: for being woken.
      thread_("nj-shared", bounds::kSharedQuestions + 1, [this] { return Tick(); }) {
  gate_->thread = this;
  (void)thread_.Add([] {});  // what an earlier one has left is told first
}

SharedThread::~SharedThread() {
  {
    std::lock_guard lock(gate_->mutex);
    gate_->thread = nullptr;
  }
  interrupt_.Raise();
}

std::function<void()> SharedThread::Waker() {
  return [gate = gate_] {
    std::lock_guard lock(gate->mutex);
    if (gate->thread == nullptr || gate->woken) return;
    SharedThread* thread = gate->thread;
    gate->woken = thread->thread_.Add([thread] {
      {
        std::lock_guard lock(thread->gate_->mutex);
        thread->gate_->woken = false;
      }
      if (!thread->idle_) return;
      // So that what comes at once is told at once.
      thread->idle_ = false;
      thread->next_ = thread->clock_.Mono() + bounds::kSharedGather;
    });
  };
}

SharedThread::Handles SharedThread::MakeHandles() {
  return {[gate = gate_] {
            std::lock_guard lock(gate->mutex);
            return gate->thread == nullptr ? proto::SharedIndexFigures() : gate->thread->figures();
          },
          [gate = gate_](auto question, auto done) {
            std::lock_guard lock(gate->mutex);
            return gate->thread != nullptr &&
                   gate->thread->List(std::move(question), std::move(done));
          },
          [gate = gate_](auto canvas, auto run, auto done) {
            std::lock_guard lock(gate->mutex);
            return gate->thread != nullptr &&
                   gate->thread->Get(std::move(canvas), run, std::move(done));
          }};
}

std::optional<MonoTime> SharedThread::Tick() {
  if (idle_) return std::nullopt;
  if (clock_.Mono() < next_) return next_;
  auto more = feed_.Step();
  if (!more) {
    Down(more.error());
    Measure();
    return next_;
  }
  Up();
  Measure();
  idle_ = !*more;
  if (idle_) return std::nullopt;
  return next_ = clock_.Mono();
}

void SharedThread::Up() {
  if (down_) LogInfo("shared_index_available", {{"machine", feed_.machine()}});
  down_.reset();
  back_off_ = Nanos(0);
  std::lock_guard lock(mutex_);
  figures_.set_available(true);
}

// A line when it goes down, and one a minute while it stays so.
void SharedThread::Down(const Error& error) {
  back_off_ = std::clamp<Nanos>(2 * back_off_, bounds::kSharedRetryMin, bounds::kSharedRetryMax);
  // Half of it by chance: machines that lost the same server do not come back at once.
  std::uniform_int_distribution<int64_t> jitter(0, back_off_.count() / 2);
  next_ = clock_.Mono() + back_off_ / 2 + Nanos(jitter(random_));
  idle_ = false;
  if (!down_ || clock_.Mono() - logged_ > std::chrono::minutes(1)) {
    LogError("shared_index_unavailable",
             {{"machine", feed_.machine()}, {"error", error.ToString()}});
    logged_ = clock_.Mono();
  }
  down_ = error;
  std::lock_guard lock(mutex_);
  figures_.set_available(false);
  if (error.code == ErrorCode::kPermission)
    figures_.set_failed_permission(figures_.failed_permission() + 1);
  else if (error.code == ErrorCode::kUnavailable)
    figures_.set_failed_unavailable(figures_.failed_unavailable() + 1);
  else if (error.code == ErrorCode::kTimedOut)
    figures_.set_failed_timed_out(figures_.failed_timed_out() + 1);
  else
    figures_.set_failed_refused(figures_.failed_refused() + 1);
}

void SharedThread::Measure() {
  auto length = feed_.Measure();
  std::lock_guard lock(mutex_);
  if (length) figures_.set_rows_behind(length->rows);
  if (length) figures_.set_left_untold(length->left_untold + feed_.counts().left_untold);
  if (length) oldest_ms_ = length->received_ms;
  figures_.set_told(feed_.counts().told);
  figures_.set_refused(feed_.counts().refused);
}

proto::SharedIndexFigures SharedThread::figures() const {
  std::lock_guard lock(mutex_);
  proto::SharedIndexFigures figures = figures_;
  if (oldest_ms_)
    figures.set_oldest_behind_ms(
        static_cast<uint64_t>(std::max<int64_t>(0, UnixMillis(clock_.Wall()) - *oldest_ms_)));
  return figures;
}

// While it is known to be away, somebody who asks does not wait for one more try.
template <typename T>
Result<T> SharedThread::Answered(const std::function<Result<T>()>& ask) {
  Result<T> answer = down_ ? Result<T>(tl::unexpected<Error>(*down_)) : ask();
  if (answer || answer.error().code == ErrorCode::kNotFound) return answer;
  return Wrap(answer.error(), "the index that machines share cannot be asked");
}

bool SharedThread::List(proto::ListTraces question,
                        std::function<void(Result<proto::TraceList>)> done) {
  return thread_.Add([this, question = std::move(question), done = std::move(done)] {
    done(Answered<proto::TraceList>([&] { return feed_.List(question); }));
  });
}

bool SharedThread::Get(std::string canvas, RunId run,
                       std::function<void(Result<IndexedTrace>)> done) {
  return thread_.Add([this, canvas = std::move(canvas), run, done = std::move(done)] {
    done(Answered<IndexedTrace>([&] { return feed_.Get(canvas, run); }));
  });
}

}  // namespace nightjar::shared
