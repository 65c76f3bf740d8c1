// Text that does not know its line breaks yet: a tree of pieces that a width turns into lines,
// after Wadler's "A prettier printer". What belongs together stands on one line where it fits.
//
// The printer of canvases builds it. Pure; the work is linear in the pieces times the width.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nightjar::lang {

struct LayoutPiece;
using Layout = std::shared_ptr<const LayoutPiece>;
using Layouts = std::vector<Layout>;

enum class EmptyLine { kNo, kYes };  // before what follows, where a line ends

Layout Text(std::string text);
// Different where its group stands on one line and where it does not; no line ends here.
Layout Either(std::string flat, std::string broken);
// Text with line breaks of its own, which keep what follows them at the column where it is.
Layout Verbatim(std::string text);
// `flat` within a line; else the line ends here.
Layout Line(std::string flat, EmptyLine empty = EmptyLine::kNo);
Layout HardLine(EmptyLine empty = EmptyLine::kNo);
// Put at the end of the line that comes out here; what it is in is broken into lines.
Layout AtEndOfLine(std::string text);
Layout Join(Layouts parts);
// What is in it starts lines two columns right of where the lines around start.
Layout Indent(Layout part);
// What is in it starts lines at the column where it begins.
Layout Align(Layout part);
// On one line if it fits; else each Line of its own ends a line.
Layout Group(Layout part);
// The first of them that fits: the first all on one line, the others up to the end of their first
// line; the last always does.
Layout FirstThatFits(Layouts alternatives);
// `lines` if each of its lines fits, else `otherwise`.
Layout IfAllFit(Layout lines, Layout otherwise);

// Whether it goes over several lines however wide they are.
bool IsBroken(const Layout& layout);

std::string Render(const Layout& layout, size_t width);

}  // namespace nightjar::lang
