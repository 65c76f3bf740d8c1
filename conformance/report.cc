#include "conformance/report.h"

namespace nightjar::conformance {
namespace {

// So that a value of many lines stands together.
std::string Indented(const std::string& text) {
  std::string indented;
  for (char c : text) {
    indented += c;
    if (c == '\n') indented += "             ";
  }
  return indented.empty() ? "-" : indented;
}

}  // namespace

size_t Counts::skipped_in_all() const {
  size_t count = 0;
  for (const auto& [needs, cases] : skipped) count += cases;
  return count;
}

void Counts::Add(const Counts& more) {
  passed += more.passed;
  failed += more.failed;
  for (const auto& [needs, cases] : more.skipped) skipped[needs] += cases;
}

void Report::BeginFile(std::string path) {
  path_ = std::move(path);
  file_ = Counts();
}

void Report::Add(const std::string& title, const CaseResult& result) {
  switch (result.outcome) {
    case CaseResult::Outcome::kPassed:
      ++file_.passed;
      return;
    case CaseResult::Outcome::kSkipped:
      ++file_.skipped[result.needs];
      return;
    case CaseResult::Outcome::kFailed:
      break;
  }
  ++file_.failed;
  out_ << "FAILED " << path_ << ":" << Indented(title) << "\n"
       << "    expected " << Indented(result.expected) << "\n"
       << "    got      " << Indented(result.got) << "\n";
}

void Report::EndFile() {
  out_ << path_ << ": " << file_.passed << " passed, " << file_.failed << " failed, "
       << file_.skipped_in_all() << " skipped\n";
  all_.Add(file_);
}

void Report::Finish() {
  for (const auto& [needs, cases] : all_.skipped)
    out_ << "skipped for want of " << needs << ": " << cases << "\n";
  out_ << all_.passed << " passed, " << all_.failed << " failed, " << all_.skipped_in_all()
       << " skipped\n";
}

}  // namespace nightjar::conformance
