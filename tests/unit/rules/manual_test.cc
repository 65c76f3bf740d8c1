// The reference that operators read says what the code does.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "rules/rule_bounds.h"
#include "tests/unit/rules/rig.h"

namespace nightjar::rules {
namespace {

std::vector<std::string> Manual() {
  std::ifstream file(std::string(NIGHTJAR_SOURCE_DIR) + "/docs/rules.md");
  EXPECT_TRUE(file.good());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// The rows of the table that stands behind a heading.
std::vector<std::string> TableOf(const std::string& heading) {
  std::vector<std::string> rows;
  bool is_there = false;
  for (const std::string& line : Manual()) {
    if (line.starts_with("## ")) is_there = line == "## " + heading;
    if (is_there && line.starts_with("| `")) rows.push_back(line);
  }
  return rows;
}

std::string UnitText(const CounterKey& key) {
  if (key.is_level) return "level";
  return key.unit == Unit::kTime ? "time" : key.unit == Unit::kBytes ? "size" : "count";
}

TEST(RulesManualTest, ItsTableIsThatOfTheCounters) {
  std::vector<std::string> expected;
  for (size_t i = 0; i < kCounters; ++i) {
    const CounterKey& key = KeyOf(static_cast<Counter>(i));
    expected.push_back("| `" + std::string(key.name) + "` | " + UnitText(key) + " | " +
                       std::string(key.about) + " |");
  }
  EXPECT_EQ(TableOf("Counters"), expected);
}

TEST(RulesManualTest, HoldsEachShippedRule) {
  std::vector<std::string> names;
  for (const std::string& row : TableOf("The shipped rules"))
    names.push_back(row.substr(3, row.find('`', 3) - 3));
  std::vector<std::string> shipped;
  for (const Rule& rule : ShippedRules()->rules) shipped.push_back(rule.name);
  EXPECT_EQ(names, shipped);
}

TEST(RulesManualTest, ItsExampleIsARule) {
  std::string text;
  bool is_rule = false;
  for (const std::string& line : Manual()) {
    is_rule = line.starts_with("    [rule.") || (is_rule && line.starts_with("    "));
    if (is_rule) text += line.substr(4) + "\n";
  }
  auto rules = RulesOf(text);
  ASSERT_EQ(rules->rules.size(), 1u) << text;
  EXPECT_EQ(rules->rules[0].lasting, std::chrono::hours(6));
}

TEST(RulesManualTest, NamesTheBounds) {
  std::string manual;
  for (const std::string& line : Manual()) manual += line + "\n";
  const std::string bound = "at most " + std::to_string(kRules) +
                            " rules, with windows of at most " + std::to_string(kWindows) +
                            " different lengths";
  EXPECT_NE(manual.find(bound), std::string::npos) << bound;
  EXPECT_NE(manual.find("more than " + std::to_string(kHitsSuspicious) + " canvases"),
            std::string::npos);
  EXPECT_NE(manual.find("a row of " + std::to_string(kSlices) + " slices"), std::string::npos);
}

}  // namespace
}  // namespace nightjar::rules
