// The supervisor's side of the writer, with a test at the other end of the socket.

#include "supervisor/journal/writer_client.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "ipc/core/bounds.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr WorkerId kWorker = 3;

// "attach 3", "began 3", "ended 3", "detach 3", "asked 9": what a message says, by worker or
// ticket.
std::string Name(const proto::ToWriter& message) {
  switch (message.kind_case()) {
    case proto::ToWriter::kAttachRing:
      return "attach " + std::to_string(message.attach_ring().worker_id());
    case proto::ToWriter::kDetachRing:
      return "detach " + std::to_string(message.detach_ring().worker_id());
    case proto::ToWriter::kRunBegan:
      return "began " + std::to_string(message.run_began().worker_id());
    case proto::ToWriter::kRunEnded:
      return "ended " + std::to_string(message.run_ended().worker_id());
    case proto::ToWriter::kAttachLedger:
      return "ledger";
    case proto::ToWriter::kRunLeft:
      return message.run_left().has_ended() ? "left ended" : "left open";
    default:
      return "asked " + std::to_string(message.ticket());
  }
}

class WriterClientTest : public ::testing::Test {
 protected:
  struct Heard {
    proto::ToWriter message;
    std::vector<Fd> fds;
  };

  void Connect() {
    auto ends = SeqpacketPair();
    ASSERT_TRUE(ends);
    writer_.emplace(std::move(ends->second), Channel::Waiting::kNo);
    client_.Connect(Channel(std::move(ends->first), Channel::Waiting::kNo));
  }
  // The writer's process dies: first its socket, then the helper that watched it says so.
  void Die() {
    writer_.reset();
    ASSERT_TRUE(rig_.RunUntil([&] { return !client_.connected(); }));
    client_.Disconnect();
  }
  // What it was told and has not read yet.
  std::vector<Heard> Read() {
    std::vector<Heard> heard;
    for (;;) {
      auto packet = writer_->Receive();
      if (!packet || !*packet) return heard;
      auto message = (*packet)->Parse<proto::ToWriter>();
      EXPECT_TRUE(message);
      heard.push_back({std::move(*message), std::move((*packet)->fds)});
    }
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const Heard& heard : Read()) names.push_back(Name(heard.message));
    return names;
  }
  void Say(const proto::FromWriter& message, std::vector<int> fds = {}) {
    ASSERT_TRUE(writer_->Send(message, fds));
  }
  void SayStored(const RunId& run) {
    proto::FromWriter message;
    message.set_ticket(1);
    message.mutable_trace_stored()->set_run_id(std::string(run.bytes()));
    Say(message);
  }
  void SayNotKept(const RunId& run, proto::NotKept what, uint64_t events = 0) {
    proto::FromWriter message;
    message.set_ticket(1);
    message.mutable_trace_stored()->set_run_id(std::string(run.bytes()));
    message.mutable_trace_stored()->set_not_kept(what);
    message.mutable_trace_stored()->set_events_not_kept(events);
    message.mutable_trace_stored()->set_budgets_used_up(2);
    Say(message);
  }
  bool Until(std::function<bool()> fact) { return rig_.RunUntil(std::move(fact)); }
  void Settle() {
    int turns = 0;
    ASSERT_TRUE(Until([&] { return ++turns > 10; }));
  }

  void Attach(WorkerId worker = kWorker) { client_.AttachRing(worker, "demo", ring_); }
  RunId Begin(WorkerId worker = kWorker) {
    RunId run = RunId::New(clock_.Wall());
    proto::RunBegan began;
    began.set_worker_id(worker);
    began.set_run_id(std::string(run.bytes()));
    client_.RunBegan(std::move(began));
    return run;
  }
  void End(const RunId& run, WorkerId worker = kWorker) {
    proto::RunEnded ended;
    ended.set_worker_id(worker);
    ended.set_run_id(std::string(run.bytes()));
    ended.set_verdict(proto::VERDICT_FINISHED);
    client_.RunEnded(std::move(ended));
  }
  // Asks for a canvas's traces; outcomes are kept in the order of their arrival.
  void Ask(const std::string& canvas) {
    proto::ToWriter question;
    question.mutable_list_traces()->set_canvas(canvas);
    client_.Ask(std::move(question), [this, canvas](Result<proto::FromWriter> answer) {
      answers_.emplace_back(canvas, std::move(answer));
    });
  }
  uint64_t TicketOfNext() {
    auto heard = Read();
    EXPECT_EQ(heard.size(), 1u);
    return heard.empty() ? 0 : heard[0].message.ticket();
  }

  LoopRig rig_;
  FakeClock clock_;
  Fd ring_ = *CreateSizedMemfd("test-ring", 4096);
  std::vector<std::pair<WorkerId, std::string>> condemned_;
  WriterClient client_{rig_.loop(), clock_, [this](WorkerId worker, const std::string& why) {
                         condemned_.emplace_back(worker, why);
                       }};
  std::optional<Channel> writer_;
  std::vector<std::pair<std::string, Result<proto::FromWriter>>> answers_;
};

