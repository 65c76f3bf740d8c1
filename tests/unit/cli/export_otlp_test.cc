#include "supervisor/cli/export_otlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "tests/unit/cli/messages.h"
#include "tests/unit/cli/trace_export_samples.h"

namespace nightjar::cli {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

std::string Export(const std::string& text, Detail detail = Detail::kShort) {
  auto exported = ExportOtlp(FromText<proto::TraceDocument>(text), detail);
  EXPECT_TRUE(exported) << exported.error().ToString();
  return exported.value_or("");
}

Json SpansOf(const std::string& text, Detail detail = Detail::kShort) {
  return Json::parse(Export(text, detail))["resourceSpans"][0]["scopeSpans"][0]["spans"];
}

// A span's or an event's attribute; null where there is none.
Json Attribute(const Json& of, const std::string& name) {
  for (const Json& attribute : of["attributes"])
    if (attribute["key"] == name) return attribute["value"];
  return nullptr;
}

bool Matches(const Json& text, const char* pattern) {
  return text.is_string() && std::regex_match(text.get<std::string>(), std::regex(pattern));
}

void ExpectAttributes(const Json& attributes) {
  ASSERT_TRUE(attributes.is_array());
  std::set<std::string> keys;
  for (const Json& attribute : attributes) {
    EXPECT_TRUE(keys.insert(attribute.at("key")).second) << attribute << " twice";
    const Json& value = attribute.at("value");
    ASSERT_EQ(value.size(), 1u) << value;
    std::string kind = value.begin().key();
    const Json& content = value.begin().value();
    bool right = kind == "stringValue" || kind == "boolValue" || kind == "arrayValue";
    if (kind == "intValue") right = Matches(content, "-?[0-9]{1,19}");
    EXPECT_TRUE(right) << attribute;
  }
}

// What the protocol demands of every span, whatever is in it.
void ExpectValid(const Json& spans) {
  std::set<std::string> ids;
  for (const Json& span : spans) {
    EXPECT_TRUE(Matches(span["traceId"], "[0-9a-f]{32}")) << span;
    EXPECT_TRUE(Matches(span["spanId"], "[0-9a-f]{16}")) << span;
    EXPECT_NE(span["spanId"], "0000000000000000");
    EXPECT_TRUE(ids.insert(span["spanId"]).second) << span << " has another's id";
    EXPECT_FALSE(span.at("name").get<std::string>().empty());
    EXPECT_TRUE(span.at("kind").is_number_integer());
    ASSERT_TRUE(Matches(span["startTimeUnixNano"], "[0-9]{1,20}")) << span;
    ASSERT_TRUE(Matches(span["endTimeUnixNano"], "[0-9]{1,20}")) << span;
    EXPECT_LE(std::stoull(span["startTimeUnixNano"].get<std::string>()),
              std::stoull(span["endTimeUnixNano"].get<std::string>()))
        << span;
    ExpectAttributes(span["attributes"]);
    for (const Json& event : span.value("events", Json::array())) {
      EXPECT_TRUE(Matches(event["timeUnixNano"], "[0-9]{1,20}")) << event;
      EXPECT_FALSE(event.at("name").get<std::string>().empty());
      ExpectAttributes(event["attributes"]);
    }
    if (span.contains("status")) {
      EXPECT_TRUE(span["status"]["code"].is_number_integer());
    }
  }
  size_t roots = 0;
  for (const Json& span : spans) {
    bool root = !span.contains("parentSpanId");
    roots += root ? 1 : 0;
    EXPECT_TRUE(root || ids.count(span["parentSpanId"]) == 1) << span;
  }
  EXPECT_EQ(roots, 1u);
}

TEST(ExportOtlpTest, IsTheProtocolsJsonToTheLetter) {
  EXPECT_EQ(Export(kFinishedTrace), Golden("finished.otlp.json"));
}

TEST(ExportOtlpTest, KeepsTheProtocolsRules) {
  ExpectValid(SpansOf(kFinishedTrace));
  ExpectValid(SpansOf(kKilledTrace));
  for (const char* text : kSenseless) {
    SCOPED_TRACE(text);
    for (const char* verdict : {"VERDICT_FINISHED", "VERDICT_CPU_TIME"})
      ExpectValid(SpansOf(std::string("row { run_id: 'fe6c1a2b-0000-4000-8000-000000000001' "
                                      "received_unix_us: 1732448403123456 verdict: ") +
                          verdict + " } " + text));
  }
}

TEST(ExportOtlpTest, GivesTheSameTraceTheSameIds) {
  EXPECT_EQ(Export(kFinishedTrace), Export(kFinishedTrace));
  std::string other = kFinishedTrace;
  other.replace(other.find("000000000001"), 12, "000000000003");
  Json one = SpansOf(kFinishedTrace);
  Json two = SpansOf(other);
  EXPECT_EQ(two[0]["traceId"], "fe6c1a2b000040008000000000000003");
  for (size_t i = 0; i < one.size(); ++i) EXPECT_NE(one[i]["spanId"], two[i]["spanId"]);
}

TEST(ExportOtlpTest, MarksWhatAKillLeftOpenAndWhatIsMissing) {
  Json spans = SpansOf(kKilledTrace);
  ASSERT_EQ(spans.size(), 4u);
  const Json& run = spans[0];
  EXPECT_EQ(run["name"], "Spin");
  EXPECT_EQ(run["kind"], 1);  // nobody's request
  EXPECT_EQ(run["status"], Json::parse(R"({"code":2,"message":"wall_time: used 2.000 s"})"));
  EXPECT_EQ(run["endTimeUnixNano"], "1732448405123456000");
  EXPECT_EQ(Attribute(run, "nightjar.missing.dropped")["intValue"], "98");
  ASSERT_EQ(run["events"].size(), 2u);
  EXPECT_EQ(run["events"][1]["name"], "last moments");
  EXPECT_EQ(run["events"][1]["timeUnixNano"], "1732448405123455000");
  EXPECT_EQ(Attribute(run["events"][1], "nightjar.event")["stringValue"],
            "+2.000 s  branch, arm 2");

  const Json& outer = spans[1];
  EXPECT_EQ(outer["name"], "outer");
  EXPECT_EQ(outer["startTimeUnixNano"], "1732448403123456010");
  EXPECT_EQ(outer["endTimeUnixNano"], "1732448405123456000");
  EXPECT_EQ(outer["status"]["code"], 2);
  EXPECT_EQ(Attribute(outer, "nightjar.end")["stringValue"], "still open when killed");
  EXPECT_EQ(Attribute(outer, "nightjar.calls_made")["intValue"], "3");

  // It is not among the calls that were open, so that it ended before the next one began.
  const Json& lambda = spans[2];
  EXPECT_EQ(lambda["name"], "lambda");
  EXPECT_EQ(lambda["endTimeUnixNano"], spans[3]["startTimeUnixNano"]);
  EXPECT_EQ(Attribute(lambda, "nightjar.end")["stringValue"], "its return is missing");
  EXPECT_EQ(lambda["events"][0]["name"], "events are missing");
  EXPECT_EQ(Attribute(lambda["events"][0], "nightjar.dropped")["intValue"], "98");

  EXPECT_EQ(spans[3]["name"], "deep");
  EXPECT_EQ(spans[3]["startTimeUnixNano"], "1732448404123456000");
  EXPECT_EQ(spans[3]["parentSpanId"], outer["spanId"]);
}

TEST(ExportOtlpTest, SaysThatATraceIsNotWhole) {
  Json run = SpansOf(R"(row { run_id: 'fe6c1a2b-0000-4000-8000-000000000001' }
    incomplete_object: true stream_refused: "a record of 0 bytes" events_left_out: 5)")[0];
  EXPECT_EQ(Attribute(run, "nightjar.missing.damaged")["boolValue"], true);
  EXPECT_EQ(Attribute(run, "nightjar.missing.left_out")["intValue"], "5");
  EXPECT_EQ(Attribute(run, "nightjar.missing.ring_broken")["stringValue"], "a record of 0 bytes");
  EXPECT_EQ(run["status"]["code"], 2);
}

TEST(ExportOtlpTest, CutsValuesAndCountsThem) {
  std::string text =
      "row { run_id: 'fe6c1a2b-0000-4000-8000-000000000001' } events { call { "
      "call_id: 1 fn: 'f' args { int: 1 } args { string: '" +
      std::string(100, 'x') + "' } result { string: 'y' truncated { bytes: 900 } } } }";
  Json call = SpansOf(text)[1];
  EXPECT_EQ(Attribute(call, "nightjar.values_cut")["intValue"], "2");
  Json args = Attribute(call, "nightjar.args")["arrayValue"]["values"];
  EXPECT_EQ(args[0]["stringValue"], "1");
  EXPECT_EQ(args[1]["stringValue"], "\"" + std::string(57, 'x') + "...\"");
  EXPECT_EQ(Attribute(call, "nightjar.result")["stringValue"], "\"y\" <cut, was 900 B>");
  call = SpansOf(text, Detail::kFull)[1];
  EXPECT_EQ(Attribute(call, "nightjar.values_cut")["intValue"], "1");
}

TEST(ExportOtlpTest, ShowsPatchesAsRunsOfTheirOwnThatAreLinkedToTheirCalls) {
  const std::string text = Export(kPatchedTrace);
  EXPECT_EQ(text, Golden("patched.otlp.json"));
  Json runs = Json::parse(text)["resourceSpans"];
  ASSERT_EQ(runs.size(), 5u);
  std::vector<Json> roots;
  for (const Json& run : runs) {
    const Json& spans = run["scopeSpans"][0]["spans"];
    ExpectValid(spans);
    roots.push_back(spans[0]);
  }
  const Json& base = runs[0]["scopeSpans"][0]["spans"];
  ASSERT_EQ(base.size(), 3u);
  EXPECT_FALSE(roots[0].contains("links"));
  EXPECT_EQ(Attribute(base[1], "nightjar.patched_by"), nullptr);
  EXPECT_EQ(Attribute(base[2], "nightjar.patched_by")["stringValue"],
            "fe6c1a2a-0000-4000-8000-000000000006");
  EXPECT_EQ(Attribute(runs[3]["resource"], "service.version")["stringValue"], "4");
  // The call's id in a patch is the patch's own.
  EXPECT_EQ(Attribute(runs[3]["scopeSpans"][0]["spans"][1], "nightjar.patched_by"), nullptr);
  const std::vector<std::string> linked = {base[2]["spanId"], base[0]["spanId"], base[2]["spanId"],
                                           base[0]["spanId"]};
  const std::vector<std::string> why = {"patched call", "patched run", "patched call",
                                        "patched run: its call is missing"};
  const std::vector<Json> in_force = {false, nullptr, true, true};
  for (size_t i = 1; i < roots.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(roots[i]["traceId"], "fe6c1a2a00004000800000000000000" + std::to_string(9 - i));
    EXPECT_EQ(roots[i]["name"], "f");
    EXPECT_EQ(roots[i]["kind"], 1);
    ASSERT_EQ(roots[i]["links"].size(), 1u);
    const Json& link = roots[i]["links"][0];
    EXPECT_EQ(link["traceId"], "fe6c1a2b000040008000000000000009");
    EXPECT_EQ(link["spanId"], linked[i - 1]);
    EXPECT_EQ(Attribute(link, "nightjar.link")["stringValue"], why[i - 1]);
    EXPECT_EQ(Attribute(roots[i], "nightjar.patch.of")["stringValue"],
              "fe6c1a2b-0000-4000-8000-000000000009");
    Json newest = Attribute(roots[i], "nightjar.patch.in_force");
    EXPECT_EQ(newest.is_null() ? newest : newest["boolValue"], in_force[i - 1]);
    EXPECT_EQ(Attribute(roots[i], "nightjar.patch.other_arguments").is_null(), i != 2);
  }
}

TEST(ExportOtlpTest, NeedsARun) {
  EXPECT_FALSE(ExportOtlp(FromText<proto::TraceDocument>(
                              "row { run_id: 'fe6c1a2b-0000-4000-8000-000000000001' } patches {}"),
                          Detail::kShort));
  EXPECT_FALSE(ExportOtlp(FromText<proto::TraceDocument>("row { run_id: 'x' }"), Detail::kShort));
  EXPECT_FALSE(ExportOtlp(
      FromText<proto::TraceDocument>("row { run_id: '00000000-0000-0000-0000-000000000000' }"),
      Detail::kShort));
}

}  // namespace
}  // namespace nightjar::cli
