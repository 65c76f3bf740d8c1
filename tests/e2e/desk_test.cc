// The desk: an operator finds out why a run was killed, what else is like it, what happened to its
// canvas, and takes the evidence home.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/support/server_rig.h"
#include "tests/support/start_mode.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPolicy = R"([default]
wall = "6s"
[canvas.runaways]
cpu = "300ms"
depth = 200
[canvas.shut]
suspended = true
)";

// A folder of a test's own, and what a shell does in it.
class Folder {
 public:
  Folder() {
    char path[] = "/tmp/nightjar-desk-XXXXXX";
    EXPECT_NE(mkdtemp(path), nullptr);
    path_ = path;
    // For who started the server, whoever that is.
    std::filesystem::permissions(path_, std::filesystem::perms::all);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  Output Shell(const std::string& command) const {
    return RunProgram({"/bin/sh", "-c", "cd " + path_ + " && " + command});
  }
  size_t Entries() const {
    auto begin = std::filesystem::directory_iterator(path_);
    return static_cast<size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }

 private:
  std::string path_;
};

class DeskTest : public ::testing::Test {
 protected:
  // A run's id, once `why` knows it.
  std::string Ended(const std::string& canvas, const std::string& target) {
    std::string id = server_.Get(canvas, target).trace();
    EXPECT_TRUE(Eventually([&] { return server_.Cli({"why", id}).exit_code == 0; })) << target;
    return id;
  }
  std::string Why(const std::string& id) {
    Output shown = server_.Cli({"why", id});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    return shown.out;
  }

