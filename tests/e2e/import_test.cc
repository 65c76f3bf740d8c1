// Traces that classic Dark stored, taken over and used as its operator does it.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Of 2022-11-05T10:20:30.400Z, as its id says; its canvas, toplevel and id are in its name.
constexpr const char* kSample = NIGHTJAR_DARK_SAMPLES
    "/7a1c0e52-3f0b-4f0e-8f55-0d2f6f1f0a11/412905533/" NIGHTJAR_DARK_SAMPLE "/0";

constexpr const char* kShop = R"([fn brew cups:Int secret:Str]
"brewed again"

[http-handler POST /orders/:id]
[id; request.queryParams.item; toString (Uuid.generate); toString (Date.now); brew 2 "x"]

[http-handler GET /teas/:name]
name

[http-handler POST /teas/:name]
name

[worker Kettle]
event.litres
)";

class ImportTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(server_.Deploy("shop", kShop).exit_code, 0); }

  // A file of this content, in a folder of the test's own.
  std::string File(const std::string& name, const std::string& content) {
    std::string path = server_.state() + "/../" + name;
    std::ofstream(path) << content;
    return path;
  }
  static std::string Event(const std::string& value) {
    return R"({"storageFormatVersion": 0, "input": [["event", )" + value +
           R"(]], "functionArguments": [], "functionResults": []})";
  }
  static std::string Request(const std::string& url) {
    return Event(R"(["DObj", {"url": ["DStr", ")" + url + R"("], "headers": ["DObj", {}]}])");
  }
  Output Import(std::vector<std::string> words) {
    words.insert(words.begin(), {"import-traces", "shop"});
    return server_.Cli(words);
  }
  // The id of the newest trace of a handler; "": there is none.
  std::string TraceOf(const std::string& handler) {
    std::string list = server_.Json({"traces", "shop", "--handler", handler});
    constexpr std::string_view kKey = "\"run_id\": \"";
    size_t at = list.find(kKey);
    return at == std::string::npos ? "" : list.substr(at + kKey.size(), 36);
  }
  // Of everything that the server keeps on disk, and its log.
  std::string StoredBytes() {
    server_.Stop();
    std::string all = server_.log();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(server_.state())) {
      if (!entry.is_regular_file()) continue;
      std::stringstream content;
      content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      all += content.str();
    }
    return all;
  }

  Server server_;
};

TEST_F(ImportTest, ATraceIsListedShownHeldAndRunAgain) {
  Output imported = Import({kSample});
  ASSERT_EQ(imported.exit_code, 0) << imported.err << server_.log();
  EXPECT_THAT(imported.out, HasSubstr("a run of POST /orders/:id with 11 events"));
  std::string id = TraceOf("POST /orders/:id");
  ASSERT_EQ(id.size(), 36u);
  EXPECT_THAT(imported.out, HasSubstr(id));
  std::string list = server_.Json({"traces", "shop"});
  EXPECT_THAT(list, HasSubstr("\"imported_from\": \"" NIGHTJAR_DARK_SAMPLE "\""));
  EXPECT_THAT(list, HasSubstr("\"imported_received_unix_us\": \"1667643630400000\""));
  Output table = server_.Cli({"traces", "shop"});
  EXPECT_THAT(table.out, HasSubstr("imported"));
  EXPECT_THAT(table.out, HasSubstr("POST /orders/7?item=tea&token=<redacted>"));

  Output shown = server_.Cli({"trace", "shop", id, "--full"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("Dark's trace " NIGHTJAR_DARK_SAMPLE));
  EXPECT_THAT(shown.out, HasSubstr("Dark stored no answer"));
  EXPECT_THAT(shown.out, HasSubstr("route id = 7"));
  EXPECT_THAT(shown.out, HasSubstr("brew(2, "));
  EXPECT_THAT(shown.out, HasSubstr("Uuid::generate() = "));
  EXPECT_THAT(shown.out, Not(HasSubstr("is missing")));
  EXPECT_EQ(server_.Cli({"traces", "shop", "--function", "brew"}).out, table.out);

  Output again = server_.Cli({"rerun", "shop", id});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("\"7\""));
  EXPECT_THAT(again.out, HasSubstr("\"tea\""));
  EXPECT_THAT(again.out, HasSubstr("11111111-2222-4333-8444-555555555555"));
  EXPECT_THAT(again.out, HasSubstr("2022-11-05T10:20:30Z"));
  EXPECT_THAT(again.out, HasSubstr("brewed again"));
  EXPECT_THAT(again.err, HasSubstr("its trace answered 2 impure calls"));
  EXPECT_EQ(server_.Cli({"hold", "shop", id, "--reason", "of Dark"}).exit_code, 0);
}

