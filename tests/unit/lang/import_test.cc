// What becomes of a trace that classic Dark stored.
#include <gmock/gmock.h>

#include "ipc/core/bounds.h"
#include "tests/unit/lang/engine_rig.h"
#include "worker/lang/stored_trace.h"

namespace nightjar::lang {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Object(const std::string& input, const std::string& arguments = "",
                   const std::string& results = "") {
  return R"({"storageFormatVersion": 0, "input": [["event", )" + input +
         R"(]], "functionArguments": [)" + arguments + R"(], "functionResults": [)" + results +
         "]}";
}

class ImportTest : public ::testing::Test, protected testing::EngineRig {
 protected:
  ImportTest() {
    Load("[fn both b:Int a:Str]\na\n[worker W]\n1\n");
    order.set_run_id(std::string(16, 'i'));
    order.set_trace_bytes_max(1 << 20);
    order.mutable_redaction()->add_drop("defaults");
  }

  void Import(const std::string& object) {
    ImportOutcome outcome = engine->Import(order, object);
    answer = outcome.answer;
    raw = outcome.events;
    events.clear();
    for (std::string_view rest = raw; !rest.empty();) {
      size_t size = 0;
      for (int shift = 0;; shift += 7) {
        auto byte = static_cast<unsigned char>(rest.front());
        rest.remove_prefix(1);
        size |= static_cast<size_t>(byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      ASSERT_LE(size, rest.size());
      ASSERT_TRUE(events.emplace_back().ParseFromArray(rest.data(), static_cast<int>(size)));
      rest.remove_prefix(size);
    }
  }
  // The value of the input, as text of protobuf's.
  std::string Value(const std::string& json) {
    Import(Object(json));
    EXPECT_EQ(answer.wrong(), "");
    return events.empty() ? "" : events[0].run_start().input().ShortDebugString();
  }
  std::string WrongWith(const std::string& object) {
    Import(object);
    EXPECT_TRUE(events.empty());
    return answer.wrong();
  }
  std::string Wrong(const std::string& json) { return WrongWith(Object(json)); }

  proto::Import order;
  proto::Imported answer;
  std::string raw;
};

TEST_F(ImportTest, EveryKindOfValue) {
  EXPECT_EQ(Value(R"(["DInt", -5])"), "int: -5");
  EXPECT_EQ(Value(R"(["DInt", "9223372036854775807"])"), "int: 9223372036854775807");
  EXPECT_EQ(Value(R"(["DFloat", 1.5])"), "float: 1.5");
  EXPECT_EQ(Value(R"(["DFloat", 2])"), "float: 2");
  EXPECT_EQ(Value(R"(["DFloat", "NaN"])"), "float: nan");
  EXPECT_EQ(Value(R"(["DFloat", "-Infinity"])"), "float: -inf");
  EXPECT_EQ(Value(R"(["DBool", true])"), "bool: true");
  EXPECT_EQ(Value(R"(["DNull"])"), "null { }");
  EXPECT_EQ(Value(R"(["DStr", "tea"])"), "string: \"tea\"");
  EXPECT_EQ(Value(R"(["DChar", "t"])"), "character: \"t\"");
  EXPECT_EQ(Value(R"(["DList", [["DInt", 1], ["DNull"]]])"),
            "list { items { int: 1 } items { null { } } }");
  EXPECT_EQ(Value(R"(["DTuple", ["DInt", 1], ["DInt", 2], [["DInt", 3]]])"),
            "tuple { items { int: 1 } items { int: 2 } items { int: 3 } }");
  EXPECT_EQ(Value(R"(["DObj", {"k": ["DInt", 1]}])"),
            "object { fields { key: \"k\" value { int: 1 } } }");
  EXPECT_EQ(Value(R"(["DBytes", "AP-_"])"), "bytes: \"\\000\\377\\277\"");
  EXPECT_EQ(Value(R"(["DDate", "1970-01-01T00:00:01Z"])"), "date_ms: 1000");
  EXPECT_EQ(Value(R"(["DUuid", "41414141-4141-4141-4141-414141414141"])"),
            "uuid: \"AAAAAAAAAAAAAAAA\"");
  EXPECT_EQ(Value(R"(["DOption", null])"), "nothing { }");
  EXPECT_EQ(Value(R"(["DOption", ["DInt", 1]])"), "just { int: 1 }");
  EXPECT_EQ(Value(R"(["DResult", ["Ok", ["DInt", 1]]])"), "ok { int: 1 }");
  EXPECT_EQ(Value(R"(["DResult", ["Error", ["DInt", 1]]])"), "error_result { int: 1 }");
  EXPECT_EQ(Value(R"(["DErrorRail", ["DOption", null]])"), "error_rail { nothing { } }");
  EXPECT_EQ(Value(R"(["DHttpResponse", ["Redirect", "/x"]])"),
            "response { body { null { } } redirect: \"/x\" }");
  EXPECT_EQ(Value(R"(["DHttpResponse", ["Response", 201, [["a", "b"]], ["DInt", 1]]])"),
            "response { status: 201 headers { name: \"a\" value: \"b\" } body { int: 1 } }");
  EXPECT_EQ(Value(R"(["DError", ["SourceID", 1, 7], "no"])"),
            "error { message: \"no\" expr_id: 7 }");
  EXPECT_EQ(Value(R"(["DIncomplete", ["SourceNone"]])"), "incomplete { }");
  EXPECT_EQ(Value(R"(["DDB", "Teas"])"), "datastore: \"Teas\"");
  EXPECT_EQ(Value(R"(["DLambda"])"), "function: \"lambda\"");
}

TEST_F(ImportTest, NoByteOfAPasswordIsRead) {
  EXPECT_EQ(Value(R"(["DPassword", "c2VjcmV0LTQ3MTE"])"), "password { }");
  EXPECT_THAT(raw, Not(HasSubstr("secret-4711")));
  EXPECT_THAT(raw, Not(HasSubstr("c2VjcmV0")));
}

TEST_F(ImportTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(Wrong(R"(["DFoo", 1])"), HasSubstr("input[0][1] is of the kind \"DFoo\""));
  EXPECT_THAT(Wrong("5"), HasSubstr("input[0][1] is no value of Dark's"));
  EXPECT_THAT(Wrong(R"(["DInt"])"), HasSubstr("input[0][1] is no DInt"));
  EXPECT_THAT(Wrong(R"(["DInt", 1.5])"), HasSubstr("is no DInt"));
  EXPECT_THAT(Wrong(R"(["DList", [["DInt", 1], ["DStr", 2]]])"),
              HasSubstr("input[0][1][1][1] is no DStr"));
  EXPECT_THAT(Wrong(R"(["DObj", {"a": ["DUuid", "x"]}])"), HasSubstr("[1][1].a is no DUuid"));
  EXPECT_THAT(Wrong(R"(["DBytes", "?"])"), HasSubstr("is no DBytes"));
  EXPECT_THAT(Wrong(R"(["DDate", "soon"])"), HasSubstr("is no DDate"));
  EXPECT_THAT(Wrong(R"(["DResult", ["Maybe", ["DInt", 1]]])"), HasSubstr("is no DResult"));
  EXPECT_THAT(Wrong(R"(["DHttpResponse", ["Response", 200]])"), HasSubstr("is no DHttpResponse"));
  EXPECT_THAT(WrongWith(""), HasSubstr("JSON string was empty"));
  EXPECT_THAT(WrongWith("[]"), HasSubstr("it is no JSON object"));
  EXPECT_THAT(WrongWith("{}"), HasSubstr("it has no storageFormatVersion"));
  EXPECT_THAT(WrongWith(R"({"storageFormatVersion": 1})"), HasSubstr("only 0 is known"));
  EXPECT_THAT(WrongWith(R"({"storageFormatVersion": 0})"), HasSubstr("input is missing"));
  EXPECT_THAT(WrongWith(R"({"storageFormatVersion": 0, "input": []})"),
              HasSubstr("input is empty"));
  EXPECT_THAT(WrongWith(Object(R"(["DInt", 1])", "", "[1, 2]")),
              HasSubstr("functionResults[0] is not [tlid, id, name"));
  EXPECT_THAT(WrongWith(Object(R"(["DInt", 1])", R"([-1, []])")),
              HasSubstr("functionArguments[0][0] is no tlid"));
  EXPECT_THAT(WrongWith(std::string(1'000'000, '[')), HasSubstr("depth of 256"));
}

TEST_F(ImportTest, CallsStandInTheirOrderWithArgumentsThatAreKnown) {
  Import(Object(
      R"(["DNull"])",
      R"([77, [["a", ["DStr", "x"]], ["b", ["DInt", 1]]]], [78, [["token", ["DStr", "token-4711"]]]])",
      R"([1, 2, "Date::now", 1, "h", ["DInt", 1]], [1, 18446744073709551000, "both", 1, "h", ["DStr", "token-4711"]],
         [1, 4, "owner/canvas/Mod::f", 0, "h", ["DNull"]])"));
  ASSERT_EQ(answer.wrong(), "");
  ASSERT_EQ(events.size(), 8u);
  EXPECT_EQ(answer.events(), 8u);
  const proto::Call& now = events[1].call();
  EXPECT_EQ(now.fn(), "Date::now");
  EXPECT_EQ(now.kind(), proto::CALL_KIND_BUILTIN);
  EXPECT_EQ(now.expr_id(), 2u);
  const proto::Call& both = events[3].call();
  EXPECT_EQ(both.kind(), proto::CALL_KIND_FUNCTION);
  ASSERT_EQ(both.args_size(), 2);
  EXPECT_EQ(both.args(0).int_(), 1);
  EXPECT_EQ(both.args(1).string(), "x");
  EXPECT_EQ(events[5].call().kind(), proto::CALL_KIND_FUNCTION);
  EXPECT_EQ(events[7].call().fn(), "function 78 of Dark");
  EXPECT_EQ(events[7].call().args(0).string(), "<redacted>");
  // What is left out of the arguments is left out everywhere.
  EXPECT_EQ(events[4].return_().result().string(), "<redacted>");
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].seq(), i + 1);
}

TEST_F(ImportTest, WhatIsWrappedIsRedactedAsWell) {
  Import(Object(R"(["DObj", {"password": ["DOption", ["DStr", "4711-pass"]],
                             "token":
                             ["DResult", ["Ok", ["DUuid", "41414141-4141-4141-4141-414141414141"]]],
                             "secret": ["DHttpResponse", ["Redirect", "/4711-pass"]]}])"));
  ASSERT_EQ(answer.wrong(), "");
  EXPECT_THAT(raw, Not(HasSubstr("4711-pass")));
  EXPECT_THAT(raw, Not(HasSubstr("AAAAAAAA")));
  EXPECT_THAT(raw, HasSubstr("<redacted>"));
}

TEST_F(ImportTest, WhatTheTraceHasNoRoomForIsAGap) {
  order.set_trace_bytes_max(bounds::kTraceLeastBytes);
  std::string results;
  for (int i = 0; i < 300; ++i)
    results += (i > 0 ? "," : "") + std::string(R"([1, 2, "Date::now", 1, "h", ["DInt", 1]])");
  Import(Object(R"(["DNull"])", "", results));
  ASSERT_GT(events.size(), 2u);
  EXPECT_LT(events.size(), 601u);
  EXPECT_EQ(events.back().gap().dropped(), answer.dropped());
  EXPECT_EQ(events.back().seq(), 601u);
  EXPECT_EQ(answer.events() + answer.dropped(), 601u);
}

TEST_F(ImportTest, ALookTellsWhatItIs) {
  order.set_look(true);
  Import(Object(R"(["DObj", {"url": ["DStr", "http://a/b?c"], "headers": ["DObj", {}]}])"));
  EXPECT_TRUE(answer.request());
  EXPECT_EQ(answer.url(), "http://a/b?c");
  EXPECT_TRUE(raw.empty());
  Import(Object(R"(["DObj", {"url": ["DInt", 1], "headers": ["DObj", {}]}])"));
  EXPECT_FALSE(answer.request());
  Import(R"({"storageFormatVersion": 0, "input": [["request", ["DNull"]]],
             "functionArguments": [], "functionResults": []})");
  EXPECT_THAT(answer.wrong(), HasSubstr("its request has no url and headers"));
}

}  // namespace
}  // namespace nightjar::lang
