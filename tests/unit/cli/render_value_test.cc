#include "supervisor/cli/render_value.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

std::string Render(const std::string& text, Detail detail = Detail::kShort) {
  return RenderValue(FromText<proto::Value>(text), detail);
}

TEST(RenderValueTest, WritesEveryKindAsItsAuthorWould) {
  const std::pair<const char*, const char*> kCases[] = {
      {"int: -3", "-3"},
      {"float: 2", "2.0"},
      {"float: 0.1", "0.1"},
      {"float: nan", "NaN"},
      {"float: -inf", "-Infinity"},
      {"bool: true", "true"},
      {"null {}", "null"},
      {"string: 'a\"b\\nc'", "\"a\\\"b\\nc\""},
      {"character: 'x'", "'x'"},
      {"list { items { int: 1 } items { int: 2 } }", "[1, 2]"},
      {"list {}", "[]"},
      {"tuple { items { int: 1 } items { string: 'a' } }", "(1, \"a\")"},
      {"object { fields { key: 'name' value { string: 'x' } } fields { key: 'n' value { int: 3 } } "
       "}",
       "{ name: \"x\", n: 3 }"},
      {"object {}", "{}"},
      {"function: 'Int::add_v0'", "<fn Int::add_v0>"},
      {"error { message: 'no\\nway' }", "<error: no\\nway>"},
      {"incomplete {}", "<incomplete>"},
      {"error_rail { nothing {} }", "ErrorRail Nothing"},
      {"response { status: 200 headers { name: 'x' value: 'y' } body { int: 1 } }",
       "response 200 { x: \"y\" } 1"},
      {"response { redirect: 'https://example.com' }", "redirect \"https://example.com\""},
      {"datastore: 'Users'", "<db Users>"},
      {"date_ms: 1732448403123", "2024-11-24T11:40:03Z"},
      {"date_ms: -1", "1969-12-31T23:59:59Z"},
      {"date_ms: -9223372036854775808", "-292275055-05-16T16:47:04Z"},
      {"password {}", "<password>"},
      {"uuid: '0123456789abcdef'", "30313233-3435-3637-3839-616263646566"},
      {"uuid: 'short'", "<uuid>"},
      {"just { int: 1 }", "Just 1"},
      {"ok { error_result { int: 2 } }", "Ok Error 2"},
      {"bytes: 'abc'", "<bytes, 3 B>"},
      {"", "<nothing recorded>"},
      {"string: 'abc' truncated { bytes: 70000 }", "\"abc\" <cut, was 68.4 KiB>"},
      {"truncated { bytes: 70000 }", "<cut, was 68.4 KiB>"},
  };
  for (auto [text, rendered] : kCases) EXPECT_EQ(Render(text), rendered) << text;
}

TEST(RenderValueTest, CutsWhatIsLongUnlessAskedForAllOfIt) {
  std::string text = "string: '" + std::string(100, 'x') + "'";
  EXPECT_EQ(Render(text), "\"" + std::string(57, 'x') + "...\"");
  EXPECT_EQ(Render(text, Detail::kFull), "\"" + std::string(100, 'x') + "\"");
  std::string list = "list {";
  for (int i = 0; i < 12; ++i) list += " items { int: " + std::to_string(i) + " }";
  list += " }";
  EXPECT_EQ(Render(list), "[0, 1, 2, 3, 4, 5, 6, 7, ... 4 more]");
  EXPECT_EQ(Render(list, Detail::kFull), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]");
}

TEST(RenderValueTest, NothingInAValueReachesTheTerminalAsAnEscape) {
  for (const char* text :
       {"string: '\\033[2J'", "character: '\\033'", "function: '\\033'", "datastore: '\\033'",
        "error { message: '\\033' }", "object { fields { key: '\\033' value { null {} } } }",
        "response { redirect: '\\033' }",
        "response { headers { name: '\\033' value: '\\033' } body { string: '\\033' } }"}) {
    EXPECT_EQ(Render(text).find('\x1b'), std::string::npos) << text;
    EXPECT_EQ(Render(text, Detail::kFull).find('\x1b'), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace nightjar::cli
