// What stands in the headers of datastores and record types: a name, and names and types of fields.
// Reader and printer are inverse: what is printed reads as what was printed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/lang/lexer.h"

namespace nightjar::lang {

struct ShapeField {
  std::string name;
  std::string type;  // as it is written: "Int", "[Str]"
};
struct Shape {
  std::string name;
  std::vector<ShapeField> fields;
};

// `text` is what follows the kind: `People { "name" : "Str", age: Int }`. None: *error says why,
// and where in the text.
std::optional<Shape> ReadShape(std::string_view text, LexError* error);
// `People { name: Str, age: Int }`
std::string ShapeText(const Shape& shape);

}  // namespace nightjar::lang
