// The library's table as JSON, for `nightjar functions` and for documents: name, version,
// parameters, result, purity, and what is deprecated.
#pragma once

#include <string>

namespace nightjar::lang {

// {"functions": [{"module": "Dict", "name": "get", "version": 2, "parameters": [{"name": "dict",
// "type": "Dict"}], "returns": "Option", "purity": "pure", "deprecated": ""}]}, in the order of
// module, name and version.
std::string FunctionsAsJson();

}  // namespace nightjar::lang
