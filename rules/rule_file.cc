#include "rules/rule_file.h"

#include <array>
#include <set>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "policies/policy_errors.h"
#include "policies/policy_version.h"
#include "policies/toml_reader.h"
#include "rules/rule_bounds.h"
#include "rules/rule_reader.h"
#include "rules/shipped_text.h"

namespace nightjar::rules {
namespace {

using policy::PolicyError;
using policy::PolicyFile;
using policy::Quoted;
using policy::TomlNode;

constexpr std::array<std::string_view, 1> kSections = {"rule"};

std::string UnknownSection(std::string_view typed) {
  std::string hint = policy::Suggestion(typed, kSections);
  if (hint.empty()) hint = "; there is [rule.NAME]";
  return "unknown section " + Quoted(typed) + hint;
}

class Builder {
 public:
  explicit Builder(std::vector<PolicyError>* errors) : errors_(errors) {}

  void Add(const PolicyFile& file, const TomlNode& tree) {
    for (const TomlNode& node : tree.children) {
      if (node.key != kSections[0])
        Complain(file, node.key_at, UnknownSection(node.key));
      else if (node.kind != TomlNode::Kind::kTable)
        Complain(file, node.at, "`rule` is a section, not " + std::string(node.KindName()));
      else
        for (const TomlNode& named : node.children) Take(file, named);
    }
  }

  std::vector<Rule> Finish() { return std::move(rules_); }

 private:
  void Complain(const PolicyFile& file, policy::Place place, std::string message) {
    errors_->push_back({place.line, place.column, std::move(message), file.path});
  }

  void Take(const PolicyFile& file, const TomlNode& node) {
    if (node.kind != TomlNode::Kind::kTable)
      return Complain(file, node.key_at,
                      Quoted(node.key) +
                          " stands in [rule], which only holds sections: write it below "
                          "[rule.NAME]");
    for (const Rule& other : rules_)
      if (other.name == node.key)
        return Complain(file, node.key_at,
                        "rule " + Quoted(node.key) + " stands in " + other.place + " already");
    if (rules_.size() == kRules)
      return Complain(
          file, node.key_at,
          "there are at most " + std::to_string(kRules) + " rules, and this is one more");
    rules_.push_back(ReadRule(node, file, errors_));
    const Seconds window = rules_.back().window;
    if (window > Seconds(0)) windows_.insert(window);
    if (windows_.size() <= kWindows) return;
    windows_.erase(window);
    Complain(file, node.key_at,
             "rules have windows of at most " + std::to_string(kWindows) +
                 " different lengths, and that of " + Quoted(node.key) + " is one more");
  }

  std::vector<PolicyError>* errors_;
  std::vector<Rule> rules_;
  std::set<Seconds> windows_;
};

}  // namespace

std::shared_ptr<const RuleSet> ParseRules(std::span<const PolicyFile> files,
                                          std::vector<PolicyError>* errors) {
  std::vector<PolicyError> found;
  Builder builder(&found);
  const std::vector<TomlNode> trees =
      policy::ReadTomlFiles(files,
                            "rules are at most " + std::to_string(bounds::kPolicyBytes) +
                                " bytes, all their files together",
                            &found);
  for (size_t i = 0; i < trees.size(); ++i) builder.Add(files[i], trees[i]);
  if (found.empty())
    return std::make_shared<RuleSet>(RuleSet{builder.Finish(), policy::VersionOf(files)});
  policy::SortAndCut(&found);
  errors->insert(errors->end(), found.begin(), found.end());
  return nullptr;
}

std::shared_ptr<const RuleSet> ShippedRules() {
  static const std::shared_ptr<const RuleSet> shipped = [] {
    const PolicyFile file{"shipped.toml", "", std::string(ShippedText())};
    std::vector<PolicyError> errors;
    auto rules = ParseRules(std::span(&file, 1), &errors);
    CHECK(rules != nullptr);
    return rules;
  }();
  return shipped;
}

}  // namespace nightjar::rules