TEST_F(ImportTest, NoByteOfWhatIsHiddenIsStored) {
  ASSERT_EQ(Import({kSample}).exit_code, 0);
  std::string id = TraceOf("POST /orders/:id");
  Output shown = server_.Cli({"trace", "shop", id, "--full"});
  EXPECT_THAT(shown.out, HasSubstr("<redacted>"));
  EXPECT_THAT(shown.out, Not(HasSubstr("zx4711q")));
  // No number and no id can hold it by chance. The whole of the object once it is opened, as any
  // reader opens it.
  EXPECT_THAT(server_.Json({"trace", "shop", id}), Not(HasSubstr("zx4711q")));
  std::string stored = StoredBytes();
  for (const char* secret : {"zx4711q", "aGFzaC16eDQ3MTFx", "hash-zx4711q"})
    EXPECT_EQ(stored.find(secret), std::string::npos) << secret;
}

TEST_F(ImportTest, EachFileIsToldAndAWrongOneLeavesTheOthersAlone) {
  std::string cut = File("cut", R"({"storageFormatVersion": 0, "input": [["request")");
  std::string shape = File("shape", Event(R"(["DInt", "many"])"));
  std::string later = File("later", R"({"storageFormatVersion": 1})");
  std::string empty = File("empty", "");
  std::string packed = File("packed", "\x8b\x02 brotli");
  std::string deep = File("deep", std::string(100'000, '['));
  Output imported = Import({cut, shape, kSample, later, empty, packed, deep});
  EXPECT_EQ(imported.exit_code, 1);
  EXPECT_THAT(imported.out, HasSubstr("a run of POST /orders/:id"));
  EXPECT_THAT(imported.err, HasSubstr(cut + ": it is not JSON"));
  EXPECT_THAT(imported.err, HasSubstr("LineNumber: 0 | BytePositionInLine: "));
  EXPECT_THAT(imported.err,
              HasSubstr(shape + ": it is no trace of Dark's: input[0][1] is no DInt"));
  EXPECT_THAT(imported.err, HasSubstr(later + ": it is no trace of Dark's: storageFormatVersion"));
  EXPECT_THAT(imported.err, HasSubstr(empty + ": it is not JSON: JSON string was empty"));
  EXPECT_THAT(imported.err, HasSubstr("compressed what it stored with brotli"));
  EXPECT_THAT(imported.err, HasSubstr("depth of 256 has been exceeded"));
  std::string list = server_.Json({"traces", "shop"});
  EXPECT_EQ(list.find("\"run_id\""), list.rfind("\"run_id\"")) << list;
  EXPECT_EQ(Import({"/nowhere/at/all"}).exit_code, 2);
  EXPECT_EQ(server_.Cli({"import-traces", "nobody", kSample}).exit_code, 1);
}

TEST_F(ImportTest, TheHandlerIsKnownOrAskedFor) {
  std::string event = File("event", Event(R"(["DObj", {"litres": ["DFloat", 1.5]}])"));
  EXPECT_THAT(Import({event}).err, HasSubstr("its input is no request: say which handler"));
  EXPECT_EQ(Import({event, "--handler", "Kettle"}).exit_code, 0);
  const std::string kettle = TraceOf("Kettle");
  EXPECT_EQ(server_.Cli({"rerun", "shop", kettle}).out, "1.5");
  EXPECT_THAT(Import({event, "--handler", "GET /teas/:name"}).err,
              HasSubstr("GET /teas/:name takes requests, and its input is none"));
  EXPECT_THAT(Import({event, "--handler", "Urn"}).err, HasSubstr("has no handler named `Urn`"));

  std::string teas = File("teas", Request("http://shop.example/teas/green%20tea"));
  EXPECT_THAT(Import({teas}).err, HasSubstr("is of GET /teas/:name, POST /teas/:name: say which"));
  EXPECT_EQ(Import({teas, "--handler", "GET /teas/:name"}).exit_code, 0);
  EXPECT_EQ(server_.Cli({"rerun", "shop", TraceOf("GET /teas/:name")}).out, "\"green tea\"");
  EXPECT_THAT(Import({teas, "--handler", "POST /orders/:id"}).err,
              HasSubstr("the route of POST /orders/:id does not take /teas/green%20tea"));
  std::string nowhere = File("nowhere", Request("http://shop.example/elsewhere"));
  EXPECT_THAT(Import({nowhere}).err, HasSubstr("no route takes /elsewhere"));
  // The file's name tells no id of Dark's.
  EXPECT_THAT(server_.Cli({"trace", "shop", kettle}).out,
              HasSubstr("Dark's trace unknown, at an unknown time"));
}

}  // namespace
}  // namespace nightjar::e2e
