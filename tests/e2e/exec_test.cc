// Exec handlers: real programs of this host behind the walls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "ipc/core/syscall_name.h"
#include "policies/denied_calls.h"
#include "policies/limits.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPolicy =
    "[default]\nwall = \"5s\"\ncpu = \"1s\"\nsoft_stop = \"500ms\"\n[canvas.tools]\nexec = true\n"
    "canvas_disk_read = \"512MiB\"\n";

class ExecTest : public ::testing::Test {
 protected:
  // A canvas with one handler, `GET /`, that is this command.
  void Deploy(const std::string& command, const std::string& method = "GET") {
    Output deployed =
        server_.Deploy("tools", "[exec-handler " + method + " /:rest]\n" + command + "\n");
    ASSERT_EQ(deployed.exit_code, 0) << deployed.err;
  }
  void DeployShell(const std::string& script) { Deploy("/bin/sh -c '" + script + "'"); }
  Answer Ask() { return server_.Get("tools", "/x"); }
  std::string Verdict(const Answer& answer) {
    auto found = answer.headers.find("x-nightjar-verdict");
    return found == answer.headers.end() ? "" : found->second;
  }
  std::string TraceOf(const Answer& answer) {
    Output shown;
    Eventually([&] {
      shown = server_.Cli({"trace", "tools", answer.trace(), "--full"});
      return shown.exit_code == 0;
    });
    return shown.out;
  }

  Server server_{kPolicy};
};

TEST_F(ExecTest, AnswersWithWhatAProgramPrints) {
  Deploy("/usr/bin/env");
  Answer answer = server_.Get("tools", "/seven?a=b");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers["content-type"], "text/plain; charset=utf-8");
  EXPECT_THAT(answer.body, AllOf(HasSubstr("REQUEST_METHOD=GET\n"), HasSubstr("QUERY_STRING=a=b\n"),
                                 HasSubstr("ROUTE_REST=seven\n"), HasSubstr("HTTP_HOST=")));
}

TEST_F(ExecTest, GivesTheBodyAsStandardInput) {
  Deploy("/bin/cat", "POST");
  EXPECT_EQ(server_.Post("tools", "/x", "hello").body, "hello");
  EXPECT_EQ(server_.Post("tools", "/x", "").body, "");
  std::string large(1'000'000, 'x');
  EXPECT_EQ(server_.Post("tools", "/x", large).body, large);
}

TEST_F(ExecTest, TheExampleWorks) {
  server_.DeployExample("tools");
  EXPECT_EQ(server_.Post("tools", "/words", "one two three").body, "3\n");
  EXPECT_EQ(server_.Post("tools", "/sorted", "b\na\nb\n").body, "a\nb\n");
  EXPECT_EQ(server_.Post("tools", "/checksum/sha1", "abc").body,
            "a9993e364706816aba3e25717850c26c9cd0d89d\n");
  Answer none = server_.Post("tools", "/checksum/rm", "abc");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.body, "no such algorithm\n");
  EXPECT_EQ(server_.Get("tools", "/about").status, 200);
}

TEST_F(ExecTest, SpeaksCgi) {
  DeployShell("printf \"Status: 201\\nContent-Type: text/html\\nX-A: b\\n\\n<b>made</b>\"");
  Answer answer = Ask();
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.headers["content-type"], "text/html");
  EXPECT_EQ(answer.headers["x-a"], "b");
  EXPECT_EQ(answer.body, "<b>made</b>");
}

TEST_F(ExecTest, TheTraceHasTheProgramAndAllThatItWrote) {
  DeployShell("echo out; echo wrong >&2; echo more");
  std::string trace = TraceOf(Ask());
  EXPECT_THAT(trace, AllOf(HasSubstr("/bin/sh(\"-c\", \"echo out"), HasSubstr("= 0"),
                           HasSubstr("stdout  out"), HasSubstr("stderr  wrong"),
                           HasSubstr("stdout  more")));
}

