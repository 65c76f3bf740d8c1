#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

constexpr const char* kHello = "[http-handler GET /hello]\n\"hello\"\n";

size_t CountOf(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

TEST(ServeTest, AnswersARequestAndListsItsTrace) {
  Server server;
  server.DeployExample("api");
  Answer answer = server.Get("api", "/fib/10");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("\"fib\": 55"), std::string::npos) << answer.body;
  ASSERT_EQ(answer.trace().size(), 36u);
  EXPECT_TRUE(Eventually([&] {
    return server.Json({"traces", "api"}).find(answer.trace()) != std::string::npos;
  }));
  std::string tree = server.Cli({"trace", "api", answer.trace()}).out;
  EXPECT_NE(tree.find("fib(10) = 55"), std::string::npos) << tree;
  EXPECT_NE(tree.find("fib(9) = 34"), std::string::npos);
}

TEST(ServeTest, ReadsProseOfAHundredKilobytes) {
  Server server("[default]\nwall = \"30s\"\ncpu = \"20s\"\n");
  server.DeployExample("prose");
  std::string text;
  while (text.size() < 100'000) text += "The quick brown fox jumps over the lazy dog. ";
  Answer answer = server.Post("prose", "/analyse", text);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find("\"differentWords\": 8"), std::string::npos) << answer.body;
}

// What needs memory, randomness or a clock of the kernel has to get it in there.
TEST(ServeTest, TheWholeLibraryWorksBehindTheWalls) {
  Server server;
  server.Deploy("lib",
                "[http-handler GET /]\n"
                "[ Password.check_v0 (Password.hash_v0 \"secret\") \"secret\";\n"
                "  Password.check_v0 (Password.hash_v0 \"secret\") \"other\";\n"
                "  Bytes.length_v0 (Crypto.sha256_v0 (String.toBytes_v0 \"x\")) == 32;\n"
                "  (Uuid.generate_v0) != (Uuid.generate_v0);\n"
                "  Date.(<) (Date.parse_v0 \"2024-01-01T00:00:00Z\") Date.now_v0;\n"
                "  String.length_v1 (String.random_v0 9) == 9 ]\n");
  Answer answer = server.Get("lib", "/");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "[\n  true,\n  false,\n  true,\n  true,\n  true,\n  true\n]");
}

