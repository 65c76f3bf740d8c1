// How tightly the operators of the notation bind. Pure; parser and printer share it.
#pragma once

#include <string_view>

namespace nightjar::lang {

struct Binding {
  int left;
  int right;  // smaller than left: associates to the right
};

inline constexpr int kPipeBinding = 5;

// F#'s own order, loosest first: || && (= < > |> and their kin) ^ (+ - ++) (* / %). Zero: no
// operator.
inline Binding BindingOf(std::string_view op) {
  if (op == "||") return {1, 2};
  if (op == "&&") return {3, 4};
  if (op == "|>" || op == "=" || op == "==" || op == "!=" || op == "<>" || op == "<" || op == ">" ||
      op == "<=" || op == ">=")
    return {kPipeBinding, kPipeBinding + 1};
  if (op == "^") return {8, 7};
  if (op == "+" || op == "-" || op == "++") return {9, 10};
  if (op == "*" || op == "/" || op == "%") return {11, 12};
  return {0, 0};
}

}  // namespace nightjar::lang
