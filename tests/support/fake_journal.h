// A Journal that keeps what it was told, in order, and answers when a test says so. One thread.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/journal/journal.h"

namespace nightjar::testing {

class FakeJournal : public Journal {
 public:
  struct Save {
    proto::SaveRevision revision;
    std::function<void(Status)> done;
  };
  struct Question {
    proto::ToWriter question;
    std::function<void(Result<proto::FromWriter>)> answered;
  };
  std::vector<std::string> order;  // "attach 1", "began 1", "ended 1", "detach 1": by worker
  std::vector<proto::RunBegan> began;
  std::vector<proto::RunEnded> ended;
  std::vector<Save> saves;
  std::vector<Question> questions;
  bool away = false;  // questions and saves fail at once

  void AttachRing(WorkerId worker, const std::string&, const Fd&) override {
    order.push_back("attach " + std::to_string(worker));
  }
  void DetachRing(WorkerId worker) override { order.push_back("detach " + std::to_string(worker)); }
  void RunBegan(proto::RunBegan message) override {
    order.push_back("began " + std::to_string(message.worker_id()));
    began.push_back(std::move(message));
  }
  void RunEnded(proto::RunEnded message) override {
    order.push_back("ended " + std::to_string(message.worker_id()));
    ended.push_back(std::move(message));
  }
  void SaveRevision(proto::SaveRevision revision, const Fd&, const Fd&,
                    std::function<void(Status)> done) override {
    if (away) return done(Fail(ErrorCode::kUnavailable, "the storage writer is away"));
    saves.push_back({std::move(revision), std::move(done)});
  }
  void LoadCatalog(std::function<void(Result<std::vector<CatalogItem>>)> done) override {
    done(std::vector<CatalogItem>());
  }
  void ImportTrace(proto::ImportTrace import, const Fd&,
                   std::function<void(Result<proto::FromWriter>)> answered) override {
    proto::ToWriter question;
    *question.mutable_import_trace() = std::move(import);
    Ask(std::move(question), std::move(answered));
  }
  void Ask(proto::ToWriter question,
           std::function<void(Result<proto::FromWriter>)> answered) override {
    if (away) return answered(Fail(ErrorCode::kUnavailable, "the storage writer is away"));
    questions.push_back({std::move(question), std::move(answered)});
  }
  uint64_t traces_lost() const override { return 0; }
};

}  // namespace nightjar::testing