TEST_F(ExecTest, SecretsAreInTheEnvironmentAndInNoTrace) {
  Output deployed = server_.Deploy(
      "tools",
      "[secrets KEY:abracadabra]\n[exec-handler GET /:rest]\n/bin/sh -c 'echo key $KEY'\n");
  ASSERT_EQ(deployed.exit_code, 0) << deployed.err;
  Answer answer = Ask();
  EXPECT_EQ(answer.body, "key abracadabra\n");
  EXPECT_THAT(TraceOf(answer), AllOf(HasSubstr("stdout  key <secret>"), Not(HasSubstr("cadabra"))));
}

TEST_F(ExecTest, AnExitStatusIsTheAuthorsErrorAndASignalACrash) {
  DeployShell("echo half; exit 3");
  Answer answer = Ask();
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("half")));
  EXPECT_THAT(TraceOf(answer), HasSubstr("the program exited with status 3"));
  DeployShell("kill -SEGV $$");
  answer = Ask();
  EXPECT_EQ(Verdict(answer), "crashed");
  EXPECT_THAT(TraceOf(answer), HasSubstr("the program died of signal 11"));
  Deploy("/usr/bin/there-is-no-such-program");
  EXPECT_THAT(TraceOf(Ask()), HasSubstr("cannot run /usr/bin/there-is-no-such-program"));
}

TEST_F(ExecTest, LimitsStrikePrograms) {
  DeployShell("while :; do :; done");
  EXPECT_EQ(Verdict(Ask()), "cpu_time");
  Deploy("/bin/sleep 60");
  EXPECT_EQ(Verdict(Ask()), "wall_time");
  Deploy("/usr/bin/yes");
  EXPECT_EQ(Verdict(Ask()), "output");
}

// A program that meets its own limit, where there is no group's, is told so and goes on.
TEST_F(ExecTest, LimitsOfTheCellStrikePrograms) {
  bool grouped = TestedStart() != StartMode::kUnprivileged;
  Deploy("/usr/bin/tail /dev/zero");
  EXPECT_EQ(Verdict(Ask()), grouped ? "memory" : "");
  DeployShell("tail /dev/zero; exit $?");  // the shell outlives it
  EXPECT_EQ(Verdict(Ask()), grouped ? "memory" : "");
  DeployShell("f() { f | f & f; }; f");
  if (grouped)
    EXPECT_EQ(Verdict(Ask()), "pids");
  else
    EXPECT_THAT(Verdict(Ask()), AnyOf("", "cpu_time", "wall_time"));
}

TEST_F(ExecTest, ItsTmpIsAsLargeAsPolicySays) {
  DeployShell("cat /dev/zero > /tmp/full; echo $?; wc -c < /tmp/full");
  EXPECT_THAT(Ask().body, HasSubstr("1\n16777216\n"));
}

TEST_F(ExecTest, NothingOfARunIsLeftForTheNext) {
  DeployShell("ls /tmp; echo x > /tmp/mine; (setsid sleep 300 &) ; echo done");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask().body, "done\n");
  // Those that wait for the next request, and no sleeper.
  EXPECT_TRUE(Eventually([&] { return server_.Workers().size() <= 2; }));
}

TEST_F(ExecTest, OutputThatASurvivorHoldsOpenIsNotWaitedFor) {
  DeployShell("(sleep 300; echo late) & echo early");
  Answer answer = Ask();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "early\n");
}

TEST_F(ExecTest, AProgramSeesItsOwnRootAndNothingOfTheHost) {
  DeployShell(
      "ls / | tr \"\\n\" \" \"; ls /proc/1 /home /root /var 2>&1 | grep -c \"No such\";"
      "touch /usr/x /etc/x /x 2>&1 | grep -c \"Read-only\"; cat /etc/passwd; hostname;"
      "grep -c . /proc/net/dev 2>/dev/null; head -c 4 /dev/zero | wc -c; : > /dev/null && echo ok");
  std::string body = Ask().body;
  EXPECT_THAT(body, HasSubstr("dev etc "));
  EXPECT_THAT(body, AllOf(HasSubstr("\n3\n"), HasSubstr("nobody:x:65534"), HasSubstr("nightjar\n"),
                          HasSubstr("4\nok\n"), Not(HasSubstr("root:"))))
      << body;
}

