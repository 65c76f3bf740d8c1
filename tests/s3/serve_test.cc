// A whole server whose traces go to a real store: what its operator and its clients see.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "supervisor/writer/trace_reader.h"
#include "tests/s3/real_store.h"

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHello = "[http-handler GET /hello]\n\"hello\"\n";

// Longer than Eventually(): a store that hangs is given up after some time, and knocked at with
// pauses.
bool InAWhile(const std::function<bool()>& fact) {
  for (int round = 0; round < 9; ++round)
    if (Eventually(fact)) return true;
  return false;
}

class ServeTest : public RealStoreTest {
 protected:
  void SetUp() override {
    RealStoreTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    char path[] = "/var/tmp/nightjar-store-XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    folder_ = path;
    std::ofstream(folder_ + "/keys") << "access_key = \"" << S3Gateway::kAccessKey
                                     << "\"\nsecret_key = \"" << S3Gateway::kSecretKey << "\"\n";
    ASSERT_EQ(chmod((folder_ + "/keys").c_str(), 0600), 0);
  }
  void TearDown() override {
    server_.reset();
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  std::string StoreFile(const std::string& more = "") {
    std::string path = folder_ + "/store.toml";
    std::ofstream(path) << "kind = \"s3\"\nendpoint = \"http://127.0.0.1:" << TheGateway()->port()
                        << "\"\nbucket = \"" << bucket_ << "\"\ncredentials_file = \"" << folder_
                        << "/keys\"\n"
                        << more;
    return path;
  }
  void Serve(const std::string& more = "") {
    server_ = std::make_unique<Server>(ServerOptions{.more = {"--store", StoreFile(more)}});
    ASSERT_TRUE(server_->running()) << server_->log();
    ASSERT_EQ(server_->Deploy("demo", kHello).exit_code, 0);
  }
  // One run, and its id.
  std::string Run() {
    Answer answer = server_->Get("demo", "/hello");
    EXPECT_EQ(answer.status, 200);
    return answer.trace();
  }
  // A figure of GET /metrics; -1: it is not there.
  double Metric(const std::string& name) {
    std::smatch found;
    std::string text = server_->Control("GET", "/metrics").body;
    std::regex line("\n" + name + " ([0-9.e+]+)");
    return std::regex_search(text, found, line) ? std::stod(found[1]) : -1;
  }
  double Failures(const std::string& kind) {
    return Metric("nightjar_store_failures_total\\{kind=\"" + kind + "\"\\}");
  }
  // Each of these runs' traces is where everybody may read it, and not on this machine.
  bool AllUploaded(const std::vector<std::string>& runs) {
    for (const std::string& run : runs)
      if (ObjectOf(run).status != 307) return false;
    return Metric("nightjar_store_spooled_objects") == 0 && CountFiles() == 0;
  }
  // Of traces, on this machine.
  size_t CountFiles() {
    size_t count = 0;
    std::error_code gone;
    fs::recursive_directory_iterator at(server_->state() + "/store/traces/week", gone), end;
    for (; !gone && at != end; at.increment(gone)) count += at->is_regular_file(gone);
    return count;
  }
  // The stored object of a run, as a client gets it who follows where it is told to go.
  Answer ObjectOf(const std::string& run) {
    return server_->Control("GET", "/canvases/demo/traces/" + run,
                            "Accept: application/vnd.nightjar.trace\r\n");
  }
  void ExpectTrace(const std::string& run) {
    Output shown = server_->Cli({"trace", "demo", run});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("result \"hello\"")) << run;
  }

  std::string folder_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServeTest, ATraceIsInTheStoreAndIsReadFromThere) {
  Serve();
  std::string run = Run();
  ASSERT_TRUE(InAWhile([&] { return AllUploaded({run}); })) << server_->log();
  EXPECT_THAT(ListBucket(bucket_), HasSubstr("/demo/" + run + ".njt</Key>"));
  ExpectTrace(run);

  Answer object = ObjectOf(run);
  ASSERT_EQ(object.status, 307) << object.body;
  Fetched whole = Fetch(object.headers["location"]);
  ASSERT_EQ(whole.status, 200);
  EXPECT_THAT(whole.body, StartsWith("NJTRACE\n"));
  auto reader = TraceReader::Open(whole.body);
  ASSERT_TRUE(reader);
  EXPECT_NE(reader->Find(*RunId::Parse(run)), nullptr);
  EXPECT_EQ(Fetch(object.headers["location"], "0-6").body, "NJTRACE");

  Output written = server_->Cli({"trace", "demo", run, "--object", "-"});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_TRUE(written.out == whole.body);

  EXPECT_EQ(Metric("nightjar_store_available"), 1);
  EXPECT_GE(Metric("nightjar_store_uploads_total"), 1);
  EXPECT_EQ(Metric("nightjar_store_spooled_bytes"), 0);
}

