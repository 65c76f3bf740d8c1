#include "policies/seccomp_profile.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include "ipc/core/bounds.h"
#include "ipc/core/syscall_name.h"
#include "policies/policy_errors.h"
#include "policies/seccomp_refusals.h"
#include "policies/seccomp_vocabulary.h"
#include "policies/toml_reader.h"

namespace nightjar::policy {
namespace {

using Kind = TomlNode::Kind;

constexpr int64_t kArguments = 6;  // of a system call

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\n") == std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::vector<PolicyError>* errors) : errors_(errors) {}

  SeccompRules Read(const TomlNode& file) {
    static constexpr std::array<std::string_view, 2> kSections = {"allow", "errno"};
    for (const TomlNode& section : file.children) {
      if (section.key != kSections[0] && section.key != kSections[1]) {
        std::string hint = Suggestion(section.key, kSections);
        if (hint.empty()) hint = "; there are [allow] and [errno]";
        Complain(section.key_at, "unknown section " + Quoted(section.key) + hint);
      } else if (section.kind != Kind::kTable) {
        Complain(section.at,
                 Quoted(section.key) + " is a section, not " + std::string(section.KindName()));
      } else {
        for (const TomlNode& call : section.children)
          section.key == "allow" ? Allow(call) : FailPolitely(call);
      }
    }
    // The worker that has it could not even say so.
    if (rules_.empty() && errors_->empty()) Complain({1, 1}, "a profile that allows nothing");
    return std::move(rules_);
  }

 private:
  void Complain(Place place, std::string message) {
    errors_->push_back({place.line, place.column, std::move(message)});
  }

  // The call's number; nullopt after a complaint.
  std::optional<int> Call(const TomlNode& node) {
    auto number = SyscallNumber(node.key);
    if (!number) {
      static const std::vector<std::string> names = SyscallNames();
      std::vector<std::string_view> words(names.begin(), names.end());
      Complain(node.key_at,
               "unknown system call " + Quoted(node.key) + Suggestion(node.key, words));
      return std::nullopt;
    }
    auto [before, first] = seen_.try_emplace(node.key, node.key_at);
    if (first) return number;
    Complain(node.key_at,
             Quoted(node.key) + " is in line " + std::to_string(before->second.line) + " already");
    return std::nullopt;
  }

  void Reason(const TomlNode& call, const TomlNode* reason) {
    if (reason != nullptr && reason->kind != Kind::kString)
      return Complain(reason->at, "`reason` is a text, not " + std::string(reason->KindName()));
    if (reason != nullptr && !IsBlank(reason->text)) return;
    std::string_view opens = WhatItOpens(call.key);
    Complain(call.key_at, Quoted(call.key) + " has no reason" +
                              (opens.empty() ? "" : ", and it " + std::string(opens)) +
                              ": say what needs it");
  }

  // The keys of a table, in the order of `names`; null where one is missing. Others are wrong.
  template <size_t N>
  std::array<const TomlNode*, N> Keys(const TomlNode& table,
                                      const std::array<std::string_view, N>& names) {
    std::array<const TomlNode*, N> found{};
    for (const TomlNode& child : table.children) {
      auto at = std::find(names.begin(), names.end(), child.key);
      if (at == names.end())
        Complain(child.key_at, "unknown key " + Quoted(child.key) + " of " + Quoted(table.key) +
                                   Suggestion(child.key, names));
      else
        found[static_cast<size_t>(at - names.begin())] = &child;
    }
    return found;
  }

  void Allow(const TomlNode& node) {
    auto number = Call(node);
    SeccompGrant grant;
    grant.call = node.key;
    if (node.kind == Kind::kTable) {
      static constexpr std::array<std::string_view, 3> kKeys = {"reason", "only", "without"};
      auto [reason, only, without] = Keys(node, kKeys);
      Reason(node, reason);
      if (only != nullptr) grant.only = Only(*only);
      if (without != nullptr) grant.without = Without(*without);
      // What was meant is not known, and so not whether it is refused.
      if ((only != nullptr && !grant.only) || (without != nullptr && !grant.without)) return;
      if (grant.only && grant.without && grant.only->argument == grant.without->argument)
        Complain(without->key_at, "`only` and `without` are about the same argument");
    } else if (node.kind == Kind::kString) {
      Reason(node, &node);
    } else {
      Complain(node.at, Quoted(node.key) + " takes its reason as a text, or a table, not " +
                            std::string(node.KindName()));
    }
    if (!number) return;
    if (std::string why = WhyRefused(grant); !why.empty())
      return Complain(node.key_at, Quoted(node.key) + " is never granted: " + why);
    if (*number >= 0) AddRules(grant);
  }

