// What a package's function is called in a program: "Owner.Package.Module" and "f_v0" make
// "owner/package/Module::f_v0". Pure; any thread.
#pragma once

#include <string>

#include "ipc/core/ascii.h"

namespace nightjar::lang {

// "" for a module that is no package's.
inline std::string PackageName(const std::string& module, const std::string& versioned) {
  size_t owner = module.find('.');
  size_t package = owner == std::string::npos ? owner : module.find('.', owner + 1);
  if (package == std::string::npos) return "";
  return ToLowerAscii(module.substr(0, owner) + "/" +
                      module.substr(owner + 1, package - owner - 1)) +
         "/" + module.substr(package + 1) + "::" + versioned;
}

}  // namespace nightjar::lang
