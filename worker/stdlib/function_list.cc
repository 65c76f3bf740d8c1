#include "worker/stdlib/function_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

const char* PurityName(Purity purity) {
  switch (purity) {
    case Purity::kPure:
      return "pure";
    case Purity::kCalls:
      return "calls";  // as pure as what it is given
    case Purity::kImpure:
      return "impure";
  }
  return "";
}

}  // namespace

std::string FunctionsAsJson() {
  std::vector<const Builtin*> rows;
  for (const Builtin& row : DarkLibrary().All()) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const Builtin* a, const Builtin* b) {
    return std::tie(a->module, a->name, a->version) < std::tie(b->module, b->name, b->version);
  });
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Builtin* row : rows) {
    nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
    for (const Param& param : row->params)
      parameters.push_back({{"name", param.name}, {"type", param.type.text}});
    list.push_back({{"module", row->module},
                    {"name", row->name},
                    {"version", row->version},
                    {"parameters", std::move(parameters)},
                    {"returns", row->returns.text},
                    {"purity", PurityName(row->purity)},
                    {"deprecated", row->deprecated}});
  }
  nlohmann::ordered_json all;
  all["functions"] = std::move(list);
  return all.dump(2) + "\n";
}

}  // namespace nightjar::lang