TEST(ServeTest, ListsTheLibraryWithoutASupervisor) {
  Output table = RunProgram({NIGHTJAR_BIN "/nightjar", "functions", "Dict.get"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_NE(table.out.find("Dict.get_v2  dict: Dict, key: Str  Option   pure"), std::string::npos)
      << table.out;
  Output json = RunProgram({NIGHTJAR_BIN "/nightjar", "functions", "--json", "Uuid.generate"});
  EXPECT_NE(json.out.find("\"purity\": \"impure\""), std::string::npos) << json.out;
  EXPECT_EQ(RunProgram({NIGHTJAR_BIN "/nightjar", "functions", "Nowhere"}).exit_code, 1);
}

TEST(ServeTest, FormatsFilesWithoutASupervisor) {
  char dir[] = "/tmp/nightjar-fmt-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  std::string file = std::string(dir) + "/a.dark";
  std::string odd = "[repl A]   \n// why\nlet x=(1) in f(x)";
  std::string canonical = "[repl A]\n// why\nlet x = 1\nf x\n";
  std::ofstream(file) << odd;
  auto text = [&] {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  Output shown = RunProgram({NIGHTJAR_BIN "/nightjar", "fmt", file});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(shown.out, canonical);
  Output check = RunProgram({NIGHTJAR_BIN "/nightjar", "fmt", "--check", file});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_EQ(check.out, file + "\n");
  EXPECT_EQ(text(), odd);
  EXPECT_EQ(RunProgram({NIGHTJAR_BIN "/nightjar", "fmt", "--write", file}).exit_code, 0);
  EXPECT_EQ(text(), canonical);
  EXPECT_EQ(RunProgram({NIGHTJAR_BIN "/nightjar", "fmt", "--check", file}).exit_code, 0);

  std::ofstream(file) << "[repl A]\n1 + in\n";
  Output wrong = RunProgram({NIGHTJAR_BIN "/nightjar", "fmt", "--write", file});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_EQ(wrong.err, file +
                           ":2:5: error: expected an expression before `in`\n"
                           "  1 + in\n"
                           "      ^\n"
                           "nightjar: 1 error in " +
                           file + "\n");
  EXPECT_EQ(text(), "[repl A]\n1 + in\n");
  std::filesystem::remove_all(dir);
}

TEST(ServeTest, ServesByDomainAndTellsBrowsersWhoMayRead) {
  Server server("[canvas.shop]\ndomains = \"shop.example.com\"\n");
  server.Deploy("shop",
                "[cors https://page.example]\n[secrets KEY:hunter2]\n"
                "[http-handler GET /]\nKEY ++ request.url\n"
                "[http-bytes-handler POST /bytes]\nHttp.response_v0 request.body 200\n");
  std::string by_domain = server.Raw(
      "GET / HTTP/1.1\r\nHost: shop.example.com\r\nOrigin: https://page.example\r\n"
      "Connection: close\r\nX-Forwarded-Proto: https\r\n\r\n");
  EXPECT_EQ(by_domain.substr(0, 15), "HTTP/1.1 200 OK") << by_domain;
  EXPECT_NE(by_domain.find("Access-Control-Allow-Origin: https://page.example\r\n"),
            std::string::npos)
      << by_domain;
  EXPECT_NE(by_domain.find("\"hunter2https://shop.example.com/\""), std::string::npos);
  std::string preflight = server.Raw(
      "OPTIONS / HTTP/1.1\r\nHost: shop.localhost\r\nOrigin: https://else.example\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_EQ(preflight.substr(0, 15), "HTTP/1.1 200 OK") << preflight;
  EXPECT_NE(preflight.find("Access-Control-Allow-Origin: null\r\n"), std::string::npos);
  Answer bytes = server.Post("shop", "/bytes", std::string("\xff\x00\x01", 3));
  EXPECT_EQ(bytes.status, 200);
  EXPECT_EQ(bytes.body, std::string("\xff\x00\x01", 3));
  Answer answer = server.Get("shop", "/");
  ASSERT_TRUE(Eventually([&] {
    return server.Json({"traces", "shop"}).find(answer.trace()) != std::string::npos;
  }));
  std::string trace = server.Json({"trace", "shop", answer.trace()});
  EXPECT_EQ(trace.find("hunter2"), std::string::npos) << "a secret is in the trace";
  EXPECT_NE(trace.find("secret\\u003ehttp"), std::string::npos) << trace;
}

TEST(ServeTest, TellsAMissingCanvasFromAMissingRoute) {
  Server server;
  server.Deploy("one", kHello);
  EXPECT_EQ(server.Get("two", "/hello").status, 404);
  EXPECT_NE(server.Get("two", "/hello").body.find("canvas not found"), std::string::npos);
  EXPECT_NE(server.Get("one", "/bye").body.find("No route matches"), std::string::npos);
}

TEST(ServeTest, ListsRequestsThatNoRouteTookUntilAHandlerDoes) {
  Server server;
  server.Deploy("one", kHello);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.Get("one", "/bye?token=trumpet").status, 404);
  EXPECT_EQ(server.Get("one", "/else").status, 404);
  EXPECT_EQ(server.Get("one", "/hello").status, 200);
  std::string list = server.Cli({"404s", "one"}).out;
  size_t bye = list.find("GET /bye          3  ");
  EXPECT_NE(bye, std::string::npos) << list;
  EXPECT_LT(list.find("GET /else         1  "), bye) << list;
  EXPECT_EQ(list.find("/hello"), std::string::npos) << list;
  list = server.Json({"404s", "one"});
  EXPECT_NE(list.find("/bye?token=\\u003credacted\\u003e"), std::string::npos) << list;
  EXPECT_EQ(list.find("trumpet"), std::string::npos) << list;
  server.Stop();
  server.Restart();
  EXPECT_EQ(server.Get("one", "/bye").status, 404);
  server.Deploy("one", "[http-handler GET /else]\n1\n");
  list = server.Json({"404s", "one"});
  EXPECT_NE(list.find("\"count\": \"4\""), std::string::npos) << list;
  EXPECT_EQ(list.find("/else"), std::string::npos) << list;
  EXPECT_NE(server.Cli({"404s", "two"}).exit_code, 0);
}

TEST(ServeTest, AMissedRequestBecomesAHandlerWithATrace) {
  Server server;
  server.Deploy("one", kHello);
  EXPECT_EQ(server.Post("one", "/users/7/notes?token=trumpet", "a note").status, 404);
  Output made =
      server.Cli({"handler-from-404", "one", "POST /users/7/notes", "--as", "/users/:id/notes"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_NE(made.out.find("one revision 2 is live"), std::string::npos) << made.out;
  EXPECT_NE(made.out.find("[http-handler POST /users/:id/notes]"), std::string::npos) << made.out;
  size_t trace = made.out.find("nightjar trace one ") + 19;
  std::string id = made.out.substr(trace, 36);
  std::string shown;
  ASSERT_TRUE(Eventually([&] {
    Output asked = server.Cli({"trace", "one", id, "--full"});
    shown = asked.out;
    return asked.exit_code == 0;
  })) << made.out;
  for (const char* part : {"POST /users/7/notes?token=<redacted>", "a note", "route id = 7",
                           "from 127.0.0.1", "content-type: \"text/plain\""})
    EXPECT_NE(shown.find(part), std::string::npos) << part << " is not in " << shown;
  EXPECT_EQ(shown.find("trumpet"), std::string::npos) << shown;
  // What was there goes on, and the list has it no more.
  EXPECT_EQ(server.Get("one", "/hello").status, 200);
  EXPECT_EQ(server.Json({"404s", "one"}).find("/users"), std::string::npos);
  EXPECT_EQ(server.Post("one", "/users/8/notes", "").status, 500);  // nobody has written it yet
  Output again = server.Cli({"handler-from-404", "one", "POST /users/7/notes"});
  EXPECT_NE(again.err.find("handler POST /users/:id/notes takes it already"), std::string::npos)
      << again.err;
}

TEST(ServeTest, AHandlerIsMadeOnlyOfARequestThatCame) {
  Server server;
  server.Deploy("one", kHello);
  auto refused = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "handler-from-404");
    Output output = server.Cli(std::move(words));
    EXPECT_NE(output.exit_code, 0) << output.out;
    return output.err;
  };
  EXPECT_NE(refused({"one", "GET /never"}).find("no request for GET /never"), std::string::npos);
  EXPECT_NE(refused({"two", "GET /x"}).find("there is no canvas two"), std::string::npos);
  EXPECT_NE(refused({"one", "/x"}).find("a method and a path"), std::string::npos);
  server.Get("one", "/x]1");
  EXPECT_NE(refused({"one", "GET /x]1"}).find("cannot be made"), std::string::npos);
  server.Get("one", "/y");
  EXPECT_NE(refused({"one", "GET /y", "--as", "/z"}).find("would not take"), std::string::npos);
  EXPECT_NE(server.Json({"canvases"}).find("\"revision\": \"1\""), std::string::npos);
  // One that was too large to be kept is a handler all the same.
  EXPECT_EQ(server.Post("one", "/large", std::string(20000, 'x')).status, 404);
  Output large = server.Cli({"handler-from-404", "one", "POST /large"});
  EXPECT_EQ(large.exit_code, 0) << large.err;
  EXPECT_NE(large.out.find("too large to be kept"), std::string::npos) << large.out;
}

TEST(ServeTest, TracesFollowAHandlerThroughARename) {
  Server server;
  const std::string body = "let who = name\n\"hello \" ++ who\n";
  server.Deploy("one", "[http-handler GET /hello/:name]\n" + body);
  std::string before = server.Get("one", "/hello/ann").trace();
  Output renamed = server.Deploy("one", "[http-handler GET /hi/:name]\n" + body);
  EXPECT_NE(renamed.out.find("GET /hi/:name was GET /hello/:name, and has its traces"),
            std::string::npos)
      << renamed.out;
  std::string after = server.Get("one", "/hi/bob").trace();
  std::string listed;
  EXPECT_TRUE(Eventually([&] {
    listed = server.Json({"traces", "one", "--handler", "GET /hi/:name"});
    return listed.find(before) != std::string::npos && listed.find(after) != std::string::npos;
  })) << listed;
  // What it does now, to the request of then.
  Output again = server.Cli({"rerun", "one", before});
  EXPECT_EQ(again.exit_code, 0) << again.err;
}

TEST(ServeTest, FindsTracesByValuesOfTheirInput) {
  Server server("[default]\ntrace_index = [\"user\", \"order.id\", \"token\", \"day\"]\n");
  server.Deploy("one",
                "[http-handler POST /in]\n1\n[http-handler GET /hello]\n2\n"
                "[http-handler GET /on/:day]\n3\n");
  std::string body = server.Raw(
      "POST /in HTTP/1.1\r\nHost: one.localhost\r\nContent-Type: application/json\r\n"
      "Connection: close\r\nContent-Length: 19\r\n\r\n{\"order\":{\"id\":42}}");
  std::string variable = server.Get("one", "/on/sunday?day=monday").trace();
  std::string query = server.Get("one", "/hello?user=ann&token=trumpet").trace();
  auto Listed = [&](const std::string& field) {
    return server.Json({"traces", "one", "--field", field});
  };
  EXPECT_TRUE(Eventually([&] { return Listed("user=ann").find(query) != std::string::npos; }));
  EXPECT_EQ(Listed("user=bob").find("run_id"), std::string::npos);
  EXPECT_NE(Listed("day=sunday").find(variable), std::string::npos);
  EXPECT_EQ(Listed("day=monday").find("run_id"), std::string::npos);
  EXPECT_NE(Listed("order.id=42").find("POST /in"), std::string::npos) << body;
  EXPECT_EQ(Listed("token=trumpet").find("run_id"), std::string::npos);
  EXPECT_NE(Listed("token=<redacted>").find(query), std::string::npos);
}

TEST(ServeTest, FindsTracesByWhatTheyTouched) {
  Server server;
  server.DeployExample("api");
  std::string fib = server.Get("api", "/fib/3").trace();
  server.Deploy("api",
                "[http-handler GET /other]\n1\n[http-handler GET /fib/:n]\nhelper 1\n"
                "[fn helper n:Int]\nn\n");
  std::string helper = server.Get("api", "/fib/4").trace();
  std::string other = server.Get("api", "/other").trace();
  auto Listed = [&](std::vector<std::string> filter, const std::string& trace) {
    filter.insert(filter.begin(), {"traces", "api"});
    return server.Json(filter).find(trace) != std::string::npos;
  };
  ASSERT_TRUE(Eventually([&] { return Listed({}, other); }));
  EXPECT_TRUE(Listed({"--function", "fib"}, fib));
  EXPECT_FALSE(Listed({"--function", "fib"}, helper));
  EXPECT_TRUE(Listed({"--function", "helper"}, helper));
  EXPECT_FALSE(Listed({"--function", "helper"}, other));
  EXPECT_TRUE(Listed({"--handler", "GET /fib/:n"}, fib));
  EXPECT_TRUE(Listed({"--handler", "GET /fib/:n"}, helper));
  EXPECT_FALSE(Listed({"--handler", "GET /fib/:n"}, other));
  EXPECT_TRUE(Listed({"--revision", "1"}, fib));
  EXPECT_FALSE(Listed({"--revision", "1"}, helper));
  EXPECT_TRUE(Listed({"--caller", "127.0.0.1", "--since", "1h"}, other));
  EXPECT_FALSE(Listed({"--caller", "127.0.0.2"}, other));
  EXPECT_FALSE(Listed({"--until", "1h"}, other));
  Output wrong = server.Cli({"traces", "api", "--since", "yesterday"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_EQ(wrong.err.find("nightjar: since is a time (UTC) like 2026-11-24"), 0u) << wrong.err;
}

TEST(ServeTest, HoldsTracesAndTellsExpiredOnesFromThoseThatNeverWere) {
  Server server;
  server.Deploy("one", kHello);
  std::string trace = server.Get("one", "/hello").trace();
  ASSERT_TRUE(Eventually([&] {
    return server.Json({"traces", "one"}).find(trace) != std::string::npos;
  }));
  Output held = server.Cli({"hold", "one", trace.substr(0, 13), "--reason", "report 7"});
  EXPECT_EQ(held.exit_code, 0) << held.err;
  EXPECT_EQ(held.out, trace + " is held until it is released\n");
  EXPECT_TRUE(
      std::filesystem::exists(server.state() + "/store/traces/evidence/one/" + trace + ".njt"));
  Output again = server.Cli({"hold", "one", trace, "--reason", "report 8"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_NE(again.err.find("is held already, by uid "), std::string::npos) << again.err;
  server.Stop();
  server.Restart();
  std::string holds = server.Cli({"holds"}).out;
  EXPECT_NE(holds.find("report 7"), std::string::npos) << holds;
  EXPECT_EQ(server.Cli({"release", "one", trace, "--reason", "over"}).exit_code, 0);
  EXPECT_EQ(server.Cli({"holds", "one"}).out, "Nothing is held.\n");
  EXPECT_FALSE(
      std::filesystem::exists(server.state() + "/store/traces/evidence/one/" + trace + ".njt"));
  EXPECT_EQ(server.Cli({"release", "one", trace, "--reason", "over"}).exit_code, 1);

  const std::string of_1970 = "ffffffff-ffff-4000-8000-000000000001";
  EXPECT_EQ(server.Control("GET", "/canvases/one/traces/" + of_1970).status, 410);
  std::string never = trace;
  never.back() = never.back() == '0' ? '1' : '0';
  EXPECT_EQ(server.Control("GET", "/canvases/one/traces/" + never).status, 404);
  EXPECT_EQ(server.Control("GET", "/canvases/one/traces/" + trace).status, 200);
  Output expired = server.Cli({"trace", "one", of_1970});
  EXPECT_EQ(expired.exit_code, 1);
  EXPECT_EQ(expired.err.find("nightjar: traces of 1970-01-01 are over: a trace is kept for 8 days"),
            0u)
      << expired.err;
}

TEST(ServeTest, LetsDaysGoThatAreOver) {
  Server server;
  server.Deploy("one", kHello);
  std::string trace = server.Get("one", "/hello").trace();
  ASSERT_TRUE(Eventually([&] {
    return server.Json({"traces", "one"}).find(trace) != std::string::npos;
  }));
  server.Stop();
  const std::string traces = server.state() + "/store/traces";
  const std::string day = traces + "/week/2020-02-29";
  // With its owner and its modes.
  for (auto& today : std::filesystem::directory_iterator(traces + "/week"))
    ASSERT_EQ(RunProgram({"/bin/cp", "-a", today.path(), day}).exit_code, 0);
  ASSERT_TRUE(std::filesystem::exists(day + "/one/" + trace + ".njt"));
  server.Restart();
  EXPECT_TRUE(Eventually([&] {
    return !std::filesystem::exists(day) && std::filesystem::is_empty(traces + "/unfinished");
  }));
  EXPECT_EQ(server.Control("GET", "/canvases/one/traces/" + trace).status, 200);
}

// As when the slot of a kept trace was written over: another run's events are never shown as its.
TEST(ServeTest, ShowsNoOtherRunsTrace) {
  Server server;
  server.Deploy("one", kHello);
  std::string mine = server.Get("one", "/hello").trace(),
              other = server.Get("one", "/hello").trace();
  std::filesystem::path files[2];
  // What is listed is stored.
  ASSERT_TRUE(Eventually([&] {
    const std::string list = server.Json({"traces", "one"});
    return list.find(mine) != std::string::npos && list.find(other) != std::string::npos;
  }));
  for (auto& file :
       std::filesystem::recursive_directory_iterator(server.state() + "/store/traces/week")) {
    if (file.path().stem() == mine) files[0] = file.path();
    if (file.path().stem() == other) files[1] = file.path();
  }
  std::filesystem::copy_file(files[1], files[0], std::filesystem::copy_options::overwrite_existing);
  std::string shown = server.Json({"trace", "one", mine});
  EXPECT_NE(shown.find("\"run_id\": \"" + mine), std::string::npos) << shown;
  EXPECT_EQ(shown.find("\"events\""), std::string::npos) << shown;
  EXPECT_NE(server.Json({"trace", "one", other}).find("\"events\""), std::string::npos);
}

TEST(ServeTest, KeepsServingAfterMalformedRequests) {
  Server server;
  server.Deploy("one", kHello);
  EXPECT_EQ(server.Raw("nonsense\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(server.Raw("GET /hello HTTP/1.1\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  std::string long_header =
      "GET /hello HTTP/1.1\r\nHost: one.localhost\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n";
  EXPECT_EQ(server.Raw(long_header).substr(0, 12), "HTTP/1.1 431");
  std::string bytes =
      "GET /hello HTTP/1.1\r\nHost: one.localhost\r\nConnection: close\r\nX: \xff\xfe\r\n\r\n";
  EXPECT_EQ(server.Raw(bytes).substr(0, 12), "HTTP/1.1 200");
  EXPECT_EQ(server.Get("one", "/hello").status, 200);
}

TEST(ServeTest, ABrokenFileSaysWhereAndTheOldRevisionServesOn) {
  Server server;
  server.Deploy("one", kHello);
  Output broken = server.Deploy("one", "[http-handler GET /hello]\nlet x = 1 +\n");
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_NE((broken.err + broken.out).find(":3:1"), std::string::npos) << broken.err << broken.out;
  EXPECT_EQ(server.Get("one", "/hello").body, "\"hello\"");
  EXPECT_EQ(server.Deploy("one", "[http-handler GET /hello]\n\"good bye\"\n").exit_code, 0);
  EXPECT_EQ(server.Get("one", "/hello").body, "\"good bye\"");
}

TEST(ServeTest, ServesTheCatalogAfterARestart) {
  Server server;
  server.Deploy("one", kHello);
  EXPECT_EQ(server.Stop(), 0);
  server.Restart();
  EXPECT_EQ(server.Get("one", "/hello").status, 200);
}

TEST(ServeTest, ReusesAWorkerWherePolicySaysSo) {
  Server server("[default]\nreuse = 50\narmed = 1\n");
  server.Deploy("one", kHello);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(server.Get("one", "/hello").status, 200);
  // The one that ran them all, and at most the reserve that the sweep made while it was lent.
  EXPECT_LE(server.Workers().size(), 2u);
  EXPECT_TRUE(Eventually([&] {
    return CountOf(server.Json({"traces", "one", "-n", "20"}), "\"run_id\"") == 10;
  }));
}

TEST(ServeTest, RunsNoMoreAtOnceThanConcurrencyAllows) {
  Server server("[default]\nconcurrency = 1\nqueue = 8\nqueue_time = \"20s\"\nwall = \"300ms\"\n");
  server.DeployExample("runaways");
  std::atomic<int> waiting = 3;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      EXPECT_EQ(server.Get("runaways", "/spin").status, 504);
      --waiting;
    });
  size_t most_running = 0, most_queued = 0;
  while (waiting > 0) {
    std::string runs = server.Json({"ps"});
    most_running = std::max(most_running, CountOf(runs, "\"running\""));
    most_queued = std::max(most_queued, CountOf(runs, "\"queued\""));
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(most_running, 1u);
  EXPECT_EQ(most_queued, 2u);
}

TEST(ServeTest, ShowingALargeTraceHoldsNobodyUp) {
  Server server("[default]\ncpu = \"20s\"\nwall = \"30s\"\n");
  ASSERT_EQ(server
                .Deploy("one", std::string(kHello) +
                                   "[http-handler GET /busy]\n"
                                   "List.map_v0 (List.range_v0 1 30000) (fun i -> i * i)\n")
                .exit_code,
            0);
  std::string target = "/canvases/one/traces/" + server.Get("one", "/busy").trace();
  ASSERT_TRUE(Eventually([&] { return server.Control("GET", target).status == 200; }));
  constexpr int kTimes = 8;
  std::atomic<bool> shown = false;
  std::thread reader([&] {
    for (int i = 0; i < kTimes; ++i) {
      Answer trace = server.Control("GET", target);
      EXPECT_EQ(trace.status, 200);
      EXPECT_GT(trace.body.size(), 1'000'000u);
    }
    shown = true;
  });
  int served = 0;
  while (!shown) served += server.Get("one", "/hello").status == 200;
  reader.join();
  EXPECT_GT(served, 2 * kTimes);  // one each, where everybody waits for the trace to be printed
}

TEST(ServeTest, RefusesWhatIsOverTheRateWithAnIncident) {
  Server server("[default]\nrate = \"1/s\"\n");
  server.Deploy("one", kHello);
  EXPECT_EQ(server.Get("one", "/hello").status, 200);
  Answer refused = server.Get("one", "/hello");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers["x-nightjar-verdict"], "refused");
  EXPECT_FALSE(refused.headers["retry-after"].empty());
  EXPECT_TRUE(Eventually([&] {
    return server.Cli({"incident", refused.trace()}).out.find("rate = 1/s") != std::string::npos;
  })) << server.Cli({"incident", refused.trace()}).out;
}

TEST(ServeTest, RunsAHandlerFromTheCommandLine) {
  Server server;
  server.Deploy("one", "[worker Double]\nevent + event\n");
  Output ran = server.Cli({"run", "one", "Double", "--input", "/dev/stdin", "--json"}, "21");
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("VERDICT_FINISHED"), std::string::npos) << ran.out;
  EXPECT_NE(server.Cli({"run", "one", "Double", "--input", "/dev/stdin"}, "21").out.find("42"),
            std::string::npos);
  EXPECT_NE(server.Cli({"run", "one", "Nothing"}).exit_code, 0);
}

}  // namespace
}  // namespace nightjar::e2e
