#include "policies/policy.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "policies/contradictions.h"
#include "policies/policy_builder.h"
#include "policies/policy_errors.h"
#include "policies/policy_version.h"
#include "policies/toml_reader.h"

namespace nightjar::policy {
namespace {

class LayeredPolicy final : public Policy {
 public:
  explicit LayeredPolicy(PolicyLayers layers) : layers_(std::move(layers)) {}

  // Settings are applied at each question: a file with 100,000 canvases then costs its settings,
  // not 100,000 sets of limits.
  Limits For(std::string_view canvas, std::string_view handler) const override {
    Limits limits = Merged(LayersOf(layers_, canvas, handler));
    limits.policy = layers_.version;
    return limits;
  }

  bool LetsProgramsRun() const override {
    return AnySets([](const Setting& setting) {
      return setting.key->name == "exec" && std::get<bool>(setting.value);
    });
  }

  bool LimitsDiskReads() const override {
    return AnySets([](const Setting& setting) {
      return setting.key->name == "canvas_disk_read" && std::get<uint64_t>(setting.value) != 0;
    });
  }

  std::string CanvasOfDomain(std::string_view domain) const override {
    auto found = layers_.domains.find(domain);
    return found == layers_.domains.end() ? "" : found->second;
  }

  const PolicyLayers& layers() const override { return layers_; }

 private:
  template <typename Wanted>
  bool AnySets(Wanted wanted) const {
    bool any = false;
    EachLayer(layers_, [&](const Layer& layer) {
      any = any || std::any_of(layer.begin(), layer.end(), wanted);
    });
    return any;
  }

  PolicyLayers layers_;
};

}  // namespace

std::shared_ptr<const Policy> Policy::BuiltIn() {
  return std::make_shared<LayeredPolicy>(PolicyLayers{});
}

std::shared_ptr<const Policy> Policy::Parse(std::span<const PolicyFile> files,
                                            std::vector<PolicyError>* errors) {
  std::vector<PolicyError> found;
  PolicyBuilder builder(&found);
  const std::vector<TomlNode> trees =
      ReadTomlFiles(files,
                    "a policy is at most " + std::to_string(bounds::kPolicyBytes) +
                        " bytes, all its files together",
                    &found);
  const bool readable = found.empty();
  for (size_t i = 0; i < trees.size(); ++i) builder.Add(files[i], trees[i]);
  PolicyLayers layers;
  // What stands in a file that cannot be read is missing everywhere else, which says nothing.
  if (readable) layers = builder.Finish();
  if (found.empty()) FindContradictions(&layers, &found);
  layers.version = VersionOf(files);
  if (found.empty()) return std::make_shared<LayeredPolicy>(std::move(layers));
  SortAndCut(&found);
  errors->insert(errors->end(), found.begin(), found.end());
  return nullptr;
}

std::shared_ptr<const Policy> Policy::Parse(std::string_view text, std::string_view file_name,
                                            std::vector<PolicyError>* errors) {
  PolicyFile file{std::string(file_name), "", std::string(text)};
  return Parse(std::span(&file, 1), errors);
}

}  // namespace nightjar::policy
