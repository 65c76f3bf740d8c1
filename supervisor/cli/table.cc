#include "supervisor/cli/table.h"

#include <algorithm>

#include "ipc/core/check.h"
#include "supervisor/cli/printable.h"

namespace nightjar::cli {

void Table::AddRow(std::vector<std::string> cells) {
  CHECK(cells.size() == columns_.size());
  for (size_t i = 0; i < cells.size(); ++i)
    cells[i] = CutTo(Printable(cells[i]), columns_[i].columns_max);
  rows_.push_back(std::move(cells));
}

std::string Table::Render(const Paint& paint, std::string_view indent) const {
  std::vector<std::string> titles;
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    widths.push_back(ColumnsOf(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], ColumnsOf(row[i]));
  }
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text(indent);
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string padding(widths[i] - ColumnsOf(cells[i]), ' ');
      bool right = columns_[i].align == Align::kRight;
      if (i > 0 && widths[i] > 0) text += "  ";
      text += right ? padding + cells[i] : cells[i] + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  std::string text;
  bool titled = std::any_of(titles.begin(), titles.end(), [](const auto& t) { return !t.empty(); });
  if (titled) text += paint.Dim(line(titles)) + "\n";
  for (const auto& row : rows_) text += line(row) + "\n";
  return text;
}

}  // namespace nightjar::cli