TEST_F(WriterClientTest, TellsEachStepInItsOrder) {
  Connect();
  Attach();
  RunId run = Begin();
  End(run);
  client_.DetachRing(kWorker);
  auto heard = Read();
  ASSERT_EQ(heard.size(), 4u);
  EXPECT_EQ(Name(heard[0].message), "attach 3");
  EXPECT_EQ(heard[0].message.attach_ring().canvas(), "demo");
  // The very ring, not a copy of it.
  ASSERT_EQ(heard[0].fds.size(), 1u);
  struct stat mine {};
  struct stat theirs {};
  ASSERT_EQ(fstat(ring_.get(), &mine), 0);
  ASSERT_EQ(fstat(heard[0].fds[0].get(), &theirs), 0);
  EXPECT_EQ(mine.st_ino, theirs.st_ino);
  EXPECT_EQ(Name(heard[1].message), "began 3");
  EXPECT_EQ(Name(heard[2].message), "ended 3");
  EXPECT_NE(heard[2].message.ticket(), 0u);  // an acknowledgement is wanted
  EXPECT_EQ(Name(heard[3].message), "detach 3");
}

TEST_F(WriterClientTest, IsSettledWhenEveryEndWasAcknowledged) {
  Connect();
  EXPECT_TRUE(client_.settled());
  Attach();
  RunId run = Begin();
  EXPECT_FALSE(client_.settled());
  End(run);
  EXPECT_FALSE(client_.settled());
  SayStored(RunId::New(clock_.Wall()));  // another's
  SayStored(run);
  ASSERT_TRUE(Until([&] { return client_.settled(); }));
}

TEST_F(WriterClientTest, AWriterThatComesLateIsToldEverything) {
  Attach();
  RunId run = Begin();
  End(run);
  client_.DetachRing(kWorker);
  Connect();
  EXPECT_THAT(Names(), ElementsAre("attach 3", "began 3", "ended 3", "detach 3"));
}

