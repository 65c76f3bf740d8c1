// What the writer puts together for an operator, out of a store that lies on the disk.
#include "supervisor/writer/operator_answers.h"

#include <gmock/gmock.h>

#include "ipc/proto/program.pb.h"
#include "supervisor/writer/sha256.h"
#include "supervisor/writer/upload_text.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSecond = 1'000'000;

class OperatorAnswersTest : public ::testing::Test {
 protected:
  OperatorAnswersTest() {
    auto archive = Archive::Open(dir_.path(), clock_);
    EXPECT_TRUE(archive) << archive.error().ToString();
    archive_ = std::move(*archive);
  }
  RunId AddTrace(int64_t ms, const std::string& canvas = "demo", std::string key = "the key") {
    IndexedTrace trace;
    RunId run = RunAt(ms);
    trace.row.set_run_id(run.ToString());
    trace.row.set_canvas(canvas);
    trace.row.set_verdict(proto::VERDICT_FINISHED);
    trace.object_key = std::move(key);
    EXPECT_TRUE(archive_->index().AddTrace(trace));
    return run;
  }
  void AddIncident(const RunId& run, proto::Verdict verdict, int64_t at_us,
                   const std::string& canvas = "demo") {
    proto::Incident incident;
    incident.set_run_id(run.ToString());
    incident.set_canvas(canvas);
    incident.set_verdict(verdict);
    incident.set_at_unix_us(at_us);
    EXPECT_TRUE(archive_->index().AddIncident(incident));
  }
  Result<proto::WhyAnswer> Why(const std::string& id) {
    proto::ExplainRun question;
    question.set_id(id);
    return ExplainRun(archive_->index(), question);
  }
  ErrorCode WhyNot(const std::string& id) {
    auto answer = Why(id);
    EXPECT_FALSE(answer);
    return answer ? ErrorCode::kInternal : answer.error().code;
  }
  int64_t Now() const { return UnixMicros(clock_.Wall()); }
  Status Deploy(RevisionNumber number, const std::string& source,
                const std::vector<std::string>& secrets = {}) {
    proto::Program program;
    for (const std::string& secret : secrets) program.add_secrets()->set_value(secret);
    Catalog::Revision revision;
    revision.canvas = "demo";
    revision.number = number;
    revision.source = source;
    revision.program = program.SerializeAsString();
    revision.deployed_by = "uid 0";
    return archive_->catalog().Save(revision);
  }
  Result<proto::RevisionSource> Source(RevisionNumber number) {
    proto::GetRevisionSource question;
    question.set_canvas("demo");
    question.set_revision(number);
    return SourceWithoutSecrets(archive_->catalog(), question);
  }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<Archive> archive_;
};

TEST_F(OperatorAnswersTest, ARunIsFoundWhateverItsCanvas) {
  for (const char* canvas : {"a", "b", "c"}) AddTrace(1, canvas);
  RunId run = AddTrace(40'000'000, "d");  // eleven hours later
  auto answer = Why(run.ToString().substr(0, 9));
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->run_id(), run.ToString());
  EXPECT_EQ(answer->trace().canvas(), "d");
  EXPECT_EQ(answer->no_trace(), "");
  EXPECT_FALSE(answer->has_incident());
}

TEST_F(OperatorAnswersTest, AKilledRunHasBothAndIsFoundOnce) {
  RunId run = AddTrace(1);
  AddIncident(run, proto::VERDICT_MEMORY, 7);
  RunId other = RunAt(9);
  AddIncident(other, proto::VERDICT_MEMORY, 8);
  auto answer = Why(run.ToString());
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->incident().at_unix_us(), 7);
  EXPECT_TRUE(answer->has_trace());
  ASSERT_EQ(answer->similar().newest_size(), 1);
  EXPECT_EQ(answer->similar().newest(0).run_id(), other.ToString());
  // One that was refused has no trace.
  answer = Why(other.ToString());
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->has_trace());
  EXPECT_THAT(answer->no_trace(), HasSubstr("no trace"));
}

