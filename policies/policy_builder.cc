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

}  // namespace

class PolicyBuilder::Work {
 public:
  explicit Work(std::vector<PolicyError>* errors) : errors_(errors) {}

  void Add(const PolicyFile& file, const TomlNode& tree) {
    file_ = &file;
    for (const TomlNode& section : tree.children) Top(section);
  }

  PolicyLayers Finish() {
    CheckPlans();
    return std::move(layers_);
  }

 private:
  void Complain(Place place, std::string message) {
    errors_->push_back({place.line, place.column, std::move(message), file_->path});
  }

  std::string At(Place place) const { return file_->name + ":" + std::to_string(place.line); }

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
      Settings(node, Section::kDefault, "default", &layers_.defaults);
      return;
    }
    for (const TomlNode& named : node.children) {
      if (named.kind != TomlNode::Kind::kTable) {
        Complain(named.key_at, Quoted(named.key) + " stands in [" + node.key +
                                   "], which only holds " + "sections: write it below [" +
                                   node.key + ".NAME]");
      } else if (node.key == "plan") {
        Settings(named, Section::kPlan, "plan " + named.key, &layers_.plans[named.key]);
      } else {
        Canvas(named);
      }
    }
  }

  void Canvas(const TomlNode& node) {
    if (!IsCanvasName(node.key)) return Complain(node.key_at, NoCanvasName(node.key));
    CanvasLayers& canvas = layers_.canvases[node.key];
    Settings(node, Section::kCanvas, "canvas " + node.key, &canvas.own);
    for (const TomlNode& child : node.children) {
      if (child.key == "plan") Plan(child, node.key, canvas);
      if (child.key == "domains") Domains(child, node.key);
      if (child.key != "handler" || !IsTable(child)) continue;
      for (const TomlNode& handler : child.children) {
        if (handler.kind == TomlNode::Kind::kTable)
          Settings(handler, Section::kHandler, "handler " + handler.key,
                   &canvas.handlers[handler.key]);
        else
          Complain(handler.key_at, Quoted(handler.key) +
                                       " stands outside of a handler; write it below [canvas." +
                                       node.key + ".handler.\"GET /x\"]");
      }
    }
  }

  void Plan(const TomlNode& node, const std::string& name, CanvasLayers& canvas) {
    if (node.kind != TomlNode::Kind::kString)
      return Complain(node.at, "`plan` takes the name of a plan in quotes, not " +
                                   std::string(node.KindName()));
    auto [at, is_new] =
        plans_used_.emplace(name, PlanUsed{node.at, node.text, {file_->name, file_->path}});
    if (!is_new)
      return Complain(node.key_at, "`plan` of [canvas." + name + "] stands in " +
                                       at->second.file.name + ":" +
                                       std::to_string(at->second.at.line) + " already");
    canvas.plan = node.text;
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
    for (const auto& [canvas, used] : plans_used_)
      if (!layers_.plans.contains(used.plan))
        errors_->push_back({used.at.line, used.at.column,
                            "unknown plan " + Quoted(used.plan) + Suggestion(used.plan, names),
                            used.file.path});
  }

  // `layer_name`: as origins have it.
  void Settings(const TomlNode& table, Section section, const std::string& layer_name,
                Layer* layer) {
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
        auto other = std::find_if(layer->begin(), layer->end(),
                                  [&](const Setting& setting) { return setting.key == key; });
        if (other != layer->end())
          Complain(node.key_at, Quoted(node.key) + " of " + layer_name + " stands in " +
                                    other->origin.source + " already");
        else
          layer->push_back({key,
                            *value,
                            {At(node.key_at), layer_name},
                            node.key_at.line,
                            node.key_at.column,
                            file_->path});
      }
    }
  }

  static std::string UnknownKey(const std::string& typed, Section section) {
    if (typed == "plan") return "`plan` stands in [canvas.NAME] only";
    if (typed == "domains") return "`domains` stands in [canvas.NAME] only";
    if (typed == "handler") return "handlers stand in [canvas.NAME.handler.\"GET /x\"] only";
    std::vector<std::string_view> words = LimitNames();
    if (section == Section::kCanvas) words.insert(words.end(), {"plan", "handler", "domains"});
    return "unknown key " + Quoted(typed) + Suggestion(typed, words);
  }

  struct PlanUsed {
    Place at;
    std::string plan;
    struct {
      std::string name;
      std::string path;
    } file;
  };

  std::vector<PolicyError>* errors_;
  const PolicyFile* file_ = nullptr;  // being added
  PolicyLayers layers_;
  std::map<std::string, PlanUsed> plans_used_;  // by the canvas
};

PolicyBuilder::PolicyBuilder(std::vector<PolicyError>* errors)
    : work_(std::make_unique<Work>(errors)) {}

PolicyBuilder::~PolicyBuilder() = default;

void PolicyBuilder::Add(const PolicyFile& file, const TomlNode& tree) {
  work_->Add(file, tree);
}

PolicyLayers PolicyBuilder::Finish() {
  return work_->Finish();
}

}  // namespace nightjar::policy
