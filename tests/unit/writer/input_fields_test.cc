#include "supervisor/writer/input_fields.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "ipc/core/bounds.h"

namespace nightjar::testing {
namespace {

std::vector<std::string> Fields(const std::string& input, std::vector<std::string> names,
                                const std::string& variables = "") {
  proto::RunStart start;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(variables, &start));
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(input, start.mutable_input()));
  google::protobuf::RepeatedPtrField<std::string> wanted(names.begin(), names.end());
  std::vector<std::string> found;
  for (const proto::InputField& field : InputFields(start, wanted))
    found.push_back(field.name() + "=" + field.value());
  return found;
}

constexpr const char* kRequest = R"(object {
  fields { key: "headers" value { object { fields { key: "x-tenant" value { string: "acme" } } } } }
  fields { key: "url" value { string: "http://x/" } }
  fields { key: "queryParams" value { object {
    fields { key: "user_id" value { string: "7" } }
    fields { key: "both" value { string: "query" } } } } }
  fields { key: "jsonBody" value { object {
    fields { key: "order" value { object { fields { key: "id" value { int: 42 } }
                                           fields { key: "paid" value { bool: true } } } } }
    fields { key: "both" value { string: "body" } }
    fields { key: "list" value { list {} } }
    fields { key: "price" value { float: 12 } } } } }
  fields { key: "formBody" value { null {} } }
  fields { key: "cookies" value { object { fields { key: "theme" value { string: "dark" } } } } }
})";

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(InputFieldsTest, AreTakenOutOfARequest) {
  EXPECT_THAT(
      Fields(kRequest, {"user_id", "order.id", "order.paid", "X-Tenant", "theme", "both", "price"}),
      ElementsAre("user_id=7", "order.id=42", "order.paid=true", "X-Tenant=acme", "theme=dark",
                  "both=query", "price=12"));
}

TEST(InputFieldsTest, AreVariablesOfTheRouteFirst) {
  EXPECT_THAT(
      Fields(kRequest, {"id", "user_id", "theme"},
             R"(variables { name: "id" value: "9" } variables { name: "user_id" value: "8" })"),
      ElementsAre("id=9", "user_id=8", "theme=dark"));
}

TEST(InputFieldsTest, AreOneValueEach) {
  EXPECT_THAT(Fields(kRequest, {"order", "list", "none", "order.none", "url", "id"}), IsEmpty());
}

TEST(InputFieldsTest, AreTakenOutOfAnEvent) {
  const char* event = R"(object {
    fields { key: "user" value { object { fields { key: "id" value {
      uuid: "\000\000\000\000\000\000\100\000\200\000\000\000\000\000\000\001" } } } } }
    fields { key: "kind" value { string: "signup" } } })";
  EXPECT_THAT(Fields(event, {"kind", "user.id"}),
              ElementsAre("kind=signup", "user.id=00000000-0000-4000-8000-000000000001"));
  EXPECT_THAT(Fields("string: \"kind\"", {"kind"}), IsEmpty());
  EXPECT_THAT(Fields("", {"kind"}), IsEmpty());
}

TEST(InputFieldsTest, AreBounded) {
  std::string event = "object { fields { key: \"k\" value { string: \"" +
                      std::string(bounds::kTraceIndexValueBytes + 5, 'v') + "\" } } }";
  EXPECT_THAT(Fields(event, {"k"}),
              ElementsAre("k=" + std::string(bounds::kTraceIndexValueBytes, 'v')));
  EXPECT_THAT(Fields(event, {"a", "a", "a", "a", "a", "a", "a", "a", "k"}), IsEmpty());
}

}  // namespace
}  // namespace nightjar::testing