TEST_F(OperatorAnswersTest, AnIdThatIsNoneOrSeveralOrUnknownIsTold) {
  RunId one = AddTrace(1), two = AddTrace(1, "other");
  std::string same = one.ToString().substr(0, 13);  // of one millisecond
  EXPECT_EQ(WhyNot(same), ErrorCode::kExists);
  EXPECT_THAT(Why(same).error().ToString(), HasSubstr(one.ToString()));
  EXPECT_TRUE(Why(one.ToString()));
  EXPECT_TRUE(Why(two.ToString()));
  EXPECT_EQ(WhyNot("fe6c"), ErrorCode::kInvalid);
  EXPECT_EQ(WhyNot("fe6c1a%"), ErrorCode::kInvalid);
  EXPECT_EQ(WhyNot(RunAt(99).ToString()), ErrorCode::kNotFound);
}

TEST_F(OperatorAnswersTest, ARunWhoseTraceWasNotStoredSaysSo) {
  auto answer = Why(AddTrace(1, "demo", "").ToString());
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->no_trace(), HasSubstr("nothing of this trace could be stored"));
}

TEST_F(OperatorAnswersTest, ATimelineIsOldestFirstAndOfItsTime) {
  const int64_t start = Now();
  ASSERT_TRUE(Deploy(1, "one"));
  clock_.Advance(std::chrono::hours(1));
  const int64_t since = Now();
  ASSERT_TRUE(Deploy(2, "two"));
  clock_.Advance(std::chrono::seconds(1));
  AddIncident(RunId::New(clock_.Wall()), proto::VERDICT_MEMORY, Now());
  AddIncident(RunId::New(clock_.Wall()), proto::VERDICT_MEMORY, Now(), "other");
  clock_.Advance(std::chrono::seconds(1));
  AddIncident(RunId::New(clock_.Wall()), proto::VERDICT_REFUSED, Now());
  proto::RoutesMissed missed;
  proto::MissedRoute& route = *missed.add_routes();
  route.set_canvas("demo");
  route.set_method("GET");
  route.set_path("/x");
  route.set_count(3);
  route.set_first_unix_us(start);
  route.set_last_unix_us(Now() + kSecond);
  ASSERT_TRUE(archive_->missed().Add(missed));
  proto::UsageTold told;
  told.set_life(std::string(16, 'l'));
  proto::UsageRow& used = *told.add_rows();
  used.set_canvas("demo");
  used.set_begins_unix_s(since / kSecond / 3600 * 3600);
  used.mutable_used()->set_cpu_us(5);
  ASSERT_TRUE(archive_->usage().Take(told));

  proto::TimelineWanted wanted;
  wanted.set_canvas("demo");
  wanted.set_since_unix_us(since);
  wanted.set_until_unix_us(Now() + 10 * kSecond);
  wanted.set_rows_max(100);
  auto timeline = TimelineOf(*archive_, wanted);
  ASSERT_TRUE(timeline) << timeline.error().ToString();
  std::vector<proto::TimelineKind> kinds;
  for (const auto& event : timeline->events()) kinds.push_back(event.kind());
  EXPECT_THAT(kinds,
              ElementsAre(proto::TIMELINE_USAGE, proto::TIMELINE_DEPLOY, proto::TIMELINE_INCIDENT,
                          proto::TIMELINE_REFUSAL, proto::TIMELINE_MISSED));
  EXPECT_EQ(timeline->events(1).revision(), 2u);
  EXPECT_EQ(timeline->events(1).by(), "uid 0");
  EXPECT_EQ(timeline->events(0).used().cpu_us(), 5u);
  EXPECT_FALSE(timeline->more());
  wanted.set_rows_max(2);
  timeline = TimelineOf(*archive_, wanted);
  ASSERT_EQ(timeline->events_size(), 2);
  EXPECT_EQ(timeline->events(0).kind(), proto::TIMELINE_REFUSAL);
  EXPECT_TRUE(timeline->more());
  // From the beginning, with the first deploy.
  wanted.set_rows_max(100);
  wanted.set_since_unix_us(0);
  EXPECT_EQ(TimelineOf(*archive_, wanted)->events_size(), 6);
}

