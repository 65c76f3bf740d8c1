// Rows of text in columns, as `ps` prints them. Pure; cells are made printable here.
#pragma once

#include <string>
#include <vector>

#include "supervisor/cli/paint.h"

namespace nightjar::cli {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
    size_t columns_max = 64;  // what is longer is cut
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns.
  void AddRow(std::vector<std::string> cells);
  size_t rows() const { return rows_.size(); }
  // Titles first (none when all are empty), two spaces between columns, no space at the ends of
  // lines.
  std::string Render(const Paint& paint, std::string_view indent = "") const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace nightjar::cli
