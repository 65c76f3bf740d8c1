// The values of the canvas language: 16 bytes each, immutable, in the run's arena.
//
// Three of them are "fake" (error, incomplete, error rail): they are how a program that is wrong or
// unfinished still runs. Lists are arrays and strings are bytes; both can share what they stand on:
// a part of a string points into the whole, and what is added at an end of a list, or at the end of
// a string, goes into room behind it as long as nobody else has used that room, so that building
// one piece by piece costs what building it at once does. Objects (records and dicts are one thing)
// are persistent balanced trees ordered by key, so that a dict built one key at a time costs
// n log n. Single thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "worker/lang/arena.h"
#include "worker/trace/value_writer.h"

namespace nightjar::lang {

// As wide as its half of a Dval: a value that is written in a byte and read in eight waits for the
// store to finish, which made every call of the evaluator half as fast.
enum class Tag : uint64_t {
  kInt,
  kFloat,
  kBool,
  kNull,
  kString,
  kCharacter,
  kList,
  kTuple,
  kObject,
  kFunction,
  kError,
  kIncomplete,
  kErrorRail,
  kResponse,
  kDatastore,
  kDate,
  kPassword,
  kUuid,
  kNothing,
  kJust,
  kOk,
  kErrorResult,
  kBytes,
};

struct Dval;
// Memory that several values share: what lies between `used_from` and `used_to` belongs to some of
// them, the rest of it to whoever takes it first.
template <typename T>
struct Room {
  T* used_from;
  T* used_to;
  T* from;
  T* to;
};
struct Text {
  size_t size;
  const char* data;
  Room<char>* room;  // or none
};
struct Items {
  size_t count;
  const Dval* at;
  Room<Dval>* room;  // or none
};
struct ObjectNode;
struct Closure;
struct ErrorData;
struct ResponseData;

struct Dval {
  Tag tag = Tag::kNull;
  union {
    int64_t integer;   // kInt, kDate (Unix ms), kBool
    double number;     // kFloat
    const Text* text;  // kString, kCharacter, kDatastore, kUuid, kBytes, kPassword
    const Items* items;
    const ObjectNode* object;  // null: {}
    const Closure* closure;
    const ErrorData* error;
    const ResponseData* response;
    const Dval* inner;  // kErrorRail, kJust, kOk, kErrorResult
  };
  Dval() : integer(0) {}

  static Dval Null() { return {}; }
  static Dval Int(int64_t value) { return Make(Tag::kInt, value); }
  static Dval Bool(bool value) { return Make(Tag::kBool, value); }
  static Dval Float(double value) {
    Dval made;
    made.tag = Tag::kFloat;
    made.number = value;
    return made;
  }
  static Dval Nothing() { return Make(Tag::kNothing, 0); }
  static Dval Incomplete() { return Make(Tag::kIncomplete, 0); }
  static Dval Date(int64_t unix_ms) { return Make(Tag::kDate, unix_ms); }
  static Dval Object(const ObjectNode* node) {
    Dval made;
    made.tag = Tag::kObject;
    made.object = node;
    return made;
  }
  static Dval Function(const Closure* closure) {
    Dval made;
    made.tag = Tag::kFunction;
    made.closure = closure;
    return made;
  }

  bool Is(Tag wanted) const { return tag == wanted; }
  bool fake() const {
    return tag == Tag::kError || tag == Tag::kIncomplete || tag == Tag::kErrorRail;
  }
  bool boolean() const { return integer != 0; }
  std::string_view view() const { return {text->data, text->size}; }
  size_t count() const { return items->count; }
  const Dval& operator[](size_t index) const { return items->at[index]; }
  const Dval* begin() const { return items->at; }
  const Dval* end() const { return items->at + items->count; }