// A root of the operator's: a shell, what it is linked with, and a file.
TEST(ExecRootTest, ProgramsSeeItInPlaceOfTheHosts) {
  namespace fs = std::filesystem;
  std::string root = "/var/tmp/nightjar-root-" + std::to_string(getpid());
  for (const char* file :
       {"/bin/sh", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"}) {
    fs::create_directories(root + fs::path(file).parent_path().string());
    fs::copy_file(file, root + file);
  }
  fs::create_symlink("greeting", root + "/link");
  std::ofstream(root + "/greeting") << "hello\n";
  {
    Server server(ServerOptions{.policy = kPolicy, .more = {"--exec-root", root}});
    ASSERT_TRUE(server.running()) << server.log();
    server.Deploy("tools",
                  "[exec-handler GET /]\n/bin/sh -c 'read line </link; echo $line; "
                  "[ -e /usr ] || echo no host; echo x >/greeting || echo refused'\n");
    EXPECT_EQ(server.Get("tools", "/").body, "hello\nno host\nrefused\n");
  }
  // Where one canvas could leave something for another, nothing starts.
  fs::create_directory(root + "/shared");
  fs::permissions(root + "/shared", fs::perms(0777));
  Server refused(ServerOptions{.policy = kPolicy, .more = {"--exec-root", root}});
  EXPECT_FALSE(refused.running());
  EXPECT_THAT(refused.log(), HasSubstr(root + "/shared: anyone may write to it"));
  fs::remove_all(root);
}

// What the host forbids where it mounted something holds for programs too.
TEST(ExecPathsTest, WhatIsMountedWithoutExecutionStaysSo) {
  namespace fs = std::filesystem;
  std::string folder = "/var/tmp/nightjar-noexec-" + std::to_string(getpid());
  fs::create_directory(folder);
  ASSERT_EQ(mount("nightjar-test", folder.c_str(), "tmpfs", MS_NOEXEC | MS_NOSUID, "mode=0755"), 0);
  fs::copy_file("/usr/bin/id", folder + "/id");
  {
    Server server(ServerOptions{.policy = kPolicy, .more = {"--exec-paths", "/usr," + folder}});
    ASSERT_TRUE(server.running()) << server.log();
    server.Deploy("tools", "[exec-handler GET /]\n/bin/sh -c '" + folder + "/id || echo no $?'\n");
    EXPECT_EQ(server.Get("tools", "/").body, "no 126\n");
  }
  umount(folder.c_str());
  fs::remove(folder);
}

TEST_F(ExecTest, AProgramHasNoPrivilege) {
  DeployShell("id -u; grep -E \"^(Cap|NoNewPrivs|Seccomp:)\" /proc/self/status");
  std::string body = Ask().body;
  for (const char* line :
       {"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"})
    EXPECT_THAT(body, HasSubstr(line));
  // One that is a worker's alone: of the range that no account uses, or of the user namespace.
  EXPECT_GT(std::stoul(body), TestedStart() == StartMode::kRoot ? 100'000u : 16u);
}

// They would end the worker, or make it say that its supervisor was stuck.
TEST_F(ExecTest, SignalsToTheWorkerMeanNothing) {
  DeployShell("for s in ALRM PROF TERM KILL STOP SEGV HUP; do kill -$s 1; done; echo alive");
  EXPECT_EQ(Ask().body, "alive\n");
}

TEST_F(ExecTest, APoliteProgramIsAskedToStopBeforeItIsKilled) {
  DeployShell("trap \"echo asked; exit 0\" TERM; sleep 60 & wait");
  Answer answer = Ask();
  EXPECT_EQ(Verdict(answer), "wall_time");
  EXPECT_THAT(TraceOf(answer), AllOf(HasSubstr("stdout  asked"), HasSubstr("stopped softly")));
}

TEST_F(ExecTest, APolicyHasToLetACanvasRunPrograms) {
  Output refused = server_.Deploy("other", "[exec-handler GET /]\n/bin/true\n");
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("limit exec = false"));
}

TEST(DeniedCallsTest, OneThatPolicyTookAwayEndsTheRunAndTheIncidentNamesItsLine) {
  Server server(
      "[canvas.tools]\nexec = true\n[canvas.tools.handler.\"GET /sealed\"]\n"
      "denied_calls = [\"ptrace\", \"socket\"]\n");
  // Looks for a name cache before it reads the file of accounts.
  const std::string asks = "/bin/sh -c '/usr/bin/getent passwd nobody; exit 0'\n";
  ASSERT_EQ(server
                .Deploy("tools",
                        "[exec-handler GET /sealed]\n" + asks + "[exec-handler GET /open]\n" + asks)
                .exit_code,
            0);
  EXPECT_EQ(server.Get("tools", "/open").status, 200);
  Answer ended = server.Get("tools", "/sealed");
  EXPECT_EQ(ended.status, 500);
  EXPECT_EQ(ended.headers["x-nightjar-verdict"], "denied_syscall");
  Output incident;
  Eventually([&] {
    incident = server.Cli({"incident", ended.trace()});
    return incident.exit_code == 0;
  });
  EXPECT_THAT(incident.out, AllOf(HasSubstr("it called socket(domain 1,"),
                                  HasSubstr("which limit denied_calls = [\"ptrace\", \"socket\"] "
                                            "(policy.toml:4, handler GET /sealed) does not allow"),
                                  HasSubstr("<- struck")));
  // A worker that was made for one of them is not lent to the other.
  EXPECT_EQ(server.Get("tools", "/open").status, 200);
}

// Whatever a policy may take away, a program that does not use it begins, answers and ends.
TEST(DeniedCallsTest, NoneThatMayBeNamedIsNeededToRunAProgram) {
  constexpr size_t kTogether = 16;
  std::vector<policy::Names> groups(1);
  for (const std::string& name : SyscallNames()) {
    if (!policy::WhyNotDenied(name).empty()) continue;
    if (groups.back().size() == kTogether) groups.emplace_back();
    groups.back().push_back(name);
  }
  ASSERT_GT(groups.size(), 10u);
  std::string policy = "[default]\narmed = 0\n[canvas.tools]\nexec = true\n", canvas;
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::string route = "POST /" + std::to_string(i);
    policy += "[canvas.tools.handler.\"" + route + "\"]\ndenied_calls = [";
    for (const std::string& name : groups[i]) policy += "\"" + name + "\", ";
    policy += "]\n";
    canvas += "[exec-handler " + route + "]\n/bin/true\n";
  }
  Server server(policy);
  ASSERT_EQ(server.Deploy("tools", canvas).exit_code, 0);
  for (size_t i = 0; i < groups.size(); ++i)
    EXPECT_EQ(server.Post("tools", "/" + std::to_string(i), "a body").status, 200)
        << testing::PrintToString(groups[i]);
}

