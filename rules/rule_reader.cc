#include "rules/rule_reader.h"

#include <algorithm>
#include <array>

#include "ipc/core/ids.h"
#include "policies/policy_errors.h"
#include "policies/units.h"
#include "rules/action.h"
#include "rules/condition.h"
#include "rules/everyday.h"
#include "rules/rule_bounds.h"

namespace nightjar::rules {
namespace {

using policy::Place;
using policy::Quoted;
using policy::TomlNode;
using Kind = TomlNode::Kind;

constexpr std::array<std::string_view, 11> kKeys = {
    "about",   "when",    "window", "for",    "keep_firing_for", "clear_at",
    "actions", "lasting", "only",   "except", "hits_everything"};

constexpr double kClearAt = 0.8;
constexpr std::chrono::hours kLasting{1};
constexpr std::string_view kUntilLifted = "until lifted";

bool IsRuleName(std::string_view name) {
  auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kRuleNameBytes && is_word(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_word(c) || c == '_' || c == '-'; });
}

std::string Format(Seconds duration) {
  return policy::FormatDuration(duration);
}

bool SaysTheSame(const Condition& a, const Condition& b) {
  return a.amount == b.amount && a.per == b.per && a.is_cpu_share == b.is_cpu_share &&
         a.at_least == b.at_least;
}

class Reader {
 public:
  Reader(const policy::PolicyFile& file, std::vector<policy::PolicyError>* errors)
      : file_(file), errors_(errors) {}

  Rule Read(const TomlNode& node) {
    const size_t before = errors_->size();
    rule_.name = node.key;
    rule_.place = file_.name + ":" + std::to_string(node.key_at.line);
    rule_.clear_at = kClearAt;
    if (!IsRuleName(node.key))
      Complain(node.key_at, Quoted(node.key) + " is no name of a rule: 1 to " +
                                std::to_string(kRuleNameBytes) +
                                " of a-z, 0-9, '-' and '_', not starting with '-' or '_'");
    for (const TomlNode& child : node.children) Setting(child);
    for (std::string_view needed : {"when", "window"})
      if (Said(node, needed) == nullptr)
        Complain(node.key_at, "rule " + Quoted(node.key) + " has no " + Quoted(needed));
    if (Said(node, "keep_firing_for") == nullptr) rule_.keep = rule_.window;
    CheckLasting(node);
    CheckCanvases(node);
    if (errors_->size() == before && !rule_.may_hit_everything && HitsEverything(rule_))
      Complain(Said(node, "when")->key_at,
               "rule " + Quoted(node.key) +
                   " would hit every canvas that is used at all; say hits_everything = true if "
                   "that is meant");
    return std::move(rule_);
  }

 private:
  void Complain(Place place, std::string message) {
    errors_->push_back({place.line, place.column, std::move(message), file_.path});
  }

  // It is no such thing.
  void WrongType(const TomlNode& node, std::string_view wanted) {
    Complain(node.at, Quoted(node.key) + " takes " + std::string(wanted) + ", not " +
                          std::string(node.KindName()));
  }

  static const TomlNode* Said(const TomlNode& node, std::string_view key) {
    auto found = std::find_if(node.children.begin(), node.children.end(),
                              [&](const TomlNode& child) { return child.key == key; });
    return found == node.children.end() ? nullptr : &*found;
  }

  void Setting(const TomlNode& node) {
    if (node.key == "about") return About(node);
    if (node.key == "when") return When(node);
    if (node.key == "window") return Duration(node, kWindowMin, kWindowMax, &rule_.window);
    if (node.key == "for") return Duration(node, Seconds(0), kHeldMax, &rule_.held);
    if (node.key == "keep_firing_for") return Duration(node, Seconds(0), kHeldMax, &rule_.keep);
    if (node.key == "clear_at") return ClearAt(node);
    if (node.key == "actions") return Actions(node);
    if (node.key == "lasting") return Lasting(node);
    if (node.key == "only") return Canvases(node, &rule_.only);
    if (node.key == "except") return Canvases(node, &rule_.except);
    if (node.key == "hits_everything") {
      if (node.kind != Kind::kBool) return WrongType(node, "true or false, without quotes");
      rule_.may_hit_everything = node.flag;
      return;
    }
    Complain(node.key_at, "unknown key " + Quoted(node.key) + policy::Suggestion(node.key, kKeys));
  }

  void About(const TomlNode& node) {
    if (node.kind != Kind::kString) return WrongType(node, "a sentence in quotes");
    if (node.text.size() > kAboutBytes)
      return Complain(node.at, "`about` is at most " + std::to_string(kAboutBytes) + " bytes long");
    if (std::any_of(node.text.begin(), node.text.end(),
                    [](unsigned char c) { return c < ' ' || c == 0x7f; }))
      return Complain(node.at, "`about` is one line, without control characters");
    rule_.about = node.text;
  }

  void Duration(const TomlNode& node, Seconds least, Seconds most, Seconds* duration) {
    if (node.kind != Kind::kString) return WrongType(node, "a duration in quotes, such as \"10m\"");
    auto read = policy::ParseDuration(node.text);
    if (!read) return Complain(node.at, Quoted(node.key) + ": " + read.error());
    const auto seconds = std::chrono::duration_cast<Seconds>(*read);
    if (*read < least || *read > most)
      return Complain(node.at, Quoted(node.key) + " is at least " + Format(least) +
                                   " and at most " + Format(most));
    if (seconds != *read)
      return Complain(node.at, Quoted(node.key) + " is a whole number of seconds");
    *duration = seconds;
  }

