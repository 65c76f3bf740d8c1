// Counts what became of the cases, and tells a person.
//
// A failure is three lines: the case, what was expected, what there was. The last line of the whole
// is "N passed, M failed, K skipped", and before it stands what skipped cases needed. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <ostream>
#include <string>

#include "conformance/case_result.h"

namespace nightjar::conformance {

struct Counts {
  size_t passed = 0;
  size_t failed = 0;
  std::map<std::string, size_t> skipped;  // by what they needed

  size_t skipped_in_all() const;
  void Add(const Counts& more);
};

class Report {
 public:
  explicit Report(std::ostream& out) : out_(out) {}

  void BeginFile(std::string path);
  // `title` is the case: "17: Int.add_v0 1 2 = 3".
  void Add(const std::string& title, const CaseResult& result);
  void EndFile();
  void Finish();

  const Counts& counts() const { return all_; }

 private:
  std::ostream& out_;
  std::string path_;
  Counts file_;
  Counts all_;
};

}  // namespace nightjar::conformance
