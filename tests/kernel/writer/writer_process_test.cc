// The real nightjar-writer behind a real socket: what a supervisor can count on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "ipc/wire/channel.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

// Of this moment: the writer's keeper would let go of an old one at once.
RunId FreshRun(int64_t ms) {
  static const WallTime began = SystemClock().Wall();
  return RunId::New(began + std::chrono::milliseconds(ms));
}

constexpr uint32_t kWriterUid = 2'120'876'033;

uint32_t WriterUid() {
  return geteuid() == 0 ? kWriterUid : geteuid();
}
uint32_t WriterGid() {
  return geteuid() == 0 ? kWriterUid : getegid();
}

// A writer and the supervisor's end of its socket. Its errors go to a file in the state directory.
class Writer {
 public:
  enum class Disk { kPlenty, kOneMegabyte };
  enum class StartedBy { kThisUser, kItsUser };

  explicit Writer(const TempDir& state, Disk disk = Disk::kPlenty,
                  StartedBy started_by = StartedBy::kThisUser) {
    auto pair = SeqpacketPair();
    EXPECT_TRUE(pair);
    errors_ = state / "errors";
    Fd errors(open(errors_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    pid_ = fork();
    if (pid_ == 0) Exec(state, pair->second.get(), errors.get(), disk, started_by);
    channel_.emplace(std::move(pair->first), Channel::Waiting::kYes);
  }
  ~Writer() {
    if (pid_ > 0) Hangup();
  }

  void Send(uint64_t ticket, proto::ToWriter message, std::initializer_list<int> fds = {}) {
    message.set_ticket(ticket);
    Status sent = channel_->Send(message, fds);
    EXPECT_TRUE(sent) << sent.error().ToString();
  }
  void Attach(WorkerId id, const FakeWorker& worker) {
    proto::ToWriter message;
    message.mutable_attach_ring()->set_worker_id(id);
    message.mutable_attach_ring()->set_canvas("demo");
    Send(0, message, {worker.ring().get()});
  }
  void Begin(proto::RunBegan began) {
    proto::ToWriter message;
    *message.mutable_run_began() = std::move(began);
    Send(0, message);
  }
  void End(uint64_t ticket, proto::RunEnded ended) {
    proto::ToWriter message;
    *message.mutable_run_ended() = std::move(ended);
    Send(ticket, message);
  }
  proto::TraceDocument Get(const RunId& run) {
    proto::ToWriter message;
    message.mutable_get_trace()->set_canvas("demo");
    message.mutable_get_trace()->set_run_id(std::string(run.bytes()));
    Send(77, message);
    proto::FromWriter answer = Receive();
    EXPECT_EQ(answer.ticket(), 77u);
    EXPECT_EQ(answer.error(), "");
    proto::TraceDocument document;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(answer.trace_json(), &document).ok());
    return document;
  }
  proto::TraceList List() {
    proto::ToWriter message;
    message.mutable_list_traces()->set_canvas("demo");
    message.mutable_list_traces()->set_rows_max(100);
    Send(78, message);
    return Receive().traces();
  }
  Status Save(RevisionNumber revision, const std::string& program) {
    proto::ToWriter message;
    proto::SaveRevision& save = *message.mutable_save_revision();
    save.set_canvas("demo");
    save.set_revision(revision);
    save.set_source("source");
    save.set_program_bytes(program.size());
    Fd memfd = *CreateImmutableMemfd("program", program);
    Send(79, message, {memfd.get()});
    proto::FromWriter answer = Receive();
    if (answer.revision_saved().revision() == revision) return {};
    return Fail(ErrorCode::kInternal, answer.error());
  }

  // The next message; a memfd's content in its place. Fails the test when there is none for long.
  proto::FromWriter Receive(std::vector<Fd>* fds = nullptr) {
    pollfd ready{channel_->fd(), POLLIN, 0};
    EXPECT_EQ(poll(&ready, 1, 20'000), 1) << Errors();
    auto packet = channel_->Receive();
    EXPECT_TRUE(packet && *packet) << Errors();
    if (!packet || !*packet) return {};
    proto::FromWriter answer = *(*packet)->Parse<proto::FromWriter>();
    if (answer.memfd_bytes() > 0) {
      was_memfd_ = true;
      EXPECT_TRUE(answer.ParseFromString(*ReadForeignMemfd((*packet)->fds[0], 1 << 27)));
    }
    if (fds != nullptr) *fds = std::move((*packet)->fds);
    return answer;
  }
  bool was_memfd() const { return was_memfd_; }

  // Closes the socket and waits for the end; the wait status.
  int Hangup() {
    channel_.reset();
    int status = -1;
    EXPECT_EQ(waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
    return status;
  }
  int Kill() {
    kill(pid_, SIGKILL);
    return Hangup();
  }
  pid_t pid() const { return pid_; }
  std::string Errors() const {
    std::ifstream file(errors_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  [[noreturn]] static void Exec(const TempDir& state, int socket, int errors, Disk disk,
                                StartedBy started_by) {
    if (disk == Disk::kOneMegabyte &&
        (unshare(CLONE_NEWNS) != 0 ||
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
         mount("tmpfs", state.path().c_str(), "tmpfs", 0, "size=1m,mode=0711") != 0))
      _exit(70);
    // Opened first: its folder may be closed to another user.
    int program = open(NIGHTJAR_WRITER, O_PATH | O_CLOEXEC);
    if (started_by == StartedBy::kItsUser &&
        (setgroups(0, nullptr) != 0 || setresgid(WriterGid(), WriterGid(), WriterGid()) != 0 ||
         setresuid(WriterUid(), WriterUid(), WriterUid()) != 0))
      _exit(72);
    dup2(errors, STDERR_FILENO);
    std::string fd = std::to_string(fcntl(socket, F_DUPFD, 10));
    std::string uid = std::to_string(WriterUid()), gid = std::to_string(WriterGid());
    const char* words[] = {"nightjar-writer",    "--control-fd", fd.c_str(),  "--state",
                           state.path().c_str(), "--uid",        uid.c_str(), "--gid",
                           gid.c_str(),          nullptr};
    fexecve(program, const_cast<char**>(words), environ);
    _exit(71);
  }

  pid_t pid_ = -1;
  std::optional<Channel> channel_;
  std::string errors_;
  bool was_memfd_ = false;
};

class WriterProcessTest : public ::testing::Test {
 protected:
  WriterProcessTest() { EXPECT_EQ(chmod(state_.path().c_str(), 0711), 0); }
  // A whole run from its beginning to its acknowledgement.
  proto::FromWriter RunOnce(Writer& writer, WorkerId id, FakeWorker& worker, const RunId& run,
                            int calls) {
    writer.Attach(id, worker);
    writer.Begin(Began(id, run));
    worker.WholeRun(run, calls);
    writer.End(100 + id, Ended(id, run));
    proto::FromWriter answer = writer.Receive();
    EXPECT_EQ(answer.ticket(), 100 + id);
    EXPECT_EQ(answer.trace_stored().run_id(), run.bytes());
    return answer;
  }
  TempDir state_;
};

TEST_F(WriterProcessTest, StoresListsAndShowsARun) {
  Writer writer(state_);
  FakeWorker worker;
  RunId run = FreshRun(1);
  proto::FromWriter stored = RunOnce(writer, 1, worker, run, 5);
  EXPECT_EQ(stored.error(), "");
  EXPECT_GT(stored.trace_stored().bytes(), 0u);
  proto::TraceList list = writer.List();
  ASSERT_EQ(list.traces_size(), 1);
  EXPECT_EQ(list.traces(0).stored_bytes(), stored.trace_stored().bytes());
  EXPECT_EQ(writer.Get(run).events_size(), 12);
  EXPECT_EQ(WEXITSTATUS(writer.Hangup()), 0);
}

TEST_F(WriterProcessTest, AnswersALargeTraceAsAMemfd) {
  Writer writer(state_);
  FakeWorker worker;
  RunId run = FreshRun(1);
  writer.Attach(1, worker);
  writer.Begin(Began(1, run));
  worker.Start(run);
  std::string text(1000, 'x');
  for (int i = 0; i < 800; ++i) worker.Open("f", text);
  writer.End(5, Ended(1, run));
  EXPECT_EQ(writer.Receive().ticket(), 5u);
  EXPECT_EQ(writer.Get(run).events_size(), 801);
  EXPECT_TRUE(writer.was_memfd());
}

TEST_F(WriterProcessTest, SealsOpenRunsWhenTheSupervisorIsLost) {
  FakeWorker worker;
  RunId run = FreshRun(1);
  {
    Writer writer(state_);
    writer.Attach(1, worker);
    writer.Begin(Began(1, run));
    worker.Start(run);
    worker.Open("inside");
    int status = writer.Hangup();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << writer.Errors();
  }
  Writer next(state_);
  proto::TraceDocument document = next.Get(run);
  EXPECT_EQ(document.row().verdict(), proto::VERDICT_SUPERVISOR_LOST);
  EXPECT_EQ(document.events_size(), 2);
  ASSERT_EQ(document.open_calls_size(), 1);
  EXPECT_EQ(document.open_calls(0).call().fn(), "inside");
  proto::ToWriter question;
  question.mutable_get_incident()->set_run_id(std::string(run.bytes()));
  next.Send(6, question);
  EXPECT_EQ(next.Receive().incident().last_events_size(), 2);
}

// One was told with what canvases have used, one ended after that, one goes on: each is counted
// once, also where the next supervisor hands a lost one over again.
TEST_F(WriterProcessTest, CountsTheRunsThatItsSupervisorHadNoTimeTo) {
  FakeWorker worker, second, third;
  const RunId open = FreshRun(3);
  {
    Writer writer(state_);
    RunOnce(writer, 1, worker, FreshRun(1), 3);
    proto::ToWriter told;
    told.mutable_usage_told()->set_life(std::string(16, 'x'));
    proto::UsageRow& row = *told.mutable_usage_told()->add_rows();
    row.set_canvas("demo");
    row.set_begins_unix_s(open.unix_ms() / 3'600'000 * 3600);
    (*row.mutable_used()->mutable_runs())["finished"] = 1;
    writer.Send(5, told);
    EXPECT_EQ(writer.Receive().error(), "");
    RunOnce(writer, 2, second, FreshRun(2), 3);
    writer.Attach(3, third);
    writer.Begin(Began(3, open));
    third.Start(open);
    EXPECT_EQ(WEXITSTATUS(writer.Hangup()), 0) << writer.Errors();
  }
  Writer next(state_);
  proto::ToWriter left;
  *left.mutable_run_left()->mutable_began() = Began(3, open);
  next.Send(6, left);
  EXPECT_EQ(next.Receive().error(), "");
  proto::ToWriter question;
  question.mutable_usage_wanted()->set_until_unix_s(INT32_MAX);
  question.mutable_usage_wanted()->set_rows_max(10);
  next.Send(7, question);
  const proto::UsageCounters used = next.Receive().usage().sum();
  EXPECT_EQ((std::map<std::string, uint64_t>(used.runs().begin(), used.runs().end())),
            (std::map<std::string, uint64_t>{{"finished", 2}, {"supervisor_lost", 1}}));
}

TEST_F(WriterProcessTest, LosesNothingThatWasAcknowledgedWhenItIsKilled) {
  std::vector<RunId> runs;
  {
    Writer writer(state_);
    std::vector<std::unique_ptr<FakeWorker>> workers;
    for (WorkerId id = 1; id <= 20; ++id) {
      workers.push_back(std::make_unique<FakeWorker>());
      runs.push_back(FreshRun(static_cast<int64_t>(id)));
      RunOnce(writer, id, *workers.back(), runs.back(), 3);
    }
    EXPECT_TRUE(writer.Save(1, "program"));
    EXPECT_TRUE(WIFSIGNALED(writer.Kill()));
  }
  Writer next(state_);
  for (const RunId& run : runs) EXPECT_EQ(next.Get(run).events_size(), 8);
  proto::ToWriter load;
  load.mutable_load_catalog();
  next.Send(9, load);
  EXPECT_EQ(next.Receive().catalog_entry().revision(), 1u);
  EXPECT_EQ(next.Receive().catalog_end().canvases(), 1u);
}

TEST_F(WriterProcessTest, GoesOnWithTheRingsOfOneThatWasKilled) {
  FakeWorker worker;
  RunId run = FreshRun(1);
  {
    Writer writer(state_);
    writer.Attach(1, worker);
    writer.Begin(Began(1, run));
    writer.List();  // everything before it has been read
    writer.Kill();
  }
  worker.WholeRun(run, 3);
  Writer next(state_);
  next.Attach(1, worker);
  next.Begin(Began(1, run));
  next.End(5, Ended(1, run));
  EXPECT_EQ(next.Receive().ticket(), 5u);
  EXPECT_EQ(next.Get(run).events_size(), 8);
}

// Each writer is killed somewhere between taking incidents and having told that they are stored.
TEST_F(WriterProcessTest, TheChainOfIncidentsOutlivesKilledWriters) {
  std::set<RunId> sent, acknowledged;
  for (int life = 0; life < 5; ++life) {
    Writer writer(state_);
    for (int i = 0; i < 20; ++i) {
      RunId run = FreshRun(life * 100 + i);
      writer.End(1, Ended(0, run, proto::VERDICT_REFUSED));
      sent.insert(run);
    }
    for (int i = 0; i < life; ++i)
      acknowledged.insert(*RunId::FromBytes(writer.Receive().trace_stored().run_id()));
    writer.Kill();
  }
  Writer last(state_);
  proto::ToWriter question;
  question.mutable_verify_incidents();
  last.Send(6, question);
  proto::ChainAnswer chain = last.Receive().chain();
  EXPECT_EQ(chain.broken(), "");
  EXPECT_TRUE(chain.whole());
  EXPECT_GE(chain.link(), acknowledged.size());
  EXPECT_LE(chain.link(), sent.size());
  last.Hangup();
  EXPECT_THAT(last.Errors(), HasSubstr("event=incident_chain_head"));
  EXPECT_THAT(last.Errors(), HasSubstr(chain.hash()));
}

TEST_F(WriterProcessTest, SendsTheWholeCatalog) {
  Writer writer(state_);
  for (int i = 0; i < 100; ++i) {
    proto::ToWriter message;
    proto::SaveRevision& save = *message.mutable_save_revision();
    save.set_canvas("c" + std::to_string(i));
    save.set_revision(1);
    std::string program = "program " + std::to_string(i);
    save.set_program_bytes(program.size());
    save.set_source_memfd_bytes(6);
    Fd memfd = *CreateImmutableMemfd("program", program);
    Fd source = *CreateImmutableMemfd("source", "source");
    writer.Send(static_cast<uint64_t>(i) + 1, message, {memfd.get(), source.get()});
    EXPECT_EQ(writer.Receive().error(), "");
  }
  proto::ToWriter load;
  load.mutable_load_catalog();
  writer.Send(500, load);
  for (int i = 0; i < 100; ++i) {
    std::vector<Fd> fds;
    proto::FromWriter entry = writer.Receive(&fds);
    ASSERT_EQ(fds.size(), 1u);
    EXPECT_EQ(entry.ticket(), 500u);
    auto program = ReadForeignMemfd(fds[0], 100);
    ASSERT_TRUE(program) << program.error().ToString();
    EXPECT_EQ("c" + program->substr(8), entry.catalog_entry().canvas());
  }
  EXPECT_EQ(writer.Receive().catalog_end().canvases(), 100u);
}

TEST_F(WriterProcessTest, SaysWhatItRefuses) {
  Writer writer(state_);
  EXPECT_TRUE(writer.Save(2, "two"));
  EXPECT_THAT(writer.Save(1, "one").error().context, HasSubstr("not above its newest"));
  proto::ToWriter question;
  question.mutable_get_trace()->set_canvas("demo");
  question.mutable_get_trace()->set_run_id(std::string(FreshRun(5).bytes()));
  writer.Send(1, question);
  EXPECT_EQ(writer.Receive().error_kind(), proto::ERROR_KIND_NOT_FOUND);
  question.mutable_get_trace()->set_run_id("short");
  writer.Send(2, question);
  EXPECT_EQ(writer.Receive().error_kind(), proto::ERROR_KIND_INVALID);
  writer.Send(3, proto::ToWriter());
  EXPECT_EQ(writer.Receive().error_kind(), proto::ERROR_KIND_INVALID);
}

TEST_F(WriterProcessTest, IgnoresTheSignalsOfItsGroup) {
  Writer writer(state_);
  writer.List();  // it has come up
  for (int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) EXPECT_EQ(kill(writer.pid(), number), 0);
  FakeWorker worker;
  EXPECT_EQ(RunOnce(writer, 1, worker, FreshRun(1), 1).error(), "");
}

TEST_F(WriterProcessTest, HasNoPrivilegesLeft) {
  Writer writer(state_);
  writer.List();
  std::ifstream file("/proc/" + std::to_string(writer.pid()) + "/status");
  std::string status{std::istreambuf_iterator<char>(file), {}};
  std::string uid = std::to_string(WriterUid());
  EXPECT_THAT(status, HasSubstr("Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  for (const char* set : {"CapInh", "CapPrm", "CapEff"})
    EXPECT_THAT(status, HasSubstr(std::string(set) + ":\t0000000000000000"));
  if (geteuid() == 0) {
    EXPECT_THAT(status, HasSubstr("CapBnd:\t0000000000000000"));
    EXPECT_THAT(status, HasSubstr("Groups:\t \n"));
  }
  struct stat info;
  ASSERT_EQ(stat((state_ / "store").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  EXPECT_EQ(info.st_uid, WriterUid());
}

TEST_F(WriterProcessTest, GainsNoPrivilegeWhereItHadNone) {
  if (geteuid() != 0) GTEST_SKIP() << "becoming another user needs root";
  ASSERT_EQ(chown(state_.path().c_str(), WriterUid(), WriterGid()), 0);
  Writer writer(state_, Writer::Disk::kPlenty, Writer::StartedBy::kItsUser);
  writer.List();
  std::ifstream file("/proc/" + std::to_string(writer.pid()) + "/status");
  std::string status{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(status, HasSubstr("Uid:\t" + std::to_string(WriterUid()) + "\t"));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
}

TEST_F(WriterProcessTest, RefusesAnotherVersionInOneLine) {
  { Writer writer(state_); }
  std::ofstream(state_ / "store/version") << "nightjar-store 9\n";
  Writer writer(state_);
  EXPECT_EQ(WEXITSTATUS(writer.Hangup()), 1);
  EXPECT_THAT(writer.Errors(), HasSubstr("was written by another version"));
}

// One megabyte of disk: a trace that does not fit is lost, its row says why, and the next one is
// fine.
TEST_F(WriterProcessTest, OutlivesAFullDisk) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting a small disk needs root";
  Writer writer(state_, Writer::Disk::kOneMegabyte);
  FakeWorker small, large, after;
  EXPECT_EQ(RunOnce(writer, 1, small, FreshRun(1), 3).error(), "");

  RunId run = FreshRun(2);
  writer.Attach(2, large);
  writer.Begin(Began(2, run));
  large.Start(run);
  std::mt19937 random(7);
  for (int i = 0; i < 900; ++i) {
    std::string noise(2000, '\0');
    for (char& c : noise) c = static_cast<char>('!' + random() % 90);
    large.Open("f", noise);
    // The ring holds half of it: each question makes sure that the other side is at work.
    if (i % 100 == 0) writer.List();
  }
  writer.End(5, Ended(2, run));
  proto::FromWriter answer = writer.Receive();
  EXPECT_THAT(answer.error(), HasSubstr("No space left on device"));
  EXPECT_EQ(answer.trace_stored().run_id(), run.bytes());

  RunId later = FreshRun(3);
  EXPECT_EQ(RunOnce(writer, 3, after, later, 3).error(), "");
  EXPECT_EQ(writer.Get(later).events_size(), 8);
  EXPECT_THAT(writer.Get(run).row().detail(), HasSubstr("No space left on device"));
  EXPECT_EQ(WEXITSTATUS(writer.Hangup()), 0);
}

}  // namespace
}  // namespace nightjar::testing