TEST_F(OperatorAnswersTest, MoreIncidentsThanAreLookedAtCutTheTimeline) {
  ASSERT_TRUE(Deploy(1, "one"));
  for (size_t i = 0; i < bounds::kListRows + 1; ++i) {
    clock_.Advance(std::chrono::milliseconds(1));
    AddIncident(RunId::New(clock_.Wall()), proto::VERDICT_MEMORY, Now());
  }
  proto::TimelineWanted wanted;
  wanted.set_canvas("demo");
  wanted.set_until_unix_us(Now() + kSecond);
  wanted.set_rows_max(static_cast<uint32_t>(2 * bounds::kListRows));
  auto timeline = TimelineOf(*archive_, wanted);
  ASSERT_TRUE(timeline);
  EXPECT_TRUE(timeline->more());
  EXPECT_EQ(timeline->events_size(), static_cast<int>(bounds::kListRows));
  EXPECT_EQ(timeline->events(0).kind(), proto::TIMELINE_INCIDENT) << "the deploy was before them";
}

TEST_F(OperatorAnswersTest, ASourceComesWithoutItsSecrets) {
  ASSERT_TRUE(Deploy(1, "[http-handler GET /]\n1\n"));
  auto source = Source(1);
  ASSERT_TRUE(source) << source.error().ToString();
  EXPECT_EQ(source->source(), "[http-handler GET /]\n1\n");
  EXPECT_FALSE(source->secrets_hidden());
  EXPECT_EQ(source->deployed_by(), "uid 0");
  // Also far behind, where the text is searched in pieces, and across their borders.
  std::string text = "[secrets K:hunter2]\n";
  for (size_t size : {bounds::kMaskedPieceBytes - 3, 3 * bounds::kMaskedPieceBytes - 6}) {
    text.resize(size, '#');
    text += "hunter2";
  }
  ASSERT_TRUE(Deploy(2, text, {"hunter2", "x"}));
  source = Source(2);
  ASSERT_TRUE(source) << source.error().ToString();
  EXPECT_TRUE(source->secrets_hidden());
  EXPECT_THAT(source->source(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(source->source(), HasSubstr("[secrets K:<secret>]"));
  EXPECT_TRUE(source->source().ends_with("#<secret>"));
}

TEST_F(OperatorAnswersTest, FilesBesideASourceComeWithoutSecretsToo) {
  proto::Upload upload;
  upload.set_source("[secrets K:hun\"ter2]\n");  // is escaped in JSON
  upload.add_files()->set_content("K is hun\"ter2\n");
  auto text = WriteUpload(upload);
  ASSERT_TRUE(text);
  ASSERT_TRUE(Deploy(1, *text, {"hun\"ter2"}));
  auto source = Source(1);
  ASSERT_TRUE(source) << source.error().ToString();
  EXPECT_TRUE(source->upload());
  auto read = ReadUpload(source->source());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->source(), "[secrets K:<secret>]\n");
  EXPECT_EQ(read->files(0).content(), "K is <secret>\n");
}

TEST_F(OperatorAnswersTest, ASourceWhoseSecretsAreNotKnownIsKeptBack) {
  ASSERT_TRUE(Deploy(1, "[secrets K:hunter2]\n", {"hunter2"}));
  for (RevisionNumber number = 2; number < 2 + bounds::kProgramsKept; ++number)
    ASSERT_TRUE(Deploy(number, "x"));
  auto source = Source(1);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kNotKept);
  EXPECT_EQ(Source(99).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(Deploy(50, "x", std::vector<std::string>(bounds::kMaskedTexts + 1, "secret")));
  EXPECT_EQ(Source(50).error().code, ErrorCode::kExhausted);
}

TEST_F(OperatorAnswersTest, AnIncidentsLinkCanBeHashedAgain) {
  RunId run = RunAt(1);
  AddIncident(run, proto::VERDICT_MEMORY, 7);
  auto link = archive_->index().chain().Find(run);
  ASSERT_TRUE(link) << link.error().ToString();
  EXPECT_EQ(link->link(), 1u);
  EXPECT_EQ(link->links(), 1u);
  EXPECT_EQ(link->head(), link->hash());
  EXPECT_EQ(HashText(Sha256({link->hashed()})), link->hash());
  proto::Incident record;
  ASSERT_TRUE(record.ParseFromString(link->hashed().substr(link->record_at())));
  EXPECT_EQ(record.run_id(), run.ToString());
  EXPECT_EQ(archive_->index().chain().Find(RunAt(2)).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nightjar::testing
