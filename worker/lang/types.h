// The types that the functions and records of a canvas say: what a value is held against.
//
// Only the outer form of lists, options and functions is looked at, as in classic Dark; a record
// type of the canvas has exactly its fields, each of its type.
//
// Made by Lower(), immutable then, owned by Code. Internal to worker/lang.
#pragma once

#include <string>
#include <vector>

#include "worker/lang/builtin.h"

namespace nightjar::lang {

struct RecordCode;

struct TypeCode {
  Kind kind = Kind::kAny;
  const RecordCode* record = nullptr;  // with kDict: a record type of the canvas
};
struct FieldCode {
  std::string name;
  TypeCode type;
};
struct RecordCode {
  std::string name;
  bool declared = false;          // false: something names it, and the canvas does not have it
  std::vector<FieldCode> fields;  // in the order of their names
};

// Each way in which the value is not of the type, as messages say it, with ", " between; "": it is.
// Looks as deep into the value as the type goes. Throws StackExhausted.
std::string Mismatch(const TypeCode& type, const Dval& value);

inline bool Fits(const TypeCode& type, const Dval& value) {
  return Matches(type.kind, value) && (type.record == nullptr || Mismatch(type, value).empty());
}

}  // namespace nightjar::lang
