#include "policies/policy_builder.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "ipc/core/ids.h"
#include "policies/policy_errors.h"

namespace nightjar::policy {
namespace {

enum class Section { kDefault, kPlan, kCanvas, kHandler };

std::string UnknownSection(std::string_view typed, std::span<const std::string_view> sections) {
  std::string hint = Suggestion(typed, sections);
  if (hint.empty()) hint = "; there are [default], [plan.NAME] and [canvas.NAME]";
  return "unknown section " + Quoted(typed) + hint;
}

class Builder {
 public:
  explicit Builder(std::vector<PolicyError>* errors) : errors_(errors) {}

  PolicyLayers Build(const TomlNode& file) {
    for (const TomlNode& section : file.children) Top(section);
    CheckPlans();
    return std::move(layers_);
  }

 private:
  void Complain(Place place, std::string message) {
    errors_->push_back({place.line, place.column, std::move(message)});
  }

  bool IsTable(const TomlNode& node) {
    if (node.kind == TomlNode::Kind::kTable) return true;
    Complain(node.at, Quoted(node.key) + " is a section, not " + std::string(node.KindName()));
    return false;
  }

  void Top(const TomlNode& node) {
    static constexpr std::array<std::string_view, 3> kSections = {"default", "plan", "canvas"};
    if (FindLimitKey(node.key) != nullptr)
      return Complain(node.key_at,
                      Quoted(node.key) + " stands outside of a section; write it below [default]");
    if (node.key != kSections[0] && node.key != kSections[1] && node.key != kSections[2])
      return Complain(node.key_at, UnknownSection(node.key, kSections));
    if (!IsTable(node)) return;
    if (node.key == "default") {
      layers_.defaults = Settings(node, Section::kDefault);
      return;
    }
    for (const TomlNode& named : node.children) {
      if (named.kind != TomlNode::Kind::kTable) {
        Complain(named.key_at, Quoted(named.key) + " stands in [" + node.key +
                                   "], which only holds " + "sections: write it below [" +
                                   node.key + ".NAME]");
      } else if (node.key == "plan") {
        layers_.plans[named.key] = Settings(named, Section::kPlan);
      } else {
        Canvas(named);
      }
    }
  }

  void Canvas(const TomlNode& node) {
    if (!IsCanvasName(node.key))
      return Complain(node.key_at, Quoted(node.key) +
                                       " is no canvas name: 1 to 63 of a-z, 0-9, '-' and '_', not "
                                       "starting with '-' or '_'");
    CanvasLayers& canvas = layers_.canvases[node.key];
    canvas.own = Settings(node, Section::kCanvas);
    for (const TomlNode& child : node.children) {
      if (child.key == "plan") Plan(child, canvas);
      if (child.key == "domains") Domains(child, node.key);
      if (child.key != "handler" || !IsTable(child)) continue;
      for (const TomlNode& handler : child.children) {
        if (handler.kind == TomlNode::Kind::kTable)
          canvas.handlers[handler.key] = Settings(handler, Section::kHandler);
        else
          Complain(handler.key_at, Quoted(handler.key) +
                                       " stands outside of a handler; write it below [canvas." +
                                       node.key + ".handler.\"GET /x\"]");
      }
    }
  }

  void Plan(const TomlNode& node, CanvasLayers& canvas) {
    if (node.kind != TomlNode::Kind::kString)
      return Complain(node.at, "`plan` takes the name of a plan in quotes, not " +
                                   std::string(node.KindName()));
    canvas.plan = node.text;
    plans_used_.emplace_back(node.at, node.text);
  }

  // "shop.example.com www.shop.example.com": those that are no one else's.
  void Domains(const TomlNode& node, const std::string& canvas) {
    if (node.kind != TomlNode::Kind::kString)
      return Complain(node.at, "`domains` takes host names in quotes, separated by spaces, not " +
                                   std::string(node.KindName()));
    std::istringstream names(node.text);
    for (std::string name; names >> name;) {
      if (!IsDomain(name))
        return Complain(node.at, Quoted(name) +
                                     " is no host name: labels of a-z, 0-9 and '-' with "
                                     "dots between them");
      auto [at, is_new] = layers_.domains.emplace(name, canvas);
      if (!is_new && at->second != canvas)
        return Complain(node.at, Quoted(name) + " is [canvas." + at->second + "]'s already");
    }
  }

  static bool IsDomain(std::string_view name) {
    return name.size() <= 253 && name.find('.') != std::string_view::npos &&
           std::all_of(name.begin(), name.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
  }

  // Plans may stand below the canvases that use them, so they are looked up last.
  void CheckPlans() {
    std::vector<std::string_view> names;
    for (const auto& [name, layer] : layers_.plans) names.push_back(name);
    for (const auto& [place, name] : plans_used_)
      if (!layers_.plans.contains(name))
        Complain(place, "unknown plan " + Quoted(name) + Suggestion(name, names));
  }

  Layer Settings(const TomlNode& table, Section section) {
    Layer layer;
    for (const TomlNode& node : table.children) {
      if (section == Section::kCanvas &&
          (node.key == "plan" || node.key == "handler" || node.key == "domains"))
        continue;
      const LimitKey* key = FindLimitKey(node.key);
      if (key == nullptr) {
        Complain(node.key_at, UnknownKey(node.key, section));
      } else if (section == Section::kHandler && key->scope == LimitScope::kCanvas) {
        Complain(node.key_at,
                 Quoted(node.key) + " is a limit of a whole canvas; a handler cannot have its own");
      } else if (auto value = ReadLimit(*key, node); !value) {
        Complain(node.at, value.error());
      } else {
        layer.push_back({key, *value, node.key_at.line, node.key_at.column});
      }
    }
    return layer;
  }

  static std::string UnknownKey(const std::string& typed, Section section) {
    if (typed == "plan") return "`plan` stands in [canvas.NAME] only";
    if (typed == "domains") return "`domains` stands in [canvas.NAME] only";
    if (typed == "handler") return "handlers stand in [canvas.NAME.handler.\"GET /x\"] only";
    std::vector<std::string_view> words;
    for (const LimitKey& key : LimitKeys()) words.push_back(key.name);
    if (section == Section::kCanvas) words.insert(words.end(), {"plan", "handler", "domains"});
    return "unknown key " + Quoted(typed) + Suggestion(typed, words);
  }

  std::vector<PolicyError>* errors_;
  PolicyLayers layers_;
  std::vector<std::pair<Place, std::string>> plans_used_;
};

}  // namespace

PolicyLayers BuildLayers(const TomlNode& file, std::vector<PolicyError>* errors) {
  return Builder(errors).Build(file);
}

}  // namespace nightjar::policy