TEST_F(WriterClientTest, ANewWriterIsToldWhatTheLastDidNotStore) {
  Connect();
  Attach(1);
  Attach(2);
  RunId stored = Begin(1);
  End(stored, 1);
  RunId open = Begin(2);
  SayStored(stored);
  client_.DetachRing(1);
  Settle();
  Die();
  End(open, 2);
  client_.DetachRing(2);
  Connect();
  EXPECT_THAT(Names(), ElementsAre("attach 2", "began 2", "ended 2", "detach 2"));
  SayStored(open);
  ASSERT_TRUE(Until([&] { return client_.settled(); }));
  Die();
  Connect();
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(WriterClientTest, ARingStaysAsLongAsARunOnItIsNotStored) {
  Connect();
  Attach();
  RunId one = Begin();
  End(one);
  RunId two = Begin();
  End(two);
  client_.DetachRing(kWorker);
  SayStored(one);
  Settle();
  Die();
  Connect();
  EXPECT_THAT(Names(), ElementsAre("attach 3", "began 3", "ended 3", "detach 3"));
}

TEST_F(WriterClientTest, ARunInFlightIsBegunAgainAndEndedLater) {
  Connect();
  Attach();
  RunId run = Begin();
  Read();
  Die();
  Connect();
  EXPECT_THAT(Names(), ElementsAre("attach 3", "began 3"));
  End(run);
  EXPECT_THAT(Names(), ElementsAre("ended 3"));
}

// The events of a reused worker's runs follow each other on its ring: a writer that is told of a
// later run first takes the ring for a liar's, and its worker is killed.
TEST_F(WriterClientTest, ANewWriterIsToldOfRunsInTheOrderOfTheirBeginning) {
  Attach();
  std::vector<RunId> begun;
  for (int i = 0; i < 64; ++i) {
    begun.push_back(Begin());
    if (i < 63) End(begun.back());
  }
  Connect();
  std::vector<RunId> told;
  std::vector<RunId> ended;
  for (const Heard& heard : Read()) {
    if (heard.message.has_run_began()) {
      EXPECT_THAT(ended, IsEmpty());
      told.push_back(*RunId::FromBytes(heard.message.run_began().run_id()));
    }
    if (heard.message.has_run_ended())
      ended.push_back(*RunId::FromBytes(heard.message.run_ended().run_id()));
  }
  EXPECT_EQ(told, begun);
  begun.pop_back();
  EXPECT_EQ(ended, begun);
}

TEST_F(WriterClientTest, ARunThatWasRefusedHasNoRing) {
  Connect();
  RunId run = RunId::New(clock_.Wall());
  End(run, 0);
  EXPECT_THAT(Names(), ElementsAre("ended 0"));
  SayStored(run);
  ASSERT_TRUE(Until([&] { return client_.settled(); }));
}

TEST_F(WriterClientTest, ACondemnedRingIsToldOn) {
  Connect();
  Attach();
  proto::FromWriter message;
  message.mutable_ring_condemned()->set_worker_id(kWorker);
  message.mutable_ring_condemned()->set_why("a record that is not an event");
  Say(message);
  ASSERT_TRUE(Until([&] { return !condemned_.empty(); }));
  EXPECT_THAT(condemned_, ElementsAre(std::make_pair(kWorker, "a record that is not an event")));
}

TEST_F(WriterClientTest, AnswersFindTheirQuestionsInAnyOrder) {
  Connect();
  Ask("one");
  uint64_t one = TicketOfNext();
  Ask("two");
  uint64_t two = TicketOfNext();
  proto::FromWriter answer;
  answer.set_ticket(two);
  answer.mutable_traces()->add_traces()->set_handler("second");
  Say(answer);
  answer.set_ticket(one);
  answer.mutable_traces()->mutable_traces(0)->set_handler("first");
  Say(answer);
  answer.set_ticket(4711);  // nobody's
  Say(answer);
  ASSERT_TRUE(Until([&] { return answers_.size() == 2; }));
  Settle();
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0].first, "two");
  EXPECT_EQ(answers_[0].second->traces().traces(0).handler(), "second");
  EXPECT_EQ(answers_[1].first, "one");
  EXPECT_EQ(answers_[1].second->traces().traces(0).handler(), "first");
}

TEST_F(WriterClientTest, ErrorsKeepTheirKind) {
  Connect();
  const std::pair<proto::ErrorKind, ErrorCode> kKinds[] = {
      {proto::ERROR_KIND_NOT_FOUND, ErrorCode::kNotFound},
      {proto::ERROR_KIND_INVALID, ErrorCode::kInvalid},
      {proto::ERROR_KIND_STORAGE, ErrorCode::kUnavailable},
      {proto::ERROR_KIND_NONE, ErrorCode::kUnavailable},
  };
  for (const auto& [kind, code] : kKinds) {
    answers_.clear();
    Ask("demo");
    proto::FromWriter answer;
    answer.set_ticket(TicketOfNext());
    answer.set_error("so it is");
    answer.set_error_kind(kind);
    Say(answer);
    ASSERT_TRUE(Until([&] { return answers_.size() == 1; }));
    ASSERT_FALSE(answers_[0].second);
    EXPECT_EQ(answers_[0].second.error().code, code);
    EXPECT_EQ(answers_[0].second.error().context, "so it is");
  }
}

TEST_F(WriterClientTest, WithoutAWriterAQuestionFailsAtOnce) {
  Ask("demo");
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].second.error().code, ErrorCode::kUnavailable);
  bool saved = true;
  client_.SaveRevision({}, ring_, ring_, [&](Status status) { saved = status.has_value(); });
  EXPECT_FALSE(saved);
  bool loaded = true;
  client_.LoadCatalog([&](auto items) { loaded = items.has_value(); });
  EXPECT_FALSE(loaded);
}

