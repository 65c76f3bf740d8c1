#include "conformance/same_response.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace nightjar::conformance {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Headers of the installation: the suite's are Dark's own, Nightjar names its traces.
bool OfInstallation(const std::string& name, const std::string& value) {
  return name == "date" || name == "x-darklang-execution-id" || name == "x-nightjar-trace" ||
         name == "strict-transport-security" || (name == "server" && value == "darklang");
}

Headers OfCanvas(const RawResponse& response) {
  Headers headers;
  for (const auto& header : response.headers)
    if (!OfInstallation(header.first, header.second)) headers.push_back(header);
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string Value(const RawResponse& response, std::string_view name) {
  for (const auto& [own, value] : response.headers)
    if (own == name) return value;
  return "";
}

// "HTTP/1.1 413": the words behind it have changed with the RFCs.
std::string_view StatusOf(const RawResponse& response) {
  return std::string_view(response.status_line).substr(0, 12);
}

bool SameBody(const std::string& actual, const std::string& expected) {
  if (actual == expected) return true;
  auto left = nlohmann::json::parse(actual, nullptr, false);
  auto right = nlohmann::json::parse(expected, nullptr, false);
  return !left.is_discarded() && !right.is_discarded() && left == right;
}

}  // namespace

bool SameResponse(const RawResponse& actual, const RawResponse& expected) {
  if (StatusOf(actual) != StatusOf(expected)) return false;
  bool refusal = Value(expected, "connection") == "close" && expected.body.empty();
  if (refusal) return Value(actual, "connection") == "close";
  if (Value(actual, "date").empty()) return false;
  Headers wanted = OfCanvas(expected);
  for (auto& [name, value] : wanted)
    if (name == "content-length" && (value == "LENGTH" || expected.body_names_host))
      value = Value(actual, name);
  return OfCanvas(actual) == wanted && SameBody(actual.body, expected.body);
}

std::string TextOf(const RawResponse& response) {
  std::string text = response.status_line + "\n";
  for (const auto& [name, value] : OfCanvas(response)) text += name + ": " + value + "\n";
  return text + "\n" + response.body;
}

}  // namespace nightjar::conformance
