#include "conformance/same_value.h"

#include <algorithm>
#include <cmath>

#include "worker/lang/stack_guard.h"

namespace nightjar::conformance {
namespace {

using lang::Dval;
using lang::ObjectNode;
using lang::Tag;

bool SameFloat(double a, double b) {
  // Tests write about ten digits.
  constexpr double kAbsolute = 1e-12;
  constexpr double kRelative = 1e-9;
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::fabs(a - b) <= kAbsolute + kRelative * std::max(std::fabs(a), std::fabs(b));
}

bool SameObject(const ObjectNode* a, const ObjectNode* b) {
  if (lang::ObjectSize(a) != lang::ObjectSize(b)) return false;
  lang::ObjectCursor right(b);
  return lang::ObjectEach(a, [&](const lang::Text* key, const Dval& value) {
    bool same = std::string_view(key->data, key->size) == right.node()->key_view() &&
                SameValue(value, right.node()->value);
    right.Advance();
    return same;
  });
}

}  // namespace

bool SameValue(const Dval& a, const Dval& b) {
  lang::StackGuard::Check();
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case Tag::kFloat:
      return SameFloat(a.number, b.number);
    case Tag::kList:
    case Tag::kTuple:
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameValue);
    case Tag::kObject:
      return SameObject(a.object, b.object);
    case Tag::kJust:
    case Tag::kOk:
    case Tag::kErrorResult:
    case Tag::kErrorRail:
      return SameValue(*a.inner, *b.inner);
    case Tag::kResponse:
      return a.response->status == b.response->status &&
             a.response->redirect == b.response->redirect &&
             SameObject(a.response->headers, b.response->headers) &&
             SameValue(a.response->body, b.response->body);
    default:
      return lang::Equal(a, b);
  }
}

}  // namespace nightjar::conformance
