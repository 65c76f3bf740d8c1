// Two whole servers on one PostgreSQL: what their operator sees.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <regex>

#include "tests/s3/real_store.h"
#include "tests/shared_index/shared_rig.h"
#include "tests/support/server_rig.h"

namespace nightjar::testing {
namespace {

using e2e::Eventually;
using e2e::Output;
using e2e::PgServer;
using e2e::Server;
using e2e::ServerOptions;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHello = "[http-handler GET /hello]\n\"hello\"\n";

bool InAWhile(const std::function<bool()>& fact) {
  for (int round = 0; round < 6; ++round)
    if (Eventually(fact)) return true;
  return false;
}

class ServeTest : public SharedTest {
 protected:
  std::string IndexFile(const std::string& machine, const std::string& more = "") {
    const std::string password = folder_ + "/password";
    std::ofstream(password) << PgServer::kPassword << "\n";
    EXPECT_EQ(chmod(password.c_str(), 0600), 0);
    std::string path = folder_ + "/" + machine + ".toml";
    std::ofstream(path) << "kind = \"postgresql\"\nhost = \"127.0.0.1\"\nport = "
                        << ThePostgres()->port() << "\ndatabase = \"" << database_
                        << "\"\nuser = \"" << PgServer::kUser << "\"\npassword_file = \""
                        << password << "\"\nmachine = \"" << machine << "\"\n"
                        << more;
    return path;
  }
  std::unique_ptr<Server> Serve(const std::string& machine, const std::string& store = "") {
    std::vector<std::string> more{"--index", IndexFile(machine)};
    if (!store.empty()) more.insert(more.end(), {"--store", store});
    auto server = std::make_unique<Server>(ServerOptions{.more = more});
    EXPECT_TRUE(server->running()) << server->log();
    EXPECT_EQ(server->Deploy("demo", kHello).exit_code, 0);
    return server;
  }
};

double Metric(Server& server, const std::string& name) {
  std::smatch found;
  std::string text = server.Control("GET", "/metrics").body;
  return std::regex_search(text, found, std::regex("\n" + name + " ([0-9.e+]+)"))
             ? std::stod(found[1])
             : -1;
}

TEST_F(ServeTest, TwoServersListEachOthersTraces) {
  auto a = Serve("web-1"), b = Serve("web-2");
  std::string ours = a->Get("demo", "/hello").trace(), theirs = b->Get("demo", "/hello").trace();
  Output list;
  ASSERT_TRUE(InAWhile([&] {
    list = a->Cli({"traces", "demo", "--all-machines"});
    return list.out.find(ours) != list.out.npos && list.out.find(theirs) != list.out.npos;
  })) << list.out
      << list.err << a->log();
  EXPECT_THAT(list.out, AllOf(HasSubstr("MACHINE"), HasSubstr("web-1"), HasSubstr("web-2")));
  EXPECT_THAT(a->Cli({"traces", "demo"}).out, AllOf(HasSubstr(ours), Not(HasSubstr(theirs))));
  // Both keep their traces to themselves.
  Output elsewhere = a->Cli({"trace", "demo", theirs});
  EXPECT_NE(elsewhere.exit_code, 0);
  EXPECT_THAT(elsewhere.err, HasSubstr("is on machine web-2"));
  EXPECT_EQ(Metric(*a, "nightjar_shared_index_available"), 1);
  EXPECT_EQ(Metric(*a, "nightjar_shared_index_rows_behind"), 0);
  EXPECT_THAT(a->log(), Not(HasSubstr("night 'jar")));
}

TEST_F(ServeTest, WithOneStoreAnotherMachinesTraceIsRead) {
  if (!e2e::S3Gateway::Installed())
    GTEST_SKIP() << "radosgw, ceph-mon, ceph-osd or ceph-common is not installed";
  ASSERT_NE(e2e::TheGateway(), nullptr) << "the gateway did not start";
  e2e::MakeBucket("nj-shared");
  std::ofstream(folder_ + "/keys") << "access_key = \"" << e2e::S3Gateway::kAccessKey
                                   << "\"\nsecret_key = \"" << e2e::S3Gateway::kSecretKey << "\"\n";
  ASSERT_EQ(chmod((folder_ + "/keys").c_str(), 0600), 0);
  const std::string store = folder_ + "/store.toml";
  std::ofstream(store) << "kind = \"s3\"\nendpoint = \"http://127.0.0.1:"
                       << e2e::TheGateway()->port()
                       << "\"\nbucket = \"nj-shared\"\ncredentials_file = \"" << folder_
                       << "/keys\"\n";
  auto a = Serve("web-1", store), b = Serve("web-2", store);
  std::string theirs = b->Get("demo", "/hello").trace();
  Output shown;
  EXPECT_TRUE(InAWhile([&] {
    shown = a->Cli({"trace", "demo", theirs});
    return shown.out.find("result \"hello\"") != std::string::npos;
  })) << shown.out
      << shown.err << a->log();
  EXPECT_THAT(shown.out, HasSubstr("on machine web-2"));
}

TEST_F(ServeTest, WithoutPostgresEverythingElseGoesOn) {
  auto a = Serve("web-1");
  ASSERT_TRUE(InAWhile([&] { return Metric(*a, "nightjar_shared_index_available") == 1; }));
  ThePostgres()->Kill();
  std::string run = a->Get("demo", "/hello").trace();
  ASSERT_TRUE(InAWhile([&] { return a->Cli({"traces", "demo"}).out.find(run) != run.npos; }));
  ASSERT_TRUE(InAWhile([&] { return Metric(*a, "nightjar_shared_index_available") == 0; }));
  Output list = a->Cli({"traces", "demo", "--all-machines"});
  EXPECT_NE(list.exit_code, 0);
  EXPECT_THAT(list.err, HasSubstr("the index that machines share cannot be asked"));
  EXPECT_GE(Metric(*a, "nightjar_shared_index_rows_behind"), 1);
  ASSERT_TRUE(ThePostgres()->Restart());
  EXPECT_TRUE(InAWhile([&] {
    return a->Cli({"traces", "demo", "--all-machines"}).out.find(run) != std::string::npos;
  })) << a->log();
}

TEST_F(ServeTest, AMistakeInTheFileIsToldWithItsPlace) {
  Server server(ServerOptions{.more = {"--index", IndexFile("web-1", "colour = \"red\"\n")}});
  EXPECT_FALSE(server.running());
  EXPECT_THAT(server.log(), HasSubstr("web-1.toml:8:1: unknown key `colour`"));
}

}  // namespace
}  // namespace nightjar::testing
