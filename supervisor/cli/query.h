// The query of a question to the supervisor, as its address has it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/cli/client.h"

namespace nightjar::cli {

// "?a=1&b=2" of what is not empty.
class Query {
 public:
  Query& With(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += text_.empty() ? "?" : "&";
    text_ += std::string(name) + "=" + EncodePart(value);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace nightjar::cli