TEST_F(ServeTest, APatchIsAnObjectOfItsOwnAndGoesWithItsBase) {
  Serve();
  ASSERT_EQ(server_
                ->Deploy("demo",
                         "[http-handler GET /hello]\ndouble 21\n\n"
                         "[fn double n:Int -> Int]\nn * 2\n")
                .exit_code,
            0);
  std::string base = Run();
  ASSERT_TRUE(InAWhile([&] { return AllUploaded({base}); })) << server_->log();
  Output again = server_->Cli({"run-function", "demo", base, "double"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  std::smatch found;
  std::string said = again.out + again.err;
  ASSERT_TRUE(std::regex_search(said, found, std::regex("run ([0-9a-f-]{36})"))) << said;
  std::string patch = found[1];
  ASSERT_TRUE(InAWhile([&] { return AllUploaded({base, patch}); })) << server_->log();

  Fetched whole = Fetch(ObjectOf(patch).headers["location"]);
  ASSERT_EQ(whole.status, 200);
  auto reader = TraceReader::Open(whole.body);
  ASSERT_TRUE(reader);
  EXPECT_NE(reader->Find(*RunId::Parse(patch)), nullptr);
  EXPECT_EQ(reader->Find(*RunId::Parse(base)), nullptr);
  Output shown = server_->Cli({"trace", "demo", base});
  EXPECT_THAT(shown.out, HasSubstr("Patch 1: call 1 of double"));

  ASSERT_EQ(server_->Cli({"delete-trace", "demo", base, "--reason", "asked for"}).exit_code, 0);
  EXPECT_TRUE(InAWhile([&] { return CountObjects(bucket_) == 0; })) << ListBucket(bucket_);
  EXPECT_EQ(ObjectOf(patch).status, 410);
}

TEST_F(ServeTest, AStoreThatIsKilledCostsSpoolOnly) {
  Serve();
  std::string first = Run();
  ASSERT_TRUE(InAWhile([&] { return AllUploaded({first}); }));
  TheGateway()->Kill();
  std::vector<std::string> runs;
  for (int i = 0; i < 20; ++i) runs.push_back(Run());
  ASSERT_TRUE(InAWhile([&] { return Metric("nightjar_store_available") == 0; }));
  ASSERT_TRUE(Eventually([&] { return CountFiles() == 20; })) << CountFiles();
  ExpectTrace(runs[0]);  // out of the spool
  Answer spooled = ObjectOf(runs[0]);
  EXPECT_EQ(spooled.status, 200);
  EXPECT_THAT(spooled.body, StartsWith("NJTRACE\n"));
  EXPECT_EQ(server_->Json({"trace", "demo", first}).find("failed"), std::string::npos);
  EXPECT_GE(Failures("unavailable"), 1);
  EXPECT_THAT(server_->log(), HasSubstr("event=store_unavailable"));

  ASSERT_TRUE(TheGateway()->Restart());
  ASSERT_TRUE(InAWhile([&] { return AllUploaded(runs); })) << server_->log();
  EXPECT_EQ(Metric("nightjar_store_available"), 1);
  EXPECT_THAT(server_->log(), HasSubstr("event=store_available"));
  for (const std::string& run : runs) ExpectTrace(run);
  EXPECT_EQ(Metric("nightjar_store_dropped_total"), 0);
  // Small traces of one canvas travel together.
  EXPECT_GE(Metric("nightjar_store_packs_total"), 1);
  EXPECT_LT(CountObjects(bucket_), runs.size());
  Fetched pack = Fetch(ObjectOf(runs[0]).headers["location"]);
  auto reader = TraceReader::Open(pack.body);
  ASSERT_TRUE(reader);
  for (const std::string& run : runs) EXPECT_NE(reader->Find(*RunId::Parse(run)), nullptr) << run;
}

TEST_F(ServeTest, AStoreThatHangsHoldsUpNobody) {
  Serve();
  TheGateway()->Signal(SIGSTOP);
  std::vector<std::string> runs;
  auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) runs.push_back(Run());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  // Acknowledged and listed as ever.
  EXPECT_TRUE(Eventually([&] {
    Output listed = server_->Cli({"traces", "demo", "-n", "30"});
    return std::count(listed.out.begin(), listed.out.end(), '\n') >= 20;
  }));
  ExpectTrace(runs.back());
  ASSERT_TRUE(InAWhile([&] { return Failures("timed_out") >= 1; })) << server_->log();
  runs.push_back(Run());
  TheGateway()->Signal(SIGCONT);
  ASSERT_TRUE(InAWhile([&] { return AllUploaded(runs); })) << server_->log();
  for (const std::string& run : runs) ExpectTrace(run);
}

TEST_F(ServeTest, WhatLiesInTheSpoolSurvivesARestart) {
  Serve();
  TheGateway()->Kill();
  std::vector<std::string> runs;
  for (int i = 0; i < 10; ++i) runs.push_back(Run());
  ASSERT_TRUE(Eventually([&] { return CountFiles() == 10; }));
  kill(server_->HelperPid("writer"), SIGKILL);
  ASSERT_TRUE(Eventually([&] { return Metric("nightjar_store_spooled_objects") == 10; }));
  EXPECT_EQ(server_->Stop(), 0);
  ASSERT_TRUE(TheGateway()->Restart());
  server_->Restart();
  ASSERT_TRUE(InAWhile([&] { return AllUploaded(runs); })) << server_->log();
  for (const std::string& run : runs) ExpectTrace(run);
}

TEST_F(ServeTest, AFullSpoolDropsTracesAndSaysSo) {
  Serve("spool_max = \"16MiB\"\n");
  TheGateway()->Kill();
  // As if an outage had been going on for long.
  std::string folder = server_->state() + "/store/traces/week";
  std::string run = Run();
  ASSERT_TRUE(Eventually([&] { return CountFiles() == 1; }));
  EXPECT_EQ(server_->Stop(), 0);
  fs::path day = fs::directory_iterator(folder)->path();
  std::ofstream(day / "demo" / "filler.njt") << std::string((16 << 20) - 2000, 'x');
  server_->Restart();
  std::string dropped;
  ASSERT_TRUE(Eventually([&] {
    dropped = Run();
    return Metric("nightjar_store_dropped_total") > 0;
  }));
  EXPECT_TRUE(Eventually([&] {
    return server_->Cli({"trace", "demo", dropped}).out.find("the spool is full") !=
           std::string::npos;
  })) << server_->Cli({"trace", "demo", dropped}).out;
  EXPECT_THAT(server_->log(), HasSubstr("event=trace_lost"));
  EXPECT_EQ(ObjectOf(dropped).status, 404);
  ASSERT_TRUE(TheGateway()->Restart());
  ASSERT_TRUE(InAWhile([&] { return Metric("nightjar_store_spooled_objects") <= 1; }))
      << server_->log();
  ASSERT_TRUE(Eventually([&] {
    std::string again = Run();
    return server_->Json({"trace", "demo", again}).find("was lost") == std::string::npos;
  }));
}

TEST_F(ServeTest, AStoreThatSaysNoIsNamedInTheLog) {
  std::ofstream(folder_ + "/keys")
      << "access_key = \"" << S3Gateway::kAccessKey << "\"\nsecret_key = \"another\"\n";
  Serve();
  std::string run = Run();
  ASSERT_TRUE(InAWhile([&] { return Failures("permission") >= 1; }));
  EXPECT_TRUE(Eventually([&] {
    return server_->log().find(
               "event=store_unavailable error=\"the store answers 403 "
               "SignatureDoesNotMatch") != std::string::npos;
  })) << server_->log();
  ExpectTrace(run);
}

TEST_F(ServeTest, AMistakeInTheStoreFileIsToldAndNothingStarts) {
  auto refused = [&](const std::string& file) {
    Output output = RunProgram({Programs() + "/nightjar", "serve", "--state", folder_ + "/state",
                                "--listen", "127.0.0.1:0", "--store", file});
    EXPECT_EQ(output.exit_code, 1);
    return output.err;
  };
  std::string file = StoreFile("spool_mux = \"1GiB\"\n");
  EXPECT_EQ(refused(file),
            "nightjar: " + file + ":5:1: unknown key `spool_mux`; did you mean `spool_max`?\n");
  file = StoreFile();
  ASSERT_EQ(chmod((folder_ + "/keys").c_str(), 0644), 0);
  EXPECT_EQ(refused(file), "nightjar: " + file + ":4:20: " + folder_ +
                               "/keys can be read by others: chmod 600 " + folder_ + "/keys\n");
  EXPECT_FALSE(fs::exists(folder_ + "/state/store"));
}

}  // namespace
}  // namespace nightjar::e2e
