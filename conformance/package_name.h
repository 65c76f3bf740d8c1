// What a package's function is called in a program: "Test.Test.Test" and "f_v0" make
// "test/test/Test::f_v0". For a module that is no package's, a name that no function has.
#pragma once

#include <string>

namespace nightjar::conformance {

inline std::string PackageName(const std::string& module, const std::string& versioned) {
  std::string name = module;
  size_t last = name.rfind('.');
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '.') name[i] = '/';
    if (last != std::string::npos && i < last && name[i] >= 'A' && name[i] <= 'Z')
      name[i] = static_cast<char>(name[i] + 32);
  }
  return name + "::" + versioned;
}

}  // namespace nightjar::conformance
