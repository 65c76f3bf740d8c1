// "toInt_v1_ster" is the function toInt in version 1, sent to the rail. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace nightjar::lang {

struct FunctionName {
  std::string name;
  uint32_t version = 0;
  bool rail = false;
};

FunctionName SplitFunctionName(std::string text);

}  // namespace nightjar::lang