  void ClearAt(const TomlNode& node) {
    if (node.kind != Kind::kNumber && node.kind != Kind::kInteger)
      return WrongType(node, "a number, such as 0.8");
    // Written so that a NaN is refused.
    if (!(node.number > 0 && node.number <= 1))
      return Complain(node.at, "`clear_at` is above 0 and at most 1");
    rule_.clear_at = node.number;
  }

  void Lasting(const TomlNode& node) {
    if (node.kind == Kind::kString && node.text == kUntilLifted) {
      rule_.lasting = Seconds(0);
      return;
    }
    if (node.kind != Kind::kString)
      return WrongType(node, "a duration in quotes, such as \"1h\", or \"until lifted\"");
    Duration(node, kLastingMin, kLastingMax, &rule_.lasting);
  }

  // Whether it is an array of strings, from one to `most` of them.
  bool IsList(const TomlNode& node, std::string_view wanted, size_t least, size_t most) {
    if (node.kind != Kind::kArray) {
      WrongType(node, wanted);
      return false;
    }
    if (node.children.size() < least || node.children.size() > most) {
      Complain(node.at, Quoted(node.key) + " has " +
                            (least > 0 ? "at least " + std::to_string(least) + " and " : "") +
                            "at most " + std::to_string(most) + " elements");
      return false;
    }
    for (const TomlNode& child : node.children) {
      if (child.kind == Kind::kString) continue;
      Complain(child.at, Quoted(node.key) + " takes " + std::string(wanted) + "; this is " +
                             std::string(child.KindName()));
      return false;
    }
    return true;
  }

  void When(const TomlNode& node) {
    if (!IsList(node, "conditions in brackets, as in [\"kills >= 20\"]", 1, kConditions)) return;
    for (const TomlNode& child : node.children) {
      auto condition = ParseCondition(child.text);
      if (!condition) {
        Complain(child.at, condition.error());
        continue;
      }
      for (const Condition& other : rule_.when)
        if (SaysTheSame(other, *condition))
          Complain(child.at, Quoted(condition->text) + " stands beside " + Quoted(other.text) +
                                 ", and only one of them can matter");
      rule_.when.push_back(std::move(*condition));
    }
  }

  void Actions(const TomlNode& node) {
    if (!IsList(node, "actions in brackets, as in [\"keep evidence\"]", 0, kActions)) return;
    for (const TomlNode& child : node.children) {
      auto action = ParseAction(child.text);
      if (!action)
        Complain(child.at, action.error());
      else if (*action)
        Add(child.at, **action);
    }
  }

  void Add(Place place, const Action& action) {
    auto holds_back = [](ActionKind kind) {
      return kind == ActionKind::kPause || kind == ActionKind::kSuspend;
    };
    for (const Action& other : rule_.actions) {
      const bool same = other.kind == action.kind && other.kind != ActionKind::kTighten;
      if (same || (!action.limit.empty() && other.limit == action.limit))
        return Complain(place, Quoted(action.text) + " stands beside " + Quoted(other.text) +
                                   ", and only one of them can matter");
      if (holds_back(other.kind) && holds_back(action.kind))
        return Complain(place, "a canvas is paused or suspended, not both");
    }
    rule_.actions.push_back(action);
  }

  void CheckLasting(const TomlNode& node) {
    const TomlNode* lasting = Said(node, "lasting");
    const bool any = std::any_of(rule_.actions.begin(), rule_.actions.end(),
                                 [](const Action& action) { return MakesControl(action.kind); });
    if (lasting == nullptr && any) rule_.lasting = kLasting;
    if (lasting == nullptr || any) return;
    // Where the actions have a mistake, that is what to put right.
    const TomlNode* actions = Said(node, "actions");
    if (actions != nullptr && ComplainedOf(*actions)) return;
    Complain(lasting->key_at,
             "`lasting` is for what holds a canvas back, and no action of this rule does");
  }

  bool ComplainedOf(const TomlNode& list) const {
    return std::any_of(errors_->begin(), errors_->end(), [&](const policy::PolicyError& error) {
      auto is_at = [&](Place place) {
        return error.file == file_.path && error.line == place.line && error.column == place.column;
      };
      return is_at(list.at) || std::any_of(list.children.begin(), list.children.end(),
                                           [&](const TomlNode& child) { return is_at(child.at); });
    });
  }

  void Canvases(const TomlNode& node, std::vector<std::string>* canvases) {
    if (!IsList(node, "names of canvases in brackets, as in [\"demo\"]", 1, kCanvasesNamed)) return;
    for (const TomlNode& child : node.children) {
      if (!IsCanvasName(child.text))
        Complain(child.at, policy::NoCanvasName(child.text));
      else if (std::count(canvases->begin(), canvases->end(), child.text) > 0)
        Complain(child.at, Quoted(child.text) + " stands in " + Quoted(node.key) + " twice");
      else
        canvases->push_back(child.text);
    }
  }

  void CheckCanvases(const TomlNode& node) {
    const TomlNode* except = Said(node, "except");
    if (except == nullptr || Said(node, "only") == nullptr) return;
    Complain(except->key_at,
             "`except` stands beside `only`, which says already whom the rule is about");
  }

  const policy::PolicyFile& file_;
  std::vector<policy::PolicyError>* errors_;
  Rule rule_;
};

}  // namespace

Rule ReadRule(const TomlNode& node, const policy::PolicyFile& file,
              std::vector<policy::PolicyError>* errors) {
  return Reader(file, errors).Read(node);
}

}  // namespace nightjar::rules
