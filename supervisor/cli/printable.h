// Text of strangers on an operator's terminal: made harmless before it is written. Pure.
//
// Names, messages and values come from the authors of canvases and from their callers; an escape
// sequence or a change of writing direction in one of them could hide or forge what the operator
// reads. Everything that is rendered goes through here, once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nightjar::cli {

// Control characters, bidirectional controls and bytes that are not UTF-8 become "\n", "\u{202e}",
// "\xff".
std::string Printable(std::string_view text);
// The same, but line ends and tabs stay: for bodies that a person wants to read as they are.
std::string PrintableText(std::string_view text);

// Columns on a terminal: one a code point, which is right for all but wide and combining
// characters.
size_t ColumnsOf(std::string_view text);
// At most `columns` wide; what is cut ends in "...".
std::string CutTo(std::string_view text, size_t columns);

}  // namespace nightjar::cli