TEST_F(ExecTest, SeesTheFilesThatWereDeployedWithItAndCannotChangeThem) {
  std::string folder = server_.state() + "-files";
  std::filesystem::create_directories(folder + "/data/deep");
  std::ofstream(folder + "/run.sh")
      << "#!/bin/sh\npwd; cat data/deep/words; echo x >> data/deep/words\n"
         "chmod 777 run.sh; rm -f run.sh; touch new; ls\n";
  std::ofstream(folder + "/data/deep/words") << "some words\n";
  std::filesystem::permissions(folder + "/run.sh", std::filesystem::perms(0755));
  std::ofstream(folder + "/canvas.dark") << "[exec-handler GET /:rest]\nrun.sh\n";
  auto deploy = [&](std::vector<std::string> beside) {
    std::vector<std::string> words{"deploy", "tools", folder + "/canvas.dark"};
    words.insert(words.end(), beside.begin(), beside.end());
    return server_.Cli(words);
  };
  Output deployed = deploy({folder + "/run.sh", folder + "/data"});
  EXPECT_EQ(deployed.exit_code, 0) << deployed.err;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Ask().body, "/app\nsome words\ndata\nrun.sh\n");
  EXPECT_THAT(deploy({}).err, HasSubstr("neither a whole path nor a file"));
  EXPECT_THAT(deploy({folder + "/nothing"}).err, HasSubstr("nothing is not there"));
  EXPECT_THAT(deploy({"/dev/null"}).err, HasSubstr("/dev/null is no file"));
  std::filesystem::remove_all(folder);
}

