#include "policies/toml_reader.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

#include "ipc/core/bounds.h"
#include "policies/toml_messages.h"

namespace nightjar::policy {
namespace {

// [canvas.NAME.handler."GET /x"] is four tables deep, its values one more.
constexpr int kDeepest = 6;

Place PlaceOf(const toml::source_position& position) {
  return {position.line, position.column};
}

TomlNode ConvertTable(const toml::table& table, int depth);
TomlNode ConvertArray(const toml::array& array, int depth);

TomlNode Convert(const toml::node& node, int depth) {
  using Kind = TomlNode::Kind;
  TomlNode out;
  if (const auto* table = node.as_table()) {
    out = ConvertTable(*table, depth);
  } else if (const auto* array = node.as_array()) {
    out = ConvertArray(*array, depth);
  } else if (const auto* text = node.as_string()) {
    out.kind = Kind::kString;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = Kind::kInteger;
    out.integer = integer->get();
    out.number = static_cast<double>(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    out.kind = Kind::kNumber;
    out.number = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    out.kind = Kind::kBool;
    out.flag = flag->get();
  } else {
    out.kind = Kind::kOther;
  }
  out.at = PlaceOf(node.source().begin);
  return out;
}

TomlNode ConvertTable(const toml::table& table, int depth) {
  TomlNode out;
  if (depth >= kDeepest) return out;
  for (const auto& [key, value] : table) {
    TomlNode child = Convert(value, depth + 1);
    child.key = key.str();
    child.key_at = PlaceOf(key.source().begin);
    out.children.push_back(std::move(child));
  }
  std::stable_sort(
      out.children.begin(), out.children.end(), [](const TomlNode& a, const TomlNode& b) {
        return std::tie(a.key_at.line, a.key_at.column) < std::tie(b.key_at.line, b.key_at.column);
      });
  return out;
}

TomlNode ConvertArray(const toml::array& array, int depth) {
  TomlNode out;
  out.kind = TomlNode::Kind::kArray;
  if (depth >= kDeepest) return out;
  for (const toml::node& element : array) out.children.push_back(Convert(element, depth + 1));
  return out;
}

}  // namespace

std::string_view TomlNode::KindName() const {
  switch (kind) {
    case Kind::kTable:
      return "a table";
    case Kind::kArray:
      return "an array";
    case Kind::kString:
      return "a string";
    case Kind::kInteger:
      return "an integer";
    case Kind::kNumber:
      return "a number with a fraction";
    case Kind::kBool:
      return "true or false";
    case Kind::kOther:
      return "a date or a time";
  }
  return "";
}

TomlNode ReadToml(std::string_view text, std::vector<PolicyError>* errors) {
  toml::parse_result parsed = toml::parse(text);
  if (parsed) return ConvertTable(parsed.table(), 0);
  Place place = PlaceOf(parsed.error().source().begin);
  errors->push_back(TomlComplaint(text, place, parsed.error().description()));
  return {};
}

std::vector<TomlNode> ReadTomlFiles(std::span<const PolicyFile> files, const std::string& too_large,
                                    std::vector<PolicyError>* errors) {
  size_t bytes = 0;
  for (const PolicyFile& file : files) bytes += file.text.size();
  if (bytes > bounds::kPolicyBytes) {
    errors->push_back({1, 1, too_large, files[0].path});
    return {};
  }
  std::vector<TomlNode> trees;
  for (const PolicyFile& file : files) {
    const size_t before = errors->size();
    trees.push_back(ReadToml(file.text, errors));
    for (size_t i = before; i < errors->size(); ++i) (*errors)[i].file = file.path;
  }
  return trees;
}

}  // namespace nightjar::policy