  void AddRules(const SeccompGrant& grant) {
    std::vector<SeccompCondition> every;
    if (grant.without) every.push_back({grant.without->argument, grant.without->flags, 0});
    if (!grant.only) {
      rules_.push_back({grant.call, 0, every});
      return;
    }
    for (uint64_t value : grant.only->values) {
      SeccompRule rule{grant.call, 0, every};
      rule.conditions.push_back({grant.only->argument, ~uint64_t{0}, value});
      rules_.push_back(std::move(rule));
    }
  }

  void FailPolitely(const TomlNode& node) {
    auto number = Call(node);
    if (node.kind != Kind::kTable)
      return Complain(node.at, Quoted(node.key) +
                                   " takes { error = \"ENOSYS\", reason = \"...\" }, not " +
                                   std::string(node.KindName()));
    static constexpr std::array<std::string_view, 2> kKeys = {"error", "reason"};
    auto [error, reason] = Keys(node, kKeys);
    Reason(node, reason);
    if (error == nullptr) return Complain(node.key_at, Quoted(node.key) + " has no `error`");
    auto value = error->kind == Kind::kString ? ErrnoNamed(error->text) : std::nullopt;
    if (!value) {
      std::string hint = Suggestion(error->text, ErrnoNames());
      return Complain(error->at, "`error` takes the name of an errno, such as \"ENOSYS\"" + hint);
    }
    if (number && *number >= 0) rules_.push_back({node.key, *value, {}});
  }

  std::optional<SeccompGrant::Without> Without(const TomlNode& node) {
    static constexpr std::array<std::string_view, 2> kKeys = {"arg", "flags"};
    auto condition = Condition(node, kKeys);
    if (!condition) return std::nullopt;
    uint64_t flags = 0;
    for (uint64_t flag : condition->values) flags |= flag;
    if (flags == 0) {
      Complain(node.at, "`flags` holds no flag");
      return std::nullopt;
    }
    return SeccompGrant::Without{condition->argument, flags};
  }

  std::optional<SeccompGrant::Only> Only(const TomlNode& node) {
    static constexpr std::array<std::string_view, 2> kKeys = {"arg", "values"};
    return Condition(node, kKeys);
  }

  // An argument and a list of numbers; nullopt after a complaint.
  std::optional<SeccompGrant::Only> Condition(const TomlNode& node,
                                              const std::array<std::string_view, 2>& names) {
    std::string list_name(names[1]);
    if (node.kind != Kind::kTable) {
      Complain(node.at, Quoted(node.key) + " takes { arg = 0, " + list_name + " = [...] }, not " +
                            std::string(node.KindName()));
      return std::nullopt;
    }
    size_t before = errors_->size();
    auto [argument, list] = Keys(node, names);
    if (errors_->size() != before) return std::nullopt;
    if (argument == nullptr || list == nullptr) {
      Complain(node.at, Quoted(node.key) + " needs `arg` and " + Quoted(list_name));
      return std::nullopt;
    }
    if (argument->kind != Kind::kInteger || argument->integer < 0 ||
        argument->integer >= kArguments)
      Complain(argument->at, "`arg` is the number of an argument, 0 to 5");
    if (list->kind != Kind::kArray || list->children.empty())
      Complain(list->at, Quoted(list_name) + " takes a list of constants or numbers");
    SeccompGrant::Only condition;
    condition.argument = static_cast<uint32_t>(argument->integer);
    for (const TomlNode& element : list->children)
      if (auto number = Number(element)) condition.values.push_back(*number);
    if (errors_->size() != before) return std::nullopt;
    return condition;
  }

  std::optional<uint64_t> Number(const TomlNode& node) {
    if (node.kind == Kind::kInteger && node.integer >= 0)
      return static_cast<uint64_t>(node.integer);
    if (node.kind == Kind::kString) {
      if (auto value = ConstantNamed(node.text)) return value;
      Complain(node.at,
               "unknown constant " + Quoted(node.text) + Suggestion(node.text, ConstantNames()));
      return std::nullopt;
    }
    Complain(node.at,
             "a constant's name or a number from 0 is wanted here, not " +
                 std::string(node.kind == Kind::kInteger ? "a negative one" : node.KindName()));
    return std::nullopt;
  }

  std::vector<PolicyError>* errors_;
  SeccompRules rules_;
  std::map<std::string, Place> seen_;  // calls, of both sections
};

}  // namespace

SeccompRules ReadSeccompProfile(std::string_view text, std::vector<PolicyError>* errors) {
  std::vector<PolicyError> found;
  SeccompRules rules;
  if (text.size() > bounds::kPolicyBytes)
    found.push_back(
        {1, 1, "a profile is at most " + std::to_string(bounds::kPolicyBytes) + " bytes"});
  else if (TomlNode file = ReadToml(text, &found); found.empty())
    rules = Reader(&found).Read(file);
  if (found.empty()) return rules;
  SortAndCut(&found);
  errors->insert(errors->end(), found.begin(), found.end());
  return {};
}

}  // namespace nightjar::policy