  Server server_{kPolicy};
  Folder folder_;
};

TEST_F(DeskTest, WhySaysWhatKilledARunOnOnePage) {
  server_.DeployExample("runaways");
  std::string first = Ended("runaways", "/spin"), id = Ended("runaways", "/spin?again=1");
  std::string page = Why(id.substr(0, 13));
  EXPECT_THAT(page, HasSubstr("runaways GET /spin was killed, cpu_time: used "));
  EXPECT_THAT(page, HasSubstr("limit cpu = 300ms"));
  EXPECT_THAT(page, HasSubstr("policy.toml:4"));
  EXPECT_THAT(page, HasSubstr("GET /spin?again=1 from 127.0.0.1"));
  EXPECT_THAT(page, HasSubstr("<- struck"));
  EXPECT_THAT(page, HasSubstr("\n  cpu       "));  // of the plot
  EXPECT_THAT(page, HasSubstr("List::fold  open for "));
  EXPECT_THAT(page, HasSubstr(", made "));
  EXPECT_THAT(page, HasSubstr("The last events:"));
  EXPECT_THAT(page, HasSubstr("Other cpu_time like it, newest first: 1 of this canvas, 1 of "
                              "the same code, 1 from the same caller"));
  EXPECT_THAT(page, HasSubstr(first));
  EXPECT_LT(std::count(page.begin(), page.end(), '\n'), 60) << page;
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  std::string json = server_.Json({"why", id});
  EXPECT_THAT(json, HasSubstr("\"of_canvas\": \"1\""));
  EXPECT_THAT(json, HasSubstr("\"http_status\": 500"));
}

TEST_F(DeskTest, WhySaysPlainlyThatARunFinishedWasRefusedOrIsUnknown) {
  server_.Deploy("demo", "[http-handler GET /hello]\n\"hello\"\n");
  std::string id = Ended("demo", "/hello");
  EXPECT_THAT(Why(id), HasSubstr("demo GET /hello finished with status 200. Nothing ended it"));
  server_.Deploy("shut", "[http-handler GET /hello]\n\"hello\"\n");
  EXPECT_THAT(Why(Ended("shut", "/hello")),
              HasSubstr("shut GET /hello was refused before it ran: "));
  Output unknown = server_.Cli({"why", "00000000-0000-0000-0000-000000000000"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no run is known by `00000000-"));
  EXPECT_THAT(unknown.err, HasSubstr("x-nightjar-trace"));
  EXPECT_THAT(server_.Cli({"why", "fe"}).err, HasSubstr("`fe` is no id: give 6 or more"));
  EXPECT_EQ(server_.Cli({"why"}).exit_code, 2);
}

TEST_F(DeskTest, WhySaysThatARunGoesOn) {
  server_.DeployExample("runaways", "slow");
  std::string id;
  std::thread caller([&] { server_.Get("slow", "/spin"); });
  ASSERT_TRUE(Eventually([&] {
    std::string runs = server_.Control("GET", "/runs").body;
    size_t at = runs.find("\"run_id\":\"");
    if (at != std::string::npos) id = runs.substr(at + 10, 36);
    return !id.empty();
  }));
  EXPECT_THAT(Why(id), HasSubstr("slow GET /spin is not over: it is "));
  server_.Cli({"kill", id});
  caller.join();
}

TEST_F(DeskTest, SimilarFindsAcrossCanvases) {
  server_.DeployExample("runaways");
  server_.DeployExample("runaways", "twin");
  std::string one = Ended("runaways", "/recursion"), two = Ended("twin", "/recursion");
  std::string json = server_.Json({"why", one});
  size_t at = json.find("\"code_sha256\": \"") + 16;
  std::string code = json.substr(at, 64);
  for (const std::vector<std::string>& by : {std::vector<std::string>{"--code-hash", code},
                                             {"--caller", "127.0.0.1"},
                                             {"--cause", "call_depth"}}) {
    Output found = server_.Cli({"similar", by[0], by[1], "--since", "1h"});
    EXPECT_EQ(found.exit_code, 0) << found.err;
    EXPECT_THAT(found.out, HasSubstr(one)) << by[0];
    EXPECT_THAT(found.out, HasSubstr(code.substr(0, 12))) << by[0];
  }
  std::string by_code = server_.Cli({"similar", "--code-hash", code}).out;
  EXPECT_LT(by_code.find(two), by_code.find(one)) << "the newest first";
  EXPECT_THAT(server_.Cli({"similar", "--code-hash", code, "-n", "1"}).out,
              HasSubstr("There are older ones"));
  EXPECT_EQ(server_.Cli({"similar", "--caller", "10.9.9.9"}).out, "No incident is like that.\n");
  EXPECT_THAT(server_.Cli({"similar", "--cause", "boredom"}).err,
              HasSubstr("no verdict named boredom"));
  EXPECT_THAT(server_.Cli({"similar", "--code-hash", "abc"}).err, HasSubstr("64 digits"));
  EXPECT_EQ(server_.Cli({"similar"}).exit_code, 2);
}

TEST_F(DeskTest, ATimelineHasWhatHappened) {
  server_.DeployExample("runaways");
  std::string killed = Ended("runaways", "/recursion");
  EXPECT_EQ(server_.Get("runaways", "/nowhere").status, 404);
  ASSERT_EQ(server_.Cli({"hold", "runaways", killed, "--reason", "look at this"}).exit_code, 0);
  ASSERT_EQ(server_.Cli({"pause", "runaways", "--reason", "a breath"}).exit_code, 0);
  server_.DeployExample("runaways");
  Output shown = server_.Cli({"canvas", "runaways", "--timeline", "--since", "1h"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  size_t before = 0;
  for (const char* part :
       {"hour ", "revision 1 by ", "GET /recursion from 127.0.0.1: ", "GET /nowhere from 127.0.0.1",
        ": look at this", ": a breath", "revision 2 by "}) {
    size_t at = shown.out.find(part);
    ASSERT_NE(at, std::string::npos) << part << " is not in\n" << shown.out;
    EXPECT_LT(before, at) << part << " is too early in\n" << shown.out;
    before = at;
  }
  EXPECT_THAT(server_.Cli({"canvas", "runaways", "--timeline", "-n", "1"}).out,
              HasSubstr("Older events are left out"));
  EXPECT_THAT(server_.Json({"canvas", "runaways", "--timeline"}), HasSubstr("TIMELINE_INCIDENT"));
  EXPECT_THAT(server_.Cli({"canvas", "nobody", "--timeline"}).err,
              HasSubstr("there is no canvas nobody"));
  EXPECT_THAT(server_.Cli({"canvas", "runaways", "--timeline", "--since", "soon"}).err,
              HasSubstr("since is a time"));
  EXPECT_EQ(server_.Cli({"canvas", "runaways"}).exit_code, 2);
}

TEST_F(DeskTest, EvidenceIsSealedVerifiedAndHeld) {
  server_.Deploy("runaways",
                 "[secrets KEY:hunter2trumpet]\n[http-handler GET /recursion]\n"
                 "let key = KEY in descend 0\n[fn descend depth:Int -> Int]\n"
                 "1 + descend (depth + 1)\n");
  std::string id = Ended("runaways", "/recursion?token=violin");
  server_.Cli({"run-function", "runaways", id, "descend"});
  std::string file = folder_ / "case.tar";
  Output made = server_.Cli({"evidence", id.substr(0, 13), "--out", file});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("Its trace is held until it is released"));
  EXPECT_THAT(made.out, Not(HasSubstr("missing:")));
  EXPECT_EQ(folder_.Entries(), 1u);
  // By public tools alone.
  Output list = folder_.Shell("tar -tf case.tar");
  const std::string inside = "evidence-" + id + "/";
  for (const char* name : {"why.txt", "incident.json", "incident.link", "chain.json", "limits.json",
                           "trace.njt", "trace.json", "patch-1.njt", "program.dark", "usage.json",
                           "audit.json", "README.txt", "MANIFEST"})
    EXPECT_THAT(list.out, HasSubstr(inside + name + "\n"));
  Output checked =
      folder_.Shell("tar -xf case.tar && cd evidence-* && sha256sum --strict -c MANIFEST");
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("trace.njt: OK\n"));
  // The link's hash is the chain's.
  std::string link = folder_.Shell("cd evidence-* && sha256sum < incident.link").out.substr(0, 64);
  EXPECT_THAT(folder_.Shell("cat evidence-*/chain.json").out, HasSubstr(link));
  EXPECT_EQ(server_.Cli({"incidents", "--verify", "--head", "1:" + link}).exit_code, 0);
  EXPECT_THAT(folder_.Shell("cd evidence-* && tail -c +61 incident.link | strings").out,
              HasSubstr("GET /recursion"));
  // The trace is the stored one, and the hold's reason has the archive's hash.
  std::string sum = folder_.Shell("sha256sum < case.tar").out.substr(0, 64);
  EXPECT_THAT(server_.Cli({"holds"}).out, HasSubstr("evidence case.tar sha256 " + sum));
  ASSERT_EQ(server_.Cli({"trace", "runaways", id, "--object", folder_ / "object"}).exit_code, 0);
  EXPECT_EQ(folder_.Shell("cmp object evidence-*/trace.njt").exit_code, 0);
  EXPECT_THAT(folder_.Shell("cat evidence-*/audit.json").out, HasSubstr("\"action\": \"deploy\""));
  // No secret, and nothing that redaction left out.
  EXPECT_NE(folder_.Shell("grep -r -e hunter2trumpet -e violin evidence-*").exit_code, 0);
  EXPECT_THAT(folder_.Shell("cat evidence-*/program.dark").out,
              HasSubstr("[secrets KEY:<secret>]\n"));
  EXPECT_THAT(folder_.Shell("cat evidence-*/README.txt").out, Not(HasSubstr("What is missing")));
}

TEST_F(DeskTest, EvidenceNeverTakesAFilesPlace) {
  server_.DeployExample("runaways");
  std::string id = Ended("runaways", "/recursion");
  std::string file = folder_ / "case.tar";
  std::ofstream(file) << "mine";
  Output refused = server_.Cli({"evidence", id, "--out", file});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("case.tar is there already, and stays as it is"));
  EXPECT_EQ(folder_.Shell("cat case.tar").out, "mine");
  EXPECT_EQ(folder_.Entries(), 1u);
  EXPECT_THAT(server_.Cli({"holds"}).out, Not(HasSubstr(id)));
  Output nowhere = server_.Cli({"evidence", id, "--out", folder_ / "no/such.tar"});
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("No such file"));
  EXPECT_EQ(server_.Cli({"evidence", id}).exit_code, 2);
}

TEST_F(DeskTest, EvidenceOfWhatIsGoneSaysWhatIsMissing) {
  server_.DeployExample("runaways");
  std::string id = Ended("runaways", "/recursion");
  ASSERT_EQ(server_.Cli({"delete-trace", "runaways", id, "--reason", "asked to"}).exit_code, 0);
  Output made = server_.Cli({"evidence", id, "--out", folder_ / "case.tar"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("missing: trace.njt: trace " + id + " was deleted on "));
  EXPECT_THAT(made.out, Not(HasSubstr("held")));
  EXPECT_EQ(folder_.Shell("tar -xf case.tar && cd evidence-* && sha256sum -c MANIFEST").exit_code,
            0);
  EXPECT_THAT(folder_.Shell("cat evidence-*/README.txt").out, HasSubstr("asked to"));
  EXPECT_THAT(Why(id), HasSubstr("Its trace cannot be read: trace " + id + " was deleted on "));
  EXPECT_THAT(server_.Json({"evidence", id, "--out", folder_ / "b.tar"}),
              HasSubstr("\"held\": false"));
}

TEST_F(DeskTest, EvidenceIsOfIncidentsAndLeavesAnEarlierHold) {
  server_.Deploy("demo", "[http-handler GET /hello]\n\"hello\"\n");
  Output none = server_.Cli({"evidence", Ended("demo", "/hello"), "--out", folder_ / "case.tar"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("was neither killed nor refused"));
  EXPECT_EQ(folder_.Entries(), 0u);
  server_.DeployExample("runaways");
  std::string id = Ended("runaways", "/recursion");
  ASSERT_EQ(server_.Cli({"hold", "runaways", id, "--reason", "mine"}).exit_code, 0);
  Output made = server_.Cli({"evidence", id, "--out", folder_ / "case.tar"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("Its trace was held already, and stays so."));
  EXPECT_THAT(server_.Cli({"holds"}).out, HasSubstr("mine"));
}

// `nightjar top` on a terminal of its own.
class TopOnATerminal {
 public:
  explicit TopOnATerminal(const Server& server) {
    const std::string program = server.command().front();
    pid_ = forkpty(&master_, nullptr, nullptr, nullptr);
    if (pid_ != 0) return;
    BecomeStarter();
    execl(program.c_str(), "nightjar", "top", "--state", server.state().c_str(),
          static_cast<char*>(nullptr));
    _exit(127);
  }
  ~TopOnATerminal() {
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    close(master_);
  }
  bool Shows(const std::string& part) {
    return Eventually([&] {
      char block[4096];
      pollfd input{master_, POLLIN, 0};
      if (poll(&input, 1, 0) > 0)
        if (ssize_t got = read(master_, block, sizeof block); got > 0)
          text_.append(block, static_cast<size_t>(got));
      return text_.find(part) != std::string::npos;
    });
  }
  void Press(char key) {
    text_.clear();
    EXPECT_EQ(write(master_, &key, 1), 1);
  }
  bool echoes() const {
    termios now{};
    EXPECT_EQ(tcgetattr(master_, &now), 0);
    return (now.c_lflag & ECHO) != 0 && (now.c_lflag & ICANON) != 0;
  }
  void Signal(int number) { kill(pid_, number); }
  // As of waitpid(2), once it has ended by itself.
  int AwaitEnd() {
    int status = -1;
    EXPECT_TRUE(Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }));
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int master_ = -1;
  std::string text_;
};

TEST_F(DeskTest, TopListensToKeysOnATerminalAndLeavesItAsItWas) {
  server_.DeployExample("runaways");
  {
    TopOnATerminal top(server_);
    EXPECT_TRUE(top.Shows("[c cpu]"));
    EXPECT_FALSE(top.echoes());
    top.Press('k');
    EXPECT_TRUE(top.Shows("[k kills]"));
    top.Press('q');
    EXPECT_EQ(top.AwaitEnd(), 0);
    EXPECT_TRUE(top.echoes());
  }
  TopOnATerminal top(server_);
  EXPECT_TRUE(top.Shows("[c cpu]"));
  top.Signal(SIGTERM);
  EXPECT_EQ(WTERMSIG(top.AwaitEnd()), SIGTERM);
  EXPECT_TRUE(top.echoes());
}

TEST_F(DeskTest, TopIsSortedByAKey) {
  server_.DeployExample("runaways", "alpha");
  server_.DeployExample("runaways", "zeta");
  Ended("alpha", "/recursion");
  Ended("zeta", "/recursion");
  Ended("zeta", "/recursion");
  std::string by_kills = server_.Cli({"top", "--sort", "kills"}).out;
  EXPECT_LT(by_kills.find("zeta "), by_kills.find("alpha ")) << by_kills;
  std::string by_name = server_.Cli({"top", "--sort", "name"}).out;
  EXPECT_LT(by_name.find("alpha "), by_name.find("zeta ")) << by_name;
  EXPECT_EQ(server_.Cli({"top", "--sort", "beauty"}).exit_code, 2);
}

}  // namespace
}  // namespace nightjar::e2e