TEST_F(WriterClientTest, QuestionsUnderWayFailWithTheirWriter) {
  Connect();
  Ask("demo");
  int saves = 0;
  int loads = 0;
  client_.SaveRevision({}, ring_, ring_, [&](Status status) { saves += !status; });
  client_.LoadCatalog([&](auto items) { loads += !items; });
  Die();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].second.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(saves, 1);
  EXPECT_EQ(loads, 1);
}

TEST_F(WriterClientTest, WhoAsksAgainWhenTheWriterIsLostIsToldSo) {
  Connect();
  int failed = 0;
  proto::ToWriter question;
  question.mutable_list_incidents();
  client_.Ask(question, [&](Result<proto::FromWriter> answer) {
    failed += !answer;
    client_.Ask(question, [&](Result<proto::FromWriter> again) { failed += !again; });
  });
  Die();
  EXPECT_EQ(failed, 2);
}

TEST_F(WriterClientTest, AQuestionThatNobodyAnswersTimesOut) {
  Connect();
  Ask("early");
  uint64_t ticket = TicketOfNext();
  clock_.Advance(bounds::kJournalQuestionTime);
  Ask("late");
  client_.Sweep(clock_.Mono());
  EXPECT_THAT(answers_, IsEmpty());
  clock_.Advance(Nanos(1));
  client_.Sweep(clock_.Mono());
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].first, "early");
  EXPECT_EQ(answers_[0].second.error().code, ErrorCode::kTimedOut);
  proto::FromWriter answer;
  answer.set_ticket(ticket);
  answer.mutable_traces();
  Say(answer);
  Settle();
  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(WriterClientTest, OnlySoManyQuestionsWaitAtOnce) {
  Connect();
  for (size_t i = 0; i < bounds::kJournalQuestions; ++i) Ask("demo");
  EXPECT_THAT(answers_, IsEmpty());
  Ask("one too many");
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].second.error().code, ErrorCode::kExhausted);
}

TEST_F(WriterClientTest, ALargeAnswerComesAsAMemfd) {
  Connect();
  Ask("demo");
  uint64_t ticket = TicketOfNext();
  proto::FromWriter large;
  for (int i = 0; i < 3000; ++i)
    large.mutable_traces()->add_traces()->set_detail(std::string(50, 'd'));
  auto memfd = CreateImmutableMemfd("test-answer", large.SerializeAsString());
  ASSERT_TRUE(memfd);
  proto::FromWriter head;
  head.set_ticket(ticket);
  head.set_memfd_bytes(large.ByteSizeLong());
  Say(head, {memfd->get()});
  ASSERT_TRUE(Until([&] { return answers_.size() == 1; }));
  ASSERT_TRUE(answers_[0].second);
  EXPECT_EQ(answers_[0].second->traces().traces_size(), 3000);
}

