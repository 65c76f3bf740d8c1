#include "tests/bench/kill/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace nightjar::bench {
namespace {

Nanos Quantile(const Times& sorted, double share) {
  auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

long long Micros(Nanos time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

}  // namespace

Figures::Figures() {
  printf("%-34s %6s %9s %9s %9s %9s\n", "microseconds", "n", "p50", "p99", "p99.9", "max");
}

void Figures::Add(const std::string& name, Times times) {
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  printf("%-34s %6zu", name.c_str(), times.size());
  for (auto [suffix, share] :
       {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
    long long us = Micros(Quantile(times, share));
    printf(" %9lld", us);
    values_.emplace_back(name + "_" + suffix + "_us", std::to_string(us));
  }
  printf("\n");
  fflush(stdout);
}

void Figures::Add(const std::string& name, uint64_t count) {
  printf("%-34s %6llu\n", name.c_str(), static_cast<unsigned long long>(count));
  values_.emplace_back(name, std::to_string(count));
}

void Figures::Add(const std::string& name, const std::string& text) {
  printf("%-34s %s\n", name.c_str(), text.c_str());
  values_.emplace_back(name, '"' + text + '"');
}

Status Figures::WriteJson(const std::string& path) const {
  std::ofstream out(path);
  out << "{";
  const char* before = "\n";
  for (const auto& [name, value] : values_) {
    out << before << "  \"" << name << "\": " << value;
    before = ",\n";
  }
  out << "\n}\n";
  out.close();
  if (!out) return Fail(ErrorCode::kInternal, "writing " + path);
  return {};
}

}  // namespace nightjar::bench
