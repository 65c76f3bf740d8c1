#include "policies/policy_schema.h"

#include <nlohmann/json.hpp>

#include "ipc/core/bounds.h"
#include "policies/limit_table.h"
#include "policies/urgent.h"

namespace nightjar::policy {
namespace {

using Json = nlohmann::ordered_json;

// As policies/units reads quantities.
constexpr const char* kDuration = R"(^[0-9]+(\.[0-9]+)? *(us|ms|s|m|h)$)";
constexpr const char* kSize = R"(^[0-9]+(\.[0-9]+)? *(B|KiB|MiB|GiB|TiB)$)";
constexpr const char* kRate = R"(^[0-9]+(\.[0-9]+)? */(s|m|h)$)";
constexpr const char* kCanvasName = "^[a-z0-9][a-z0-9_-]{0,62}$";

Json Quantity(const char* pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

Json Number(const LimitKey& key, const char* type) {
  Json number{{"type", type}};
  // A whole number is to be shown as one.
  if (key.kind == LimitKind::kCpus) {
    number["minimum"] = key.min;
    number["maximum"] = key.max;
  } else {
    number["minimum"] = static_cast<uint64_t>(key.min);
    number["maximum"] = static_cast<uint64_t>(key.max);
  }
  return number;
}

Json OrNone(Json value) {
  return {{"anyOf", Json::array({std::move(value), {{"const", "none"}}})}};
}

Json NamesOf(const LimitKey& key) {
  Json name{{"type", "string"}, {"minLength", 1}, {"maxLength", bounds::kRedactionNameBytes}};
  if (key.name == "urgent") name = {{"enum", UrgentNames()}};
  return {{"type", "array"}, {"items", name}, {"maxItems", static_cast<uint64_t>(key.max)}};
}

Json ValueOf(const LimitKey& key) {
  switch (key.kind) {
    case LimitKind::kDuration:
      return Quantity(kDuration);
    case LimitKind::kMaybeDuration:
      return OrNone(Quantity(kDuration));
    case LimitKind::kSize:
      return Quantity(kSize);
    case LimitKind::kMaybeSize:
      return OrNone(Quantity(kSize));
    case LimitKind::kCount:
      return Number(key, "integer");
    case LimitKind::kMaybe:
      return OrNone(Number(key, "integer"));
    case LimitKind::kCpus:
      return OrNone(Number(key, "number"));
    case LimitKind::kRate:
      return OrNone(Quantity(kRate));
    case LimitKind::kSwitch:
      return {{"type", "boolean"}};
    case LimitKind::kOverflow:
      return {{"enum", {"drop", "kill"}}};
    case LimitKind::kNames:
      return NamesOf(key);
    case LimitKind::kSample:
      return {{"type", "string"}, {"pattern", "^(all|none|1/[1-9][0-9]{0,6})$"}};
  }
  return {};
}

// A section, with a key for every limit that may stand in it.
Json Section(LimitScope widest) {
  Json section{{"type", "object"}, {"additionalProperties", false}};
  for (const LimitKey& key : LimitKeys()) {
    if (widest == LimitScope::kRun && key.scope != LimitScope::kRun) continue;
    Json value = ValueOf(key);
    value["description"] = std::string(key.doc);
    value["default"] = key.TextIn(Limits()).value;
    section["properties"][std::string(key.name)] = std::move(value);
  }
  return section;
}

Json CanvasSection() {
  Json section = Section(LimitScope::kCanvas);
  Json& keys = section["properties"];
  keys["plan"] = {{"type", "string"}, {"description", "name of the plan that it has"}};
  keys["domains"] = {{"type", "string"},
                     {"description", "host names of its own, separated by spaces"}};
  keys["handler"] = {{"type", "object"},
                     {"description", "limits of single handlers, by their names"},
                     {"additionalProperties", {{"$ref", "#/definitions/handler"}}}};
  return section;
}

}  // namespace

std::string PolicySchema() {
  Json schema;
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  schema["title"] = "A policy of Nightjar";
  schema["type"] = "object";
  schema["additionalProperties"] = false;
  schema["definitions"]["limits"] = Section(LimitScope::kCanvas);
  schema["definitions"]["canvas"] = CanvasSection();
  schema["definitions"]["handler"] = Section(LimitScope::kRun);
  Json& sections = schema["properties"];
  sections["default"] = {{"$ref", "#/definitions/limits"}};
  sections["plan"] = {{"type", "object"},
                      {"additionalProperties", {{"$ref", "#/definitions/limits"}}}};
  sections["canvas"] = {{"type", "object"},
                        {"propertyNames", {{"pattern", kCanvasName}}},
                        {"additionalProperties", {{"$ref", "#/definitions/canvas"}}}};
  return schema.dump(2) + "\n";
}

}  // namespace nightjar::policy