TEST_F(WriterClientTest, AnAnswerThatIsDamagedIsAnErrorAndNothingElse) {
  Connect();
  Ask("demo");
  proto::FromWriter head;
  head.set_ticket(TicketOfNext());
  auto memfd = CreateImmutableMemfd("test-answer", "\xff\xff\xff");
  ASSERT_TRUE(memfd);
  head.set_memfd_bytes(3);
  Say(head, {memfd->get()});
  ASSERT_TRUE(Until([&] { return answers_.size() == 1; }));
  EXPECT_EQ(answers_[0].second.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(client_.connected());
}

TEST_F(WriterClientTest, AWriterThatBreaksTheContractIsDisconnected) {
  const std::function<void()> kBreaches[] = {
      [&] { ASSERT_EQ(send(writer_->fd(), "\xff\xff", 2, 0), 2); },
      [&] {
        proto::FromWriter head;
        head.set_ticket(1);
        head.set_memfd_bytes(10);  // and no memfd
        Say(head);
      },
  };
  for (const auto& commit : kBreaches) {
    Connect();
    answers_.clear();
    Ask("demo");
    commit();
    ASSERT_TRUE(Until([&] { return !client_.connected(); }));
    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_EQ(answers_[0].second.error().code, ErrorCode::kUnavailable);
  }
}

TEST_F(WriterClientTest, ARevisionIsSavedWithItsProgramAndItsSource) {
  Connect();
  auto program = CreateImmutableMemfd("program", "compiled");
  auto source = CreateImmutableMemfd("source", "text");
  ASSERT_TRUE(program && source);
  proto::SaveRevision save;
  save.set_canvas("demo");
  save.set_revision(4);
  save.set_source_memfd_bytes(4);
  std::vector<Status> saved;
  auto keep = [&](Status status) { saved.push_back(std::move(status)); };
  client_.SaveRevision(save, *program, *source, keep);
  auto heard = Read();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].message.save_revision().revision(), 4u);
  ASSERT_EQ(heard[0].fds.size(), 2u);
  EXPECT_EQ(*ReadForeignMemfd(heard[0].fds[0], 100), "compiled");
  EXPECT_EQ(*ReadForeignMemfd(heard[0].fds[1], 100), "text");
  EXPECT_THAT(saved, IsEmpty());  // not before it is durable
  proto::FromWriter answer;
  answer.set_ticket(heard[0].message.ticket());
  answer.mutable_revision_saved()->set_revision(4);
  Say(answer);
  ASSERT_TRUE(Until([&] { return saved.size() == 1; }));
  EXPECT_TRUE(saved[0]);
  client_.SaveRevision(save, *program, *source, keep);
  answer.Clear();
  answer.set_ticket(TicketOfNext());
  answer.set_error("the disk is full");
  answer.set_error_kind(proto::ERROR_KIND_STORAGE);
  Say(answer);
  ASSERT_TRUE(Until([&] { return saved.size() == 2; }));
  ASSERT_FALSE(saved[1]);
  EXPECT_EQ(saved[1].error().context, "the disk is full");
}

TEST_F(WriterClientTest, TheCatalogComesCanvasByCanvas) {
  Connect();
  std::vector<Journal::CatalogItem> items;
  int calls = 0;
  client_.LoadCatalog([&](Result<std::vector<Journal::CatalogItem>> loaded) {
    ++calls;
    ASSERT_TRUE(loaded);
    items = std::move(*loaded);
  });
  uint64_t ticket = TicketOfNext();
  for (const char* canvas : {"a", "b"}) {
    auto program = CreateImmutableMemfd("program", canvas);
    ASSERT_TRUE(program);
    proto::FromWriter entry;
    entry.set_ticket(ticket);
    entry.mutable_catalog_entry()->set_canvas(canvas);
    Say(entry, {program->get()});
  }
  Settle();
  EXPECT_EQ(calls, 0);
  proto::FromWriter end;
  end.set_ticket(ticket);
  end.mutable_catalog_end()->set_canvases(2);
  Say(end);
  ASSERT_TRUE(Until([&] { return calls == 1; }));
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].entry.canvas(), "b");
  EXPECT_EQ(*ReadForeignMemfd(items[1].program, 10), "b");
}

TEST_F(WriterClientTest, ACatalogThatBreaksOffIsAnError) {
  Connect();
  std::optional<Error> error;
  client_.LoadCatalog([&](auto loaded) {
    ASSERT_FALSE(loaded);
    error = loaded.error();
  });
  proto::FromWriter answer;
  answer.set_ticket(TicketOfNext());
  answer.set_error("the database is damaged");
  answer.set_error_kind(proto::ERROR_KIND_STORAGE);
  Say(answer);
  ASSERT_TRUE(Until([&] { return error.has_value(); }));
  EXPECT_EQ(error->context, "the database is damaged");
}

// A writer that is busy reads later; everything reaches it in its order, with its descriptors.
TEST_F(WriterClientTest, NothingIsLostOnAWriterThatReadsSlowly) {
  Connect();
  constexpr WorkerId kWorkers = 1500;
  std::vector<std::string> told;
  for (WorkerId worker = 1; worker <= kWorkers; ++worker) {
    Attach(worker);
    End(Begin(worker), worker);
    for (const char* step : {"attach ", "began ", "ended "})
      told.push_back(step + std::to_string(worker));
  }
  std::vector<std::string> heard;
  ASSERT_TRUE(Until([&] {
    for (Heard& one : Read()) {
      EXPECT_EQ(one.fds.size(), one.message.has_attach_ring() ? 1u : 0u);
      heard.push_back(Name(one.message));
    }
    return heard.size() >= told.size();
  }));
  EXPECT_EQ(heard, told);
}

