// Values and names as the notation of canvases writes them, so that they are read back as they
// were. Pure; the printer of canvases uses it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/proto/program.pb.h"

namespace nightjar::lang {

std::string StringLiteral(std::string_view content);
std::string CharacterLiteral(std::string_view content);
std::string FloatLiteral(double value);
// A text of several lines as """...""", where that says the same and no line of it could be taken
// for a header; else "".
std::string LinesLiteral(std::string_view content);

// Of a variable, a parameter, a let, or in a pattern: in backticks where it is no plain word; "" is
// a name that is not there yet.
std::string NameText(const std::string& name);
// Of a field after a dot or in a record, where more words are names.
std::string FieldText(const std::string& name);
std::string RecordFieldText(const std::string& name);
// Of a constructor in an expression or a pattern.
std::string ConstructorText(const std::string& name);

// "Dict.get_v2_ster", "Date.(<)", "(+)", "fizzbuzz". Functions of modules say their version always.
std::string FunctionText(const proto::FnCall& call);

}  // namespace nightjar::lang
