// Borrowers of workers, and what became of each.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/fake_clock.h"
#include "tests/support/workers_rig.h"

namespace nightjar::testing {

class Borrower final : public WorkerUser {
 public:
  std::shared_ptr<WorkerPool::Ticket> ticket;
  int answers = 0;  // how often it was told
  Worker* worker = nullptr;
  std::optional<Error> error;
  std::optional<Death> death;

  void OnMessage(proto::FromWorker, std::vector<Fd>) override {}
  void OnBroken(const std::string&) override {}
  void OnDenied(const DeniedCall&) override {}
  void OnGone(const Death& how) override { death = how; }
};

class PoolRig : public WorkersRig<FakeClock> {
 protected:
  PoolRig() { limits_.armed.value = 0; }  // a test that wants a reserve says so

  Borrower& Ask(const RevisionPtr& revision) { return Ask(revision, limits_); }
  Borrower& Ask(const RevisionPtr& revision, const policy::Limits& limits,
                proto::EngineKind engine = proto::ENGINE_DARK) {
    Borrower& borrower = borrowers_.emplace_back();
    borrower.ticket = pool_.Lend(revision, engine, limits, [&borrower](Result<Worker*> worker) {
      ++borrower.answers;
      if (!worker) {
        borrower.error = worker.error();
        return;
      }
      borrower.worker = *worker;
      borrower.worker->SetUser(&borrower);
    });
    return borrower;
  }
  bool UntilLent(const Borrower& borrower) {
    return Until([&] { return borrower.worker != nullptr; });
  }
  bool UntilFailed(const Borrower& borrower) {
    return Until([&] { return borrower.error.has_value(); });
  }
  void GiveBack(Borrower& borrower) {
    borrower.worker->SetUser(nullptr);
    pool_.GiveBack(std::exchange(borrower.worker, nullptr), limits_);
  }
  FakeWorker& Played(const Borrower& borrower) {
    for (auto& worker : zygote_.workers)
      if (worker->id == borrower.worker->id()) return *worker;
    ADD_FAILURE() << "no such worker";
    return zygote_.last();
  }

  std::deque<Borrower> borrowers_;
  RevisionPtr first_ = SomeRevision("demo", 1);
  RevisionPtr second_ = SomeRevision("demo", 2);
};

}  // namespace nightjar::testing