TEST_F(WriterClientTest, AWriterThatReadsNothingIsGivenUpAndNothingGrowsForEver) {
  Connect();
  for (size_t i = 0; i <= bounds::kJournalOutbox + 10'000 && client_.connected(); ++i) Ask("demo");
  // Questions have a bound of their own; ends have not.
  std::vector<RunId> runs;
  while (client_.connected() && runs.size() <= bounds::kJournalOutbox + 10'000) {
    runs.push_back(RunId::New(clock_.Wall()));
    End(runs.back(), 0);
  }
  EXPECT_FALSE(client_.connected());
  Settle();
}

TEST_F(WriterClientTest, TheOldestTracesAreGivenUpWhenTheWriterIsAwayForTooLong) {
  RunId first = RunId::New(clock_.Wall());
  End(first, 0);
  for (size_t i = 1; i < bounds::kJournalUnstoredRuns; ++i) End(RunId::New(clock_.Wall()), 0);
  EXPECT_EQ(client_.traces_lost(), 0u);
  End(RunId::New(clock_.Wall()), 0);
  EXPECT_EQ(client_.traces_lost(), 1u);
  Connect();
  std::set<std::string> told;
  ASSERT_TRUE(Until([&] {
    for (const Heard& heard : Read()) told.insert(heard.message.run_ended().run_id());
    return told.size() >= bounds::kJournalUnstoredRuns;
  }));
  EXPECT_EQ(told.count(std::string(first.bytes())), 0u);
}

TEST_F(WriterClientTest, SoAreTheRingsOfEndedWorkers) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < bounds::kJournalKeptRings + 100)
    GTEST_SKIP() << "this process may not hold enough descriptors";
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  for (WorkerId worker = 1; worker <= bounds::kJournalKeptRings + 5; ++worker) {
    Attach(worker);
    End(Begin(worker), worker);
    client_.DetachRing(worker);
  }
  EXPECT_EQ(client_.traces_lost(), 5u);
  Connect();
  size_t rings = 0;
  ASSERT_TRUE(Until([&] {
    for (const Heard& heard : Read()) {
      rings += heard.message.has_attach_ring();
      if (heard.message.has_attach_ring()) {
        EXPECT_GT(heard.message.attach_ring().worker_id(), 5u);
      }
      if (heard.message.has_detach_ring() &&
          heard.message.detach_ring().worker_id() == bounds::kJournalKeptRings + 5)
        return true;
    }
    return false;
  }));
  EXPECT_EQ(rings, bounds::kJournalKeptRings);
}

// The writer is to know that what lies in it may be of runs that it is not told of.
TEST_F(WriterClientTest, SaysOfARingThatAWriterHadItBefore) {
  Connect();
  Attach();
  auto heard = Read();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_FALSE(heard[0].message.attach_ring().had_before());
  Die();
  Connect();
  heard = Read();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard[0].message.attach_ring().had_before());
}

TEST_F(WriterClientTest, CountsWhatWasNotKeptAndTellsNobodyOfIt) {
  std::vector<std::string> told;
  client_.Tell({{}, [&](const proto::RunBegan& began, const proto::RunEnded&, uint64_t) {
                  told.push_back(began.run_id());
                }});
  Connect();
  Attach();
  std::vector<RunId> runs;
  for (int i = 0; i < 4; ++i) {
    runs.push_back(Begin());
    End(runs.back());
  }
  SayNotKept(runs[0], proto::NOT_KEPT_SAMPLE);
  SayNotKept(runs[1], proto::NOT_KEPT_BYTES);
  SayNotKept(runs[2], proto::NOT_KEPT_EVENTS, 17);
  EXPECT_FALSE(client_.BudgetsUsedUp());
  SayStored(runs[3]);
  SayNotKept(runs[0], proto::NOT_KEPT_SAMPLE);  // of a writer that says it twice
  ASSERT_TRUE(Until([&] { return client_.settled(); }));
  Settle();
  EXPECT_EQ(client_.stored().not_in_sample, 1u);
  EXPECT_EQ(client_.stored().beyond_bytes, 1u);
  EXPECT_EQ(client_.stored().kept, 2u);
  EXPECT_EQ(client_.stored().events_not_kept, 17u);
  EXPECT_THAT(told, ElementsAre(runs[2].bytes(), runs[3].bytes()));
  EXPECT_EQ(client_.BudgetsUsedUp(), 2u);
  clock_.Advance(std::chrono::hours(24));
  EXPECT_EQ(client_.BudgetsUsedUp(), 0u);
}

