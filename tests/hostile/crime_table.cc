#include "tests/hostile/crime_table.h"

#include <sstream>

namespace nightjar::hostile {

std::vector<std::string> Split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

std::vector<CrimeRow> ParseCrimeTable(const std::string& table) {
  std::vector<CrimeRow> crimes;
  for (const std::string& line : Split(table, '\n')) {
    std::vector<std::string> columns = Split(line, '\t');
    columns.resize(4);
    crimes.push_back({columns[0], columns[1], Split(columns[2], '|'), columns[3]});
  }
  return crimes;
}

}  // namespace nightjar::hostile