TEST_F(ExecTest, ADeniedCallIsNamedWithItsProgram) {
  Deploy("/usr/bin/unshare -U /bin/true");
  Answer answer = Ask();
  EXPECT_EQ(Verdict(answer), "denied_syscall");
  EXPECT_THAT(TraceOf(answer),
              AllOf(HasSubstr("it called unshare(flags 0x10000000)"), HasSubstr("(unshare)")));
  Deploy("/usr/bin/prlimit --pid 1 --cpu=1");  // the worker's, in its program's place
  answer = Ask();
  EXPECT_EQ(Verdict(answer), "denied_syscall");
  EXPECT_THAT(TraceOf(answer), HasSubstr("it called prlimit64("));
}

// However deep the trees of the others are.
TEST_F(ExecTest, HandlersOfTheLanguageStandBesideIt) {
  std::string deep = std::string(120, '[') + "1" + std::string(120, ']');
  Output deployed =
      server_.Deploy("tools",
                     "[exec-handler GET /program]\n/bin/echo program\n"
                     "[http-handler GET /dark]\n\"dark\"\n[http-handler GET /deep]\n" +
                         deep + "\n");
  ASSERT_EQ(deployed.exit_code, 0) << deployed.err;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server_.Get("tools", "/program").body, "program\n");
    EXPECT_EQ(server_.Get("tools", "/dark").body, "\"dark\"");
    EXPECT_EQ(server_.Get("tools", "/deep").status, 200);
  }
}

// The look comes before the program is asked: it ends its processes then.
TEST_F(ExecTest, AProgramThatStopsWhenItIsAskedLeavesItsProcessesInTheIncidentToo) {
  DeployShell("/bin/sleep 600 & exec /bin/sleep 601");
  std::string incident;
  // On a busy machine a look may come too late, and then the kill does not wait for it.
  EXPECT_TRUE(Eventually([&] {
    Answer answer = Ask();
    EXPECT_EQ(Verdict(answer), "wall_time") << answer.body;
    Eventually([&] {
      Output shown = server_.Cli({"incident", answer.trace()});
      incident = shown.out;
      return shown.exit_code == 0;
    });
    return incident.find("/bin/sleep 600") != std::string::npos &&
           incident.find("/bin/sleep 601") != std::string::npos;
  })) << incident;
  EXPECT_THAT(incident, HasSubstr("was stopped softly"));
}

TEST_F(ExecTest, AKilledProgramLeavesItsProcessesAndItsUsageInTheIncident) {
  Output deployed = server_.Deploy(
      "tools",
      "[secrets TOKEN:hunter2]\n[exec-handler GET /:rest]\n/bin/sh -c '/bin/sleep 600 & sh -c \": "
      "hunter2; while :; do :; done\"'\n");
  ASSERT_EQ(deployed.exit_code, 0) << deployed.err;
  Answer answer;
  std::string incident;
  // On a busy machine a look may come too late, and then the kill does not wait for it.
  ASSERT_TRUE(Eventually([&] {
    answer = Ask();
    EXPECT_EQ(Verdict(answer), "cpu_time") << answer.body;
    Eventually([&] {
      Output shown = server_.Cli({"incident", answer.trace()});
      incident = shown.out;
      return shown.exit_code == 0;
    });
    return incident.find("Its processes just before it was stopped (") != std::string::npos;
  })) << incident;
  EXPECT_THAT(incident, HasSubstr("/bin/sleep 600"));
  EXPECT_THAT(incident, HasSubstr(": <secret>; while :; do :; done"));
  EXPECT_THAT(server_.Json({"incident", answer.trace()}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(incident, HasSubstr("\nOver its "));
  EXPECT_THAT(incident, HasSubstr("\n  cpu       "));
  EXPECT_THAT(incident, HasSubstr("\n  code      sha256 "));
  EXPECT_EQ(server_.Cli({"incidents", "--verify"}).exit_code, 0);
}

}  // namespace
}  // namespace nightjar::e2e