class LedgerTest : public WriterClientTest {
 protected:
  ~LedgerTest() override { unlink(path_.c_str()); }
  std::unique_ptr<RunLedger> Open() {
    auto ledger = RunLedger::Create(path_);
    EXPECT_TRUE(ledger) << ledger.error().ToString();
    return std::move(*ledger);
  }
  // A supervisor with this ledger.
  void Use(RunLedger& ledger) {
    own_.emplace(
        rig_.loop(), clock_, [](WorkerId, const std::string&) {}, &ledger);
  }
  void ConnectOwn() {
    auto ends = SeqpacketPair();
    ASSERT_TRUE(ends);
    writer_.emplace(std::move(ends->second), Channel::Waiting::kNo);
    own_->Connect(Channel(std::move(ends->first), Channel::Waiting::kNo));
  }
  static size_t InLedger(const RunLedger& ledger) {
    return RunLedger::Read(ledger.reader())->size();
  }
  proto::RunBegan Beginning(const RunId& run) {
    proto::RunBegan began;
    began.set_worker_id(kWorker);
    began.set_run_id(std::string(run.bytes()));
    return began;
  }
  proto::RunEnded Ending(const RunId& run) {
    proto::RunEnded ended;
    ended.set_worker_id(kWorker);
    ended.set_run_id(std::string(run.bytes()));
    return ended;
  }

  const std::string path_ = "/dev/shm/nightjar-test-journal-" + std::to_string(getpid());
  std::optional<WriterClient> own_;
};

TEST_F(LedgerTest, EachRunIsWrittenDownUntilItIsStored) {
  auto ledger = Open();
  Use(*ledger);
  RunId run = RunId::New(clock_.Wall());
  RunId refused = RunId::New(clock_.Wall());
  proto::RunBegan began = Beginning(run);
  began.mutable_trace_rules()->set_one_in(100);
  own_->RunBegan(std::move(began));
  EXPECT_EQ(InLedger(*ledger), 1u);
  EXPECT_FALSE((*RunLedger::Read(ledger->reader()))[0].run.began().has_trace_rules());
  own_->RunEnded(Ending(run));
  own_->RunEnded(Ending(refused));
  EXPECT_EQ(InLedger(*ledger), 2u);
  ConnectOwn();
  EXPECT_THAT(Names(), ElementsAre("ledger", "began 3", "ended 3", "ended 3"));
  SayStored(run);
  SayStored(refused);
  ASSERT_TRUE(Until([&] { return own_->settled(); }));
  EXPECT_EQ(InLedger(*ledger), 0u);
}

TEST_F(LedgerTest, WhatAnotherSupervisorLeftIsHandedToEachWriterUntilItIsStored) {
  RunId open = RunId::New(clock_.Wall());
  RunId ended = RunId::New(clock_.Wall());
  auto killed = Open();
  killed->Begin(Beginning(open));
  killed->End(killed->Begin(Beginning(ended)), Ending(ended));
  auto ledger = Open();
  Use(*ledger);
  EXPECT_FALSE(own_->settled());
  for (int writer = 0; writer < 2; ++writer) {
    ConnectOwn();
    EXPECT_THAT(Names(), ElementsAre("ledger", "left open", "left ended"));
    writer_.reset();
    ASSERT_TRUE(Until([&] { return !own_->connected(); }));
  }
  ConnectOwn();
  SayStored(open);
  SayStored(ended);
  ASSERT_TRUE(Until([&] { return own_->settled(); }));
  EXPECT_EQ(InLedger(*ledger), 0u);
}

}  // namespace
}  // namespace nightjar::testing
