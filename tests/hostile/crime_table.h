// The table of the program `crime`, as whoever commits crimes reads it. Values only.
#pragma once

#include <string>
#include <vector>

namespace nightjar::hostile {

struct CrimeRow {
  std::string name;
  std::string kind;
  std::vector<std::string> expected;  // verdicts, each of which is right
  std::string says;                   // crimes/crime.h
};

// Of its output without arguments: a line for each crime.
std::vector<CrimeRow> ParseCrimeTable(const std::string& table);

std::vector<std::string> Split(const std::string& text, char at);

}  // namespace nightjar::hostile