 private:
  static Dval Make(Tag tag, int64_t value) {
    Dval made;
    made.tag = tag;
    made.integer = value;
    return made;
  }
};
static_assert(sizeof(Dval) == 16);

struct Builtin;
struct FunctionCode;
struct LambdaCode;

// A lambda with what it closed over, or a named function as a value: exactly one of the three.
struct Closure {
  const LambdaCode* lambda = nullptr;
  const Builtin* builtin = nullptr;
  const FunctionCode* function = nullptr;
  const Dval* captured = nullptr;
};
struct ErrorData {
  std::string_view message;
  uint64_t expr_id;
};
struct ResponseData {
  int64_t status;
  const ObjectNode* headers;  // values are strings
  Dval body;
  std::string_view redirect;  // set: a redirect, and the rest is empty
};

// Persistent objects. Keys compare as bytes.
const Dval* ObjectGet(const ObjectNode* object, std::string_view key);
const ObjectNode* ObjectSet(Arena& arena, const ObjectNode* object, const Text* key,
                            const Dval& value);
// Of these values, by the places of their names in order; each name is there once.
const ObjectNode* MakeObject(Arena& arena, std::span<const Text* const> names,
                             std::span<const uint32_t> by_name, const Dval* values);
const ObjectNode* ObjectRemove(Arena& arena, const ObjectNode* object, std::string_view key);
size_t ObjectSize(const ObjectNode* object);

struct ObjectNode {
  const ObjectNode* left;
  const ObjectNode* right;
  const Text* key;
  Dval value;
  size_t size;

  std::string_view key_view() const { return {key->data, key->size}; }
};

// In key order; `visit(const Text* key, const Dval& value)` returns false to stop. As deep as the
// tree is: the logarithm of its size.
template <typename F>
bool ObjectEach(const ObjectNode* object, F&& visit) {
  if (object == nullptr) return true;
  return ObjectEach(object->left, visit) && visit(object->key, object->value) &&
         ObjectEach(object->right, visit);
}

// Walks an object in key order from outside of it.
class ObjectCursor {
 public:
  explicit ObjectCursor(const ObjectNode* root) { Descend(root); }
  const ObjectNode* node() const { return depth_ == 0 ? nullptr : path_[depth_ - 1]; }
  void Advance() {
    const ObjectNode* done = path_[--depth_];
    Descend(done->right);
  }

 private:
  void Descend(const ObjectNode* node) {
    for (; node != nullptr; node = node->left) path_[depth_++] = node;
  }

  const ObjectNode* path_[128];  // a balanced tree of all the memory there is is less deep
  int depth_ = 0;
};

// Copies the content.
const Text* MakeText(Arena& arena, std::string_view content);
Dval MakeString(Arena& arena, std::string_view content);
Dval MakeTextual(Arena& arena, Tag tag, std::string_view content);
// `content` is in the arena or outlives it, and is not copied.
Dval ShareString(Arena& arena, std::string_view content, Tag tag = Tag::kString);
// Both are strings; `normal` text stays so only when the caller takes care of the seam.
Dval AppendString(Arena& arena, const Dval& whole, std::string_view more);

// Takes the array as it is; it must live in the arena.
Dval MakeItems(Arena& arena, Tag tag, const Dval* at, size_t count);
Dval MakeList(Arena& arena, const Dval* at, size_t count);
Dval PushBack(Arena& arena, const Dval& list, const Dval& item);
Dval PushFront(Arena& arena, const Dval& list, const Dval& item);
Dval MakeWrapped(Arena& arena, Tag tag, const Dval& inner);
Dval MakeError(Arena& arena, std::string_view message, uint64_t expr_id = 0);
Dval MakeResponse(Arena& arena, const ResponseData& response);

// As `==` of the language has it. Functions are equal when they are the same code over equal
// captures.
bool Equal(const Dval& a, const Dval& b);
// Less, equal, greater: a total order of values, as List.sort uses it.
int Compare(const Dval& a, const Dval& b);

// "Int", "Str", "Option": what messages call a value's type.
std::string_view TypeName(const Dval& value);

void WriteValue(const Dval& value, ValueWriter& out);

}  // namespace nightjar::lang
