// Integers as the language has them: 64 bits that wrap around. Pure.
#pragma once

#include <cstdint>

#include "worker/lang/builtin.h"

namespace nightjar::lang {

inline int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t WrappingSubtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t WrappingMultiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

inline Dval OfInts(IntOperator op, int64_t a, int64_t b) {
  switch (op) {
    case IntOperator::kAdd:
      return Dval::Int(WrappingAdd(a, b));
    case IntOperator::kSubtract:
      return Dval::Int(WrappingSubtract(a, b));
    case IntOperator::kMultiply:
      return Dval::Int(WrappingMultiply(a, b));
    case IntOperator::kLess:
      return Dval::Bool(a < b);
    case IntOperator::kLessOrEqual:
      return Dval::Bool(a <= b);
    case IntOperator::kGreater:
      return Dval::Bool(a > b);
    case IntOperator::kGreaterOrEqual:
      return Dval::Bool(a >= b);
    case IntOperator::kEqual:
      return Dval::Bool(a == b);
    case IntOperator::kNotEqual:
      return Dval::Bool(a != b);
    case IntOperator::kNone:
      break;
  }
  return {};
}

}  // namespace nightjar::lang
