// Events as they happen, to `nightjar watch`.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;

// `nightjar watch` in the background, and what it has written so far.
class Watcher {
 public:
  Watcher(Server& server, std::vector<std::string> words) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    out_ = Fd(ends[0]);
    Fd theirs(ends[1]);
    words.insert(words.begin(),
                 {std::string(NIGHTJAR_BIN) + "/nightjar", "watch", "--state", server.state()});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ != 0) return;
    BecomeStarter();
    dup2(theirs.get(), STDOUT_FILENO);
    dup2(theirs.get(), STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ~Watcher() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  const std::string& text() {
    char bytes[4096];
    for (ssize_t got; (got = read(out_.get(), bytes, sizeof bytes)) > 0;)
      text_.append(bytes, static_cast<size_t>(got));
    return text_;
  }
  bool Says(const std::string& words) {
    return Eventually([&] { return text().find(words) != std::string::npos; });
  }
  int Wait() {
    int status = 0;
    CHECK(waitpid(std::exchange(pid_, -1), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  Fd out_;
  pid_t pid_ = -1;
  std::string text_;
};

// Whoever looks on is known to the supervisor once a deploy comes through.
void WaitUntilItLooks(Server& server, Watcher& watcher) {
  EXPECT_TRUE(Eventually([&] {
    server.DeployExample("api");
    return !watcher.text().empty();
  })) << watcher.text();
}

TEST(WatchTest, ShowsWhatHappensAsItHappens) {
  Server server("[default]\ncpu = \"200ms\"\nsoft_stop = \"0s\"\n");
  server.DeployExample("runaways");
  Watcher watcher(server, {});
  WaitUntilItLooks(server, watcher);
  Answer hello = server.Get("api", "/hello");
  EXPECT_TRUE(watcher.Says("trace")) << watcher.text();
  EXPECT_TRUE(watcher.Says(hello.trace())) << watcher.text();
  Answer killed = server.Get("runaways", "/spin");
  EXPECT_TRUE(watcher.Says("cpu_time: used")) << watcher.text();
  EXPECT_TRUE(watcher.Says(killed.trace())) << watcher.text();
  EXPECT_EQ(server.Get("api", "/no/such/route").status, 404);
  EXPECT_TRUE(watcher.Says("404        api               GET /no/such/route")) << watcher.text();
}

TEST(WatchTest, GoesOnAfterTheSupervisorWasAway) {
  Server server;
  Watcher watcher(server, {"api", "--kind", "deploy"});
  WaitUntilItLooks(server, watcher);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_TRUE(watcher.Says("the supervisor is away; waiting for it")) << watcher.text();
  server.Restart();
  // Another life: whatever was between is not known.
  EXPECT_TRUE(watcher.Says("some events are missing here")) << watcher.text();
  server.DeployExample("api", "other");
  Output deployed = server.Deploy("api", "[http-handler GET /hello]\n\"again\"\n");
  EXPECT_TRUE(watcher.Says("revision ")) << deployed.err;
  EXPECT_EQ(watcher.text().find("other"), std::string::npos) << watcher.text();
}

TEST(WatchTest, EndsAfterAsManyAsItWasTold) {
  Server server;
  Watcher watcher(server, {"--json", "-n", "1"});
  WaitUntilItLooks(server, watcher);
  EXPECT_EQ(watcher.Wait(), 0);
  EXPECT_THAT(watcher.text(), HasSubstr("{\"kind\":\"FEED_KIND_DEPLOY\""));
}

TEST(WatchTest, WithoutASupervisorItSaysSoAndEnds) {
  Server server;
  ASSERT_EQ(server.Stop(), 0);
  Watcher watcher(server, {});
  EXPECT_EQ(watcher.Wait(), 3);
  EXPECT_THAT(watcher.text(), HasSubstr("nothing listens on"));
}

}  // namespace
}  // namespace nightjar::e2e
