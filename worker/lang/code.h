// A program in the form that is evaluated: every name is resolved to a slot, a capture, a function
// or a constant.
//
// Made by Lower() when a program is loaded, immutable then, and owned by Code. Nodes live in its
// arena. Internal to worker/lang.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/lang/builtin.h"
#include "worker/lang/types.h"
#include "worker/lang/value.h"

namespace nightjar::lang {

enum class Op : uint8_t {
  kConstant,
  kLocal,
  kCaptured,
  kUnbound,
  kBlank,
  kLet,
  kIf,
  kAnd,
  kOr,
  kFlag,
  kLambda,
  kField,
  kCallOperator,
  kCallBuiltin,
  kCallFunction,
  kCallUnknown,
  kApply,
  kList,
  kTuple,
  kRecord,
  kConstructor,
  kMatch,
};

struct Node {
  Op op;
  uint64_t id;  // of the expression, for traces and errors
};
struct ConstantNode : Node {
  Dval value;
};
struct SlotNode : Node {  // kLocal, kCaptured
  uint32_t index;
};
struct UnboundNode : Node {
  std::string_view name;
};
struct LetNode : Node {
  int32_t slot;  // -1: nobody can name it
  const Node* value;
  const Node* body;
};
struct BranchNode : Node {  // kIf; kFlag: `then` is the new code
  const Node* condition;
  const Node* then;
  const Node* otherwise;
};
struct BothNode : Node {  // kAnd, kOr
  const Node* left;
  const Node* right;
};
struct LambdaNode : Node {
  const LambdaCode* code;
};
struct FieldNode : Node {
  const Node* object;
  std::string_view field;
};
struct CallNode : Node {  // kCallOperator, kCallBuiltin, kCallFunction, kCallUnknown
  IntOperator fast;       // kCallOperator: two arguments, which most often are integers
  const Builtin* builtin;
  const FunctionCode* function;
  size_t params;  // of what is called
  std::span<const Node* const> args;
  bool in_pipe;
  bool rail;
};
struct ApplyNode : Node {  // a value goes through what is expected to be a function
  const Node* value;
  const Node* function;
};
struct ItemsNode : Node {  // kList, kTuple
  std::span<const Node* const> items;
};
struct RecordNode : Node {
  std::span<const Text* const> names;
  std::span<const Node* const> values;
  // The fields' places above in the order of their names; empty when a name is missing or is there
  // twice.
  std::span<const uint32_t> by_name;
};
struct ConstructorNode : Node {
  Tag tag;
  const Node* value;
};

enum class PatternOp : uint8_t { kVariable, kConstant, kConstructor, kTuple, kNever };
struct PatternCode {
  PatternOp op;
  Tag tag;                                    // kConstructor
  int32_t slot;                               // kVariable
  Dval value;                                 // kConstant
  std::span<const PatternCode* const> parts;  // kConstructor: one; kTuple
};
struct ArmCode {
  const PatternCode* pattern;
  const Node* body;
};
struct MatchNode : Node {
  const Node* value;
  std::span<const ArmCode> arms;
};

struct Capture {
  bool captured;  // by the function around, too; else in its frame
  uint32_t index;
};
struct LambdaCode {
  uint64_t id;
  uint32_t params;
  uint32_t frame_slots;  // params first
  std::vector<Capture> captures;
  const Node* body;
  uint64_t shape;  // equal for equal code, wherever it stands
};

struct ParamCode {
  std::string name;
  TypeCode type;
};
struct FunctionCode {
  std::string name;
  std::vector<ParamCode> params;
  TypeCode returns;
  uint32_t frame_slots = 0;
  const Node* body = nullptr;
};
struct HandlerCode {
  std::string name;
  std::vector<std::string> variables;  // slots 1..; slot 0 is the input
  bool http = false;
  bool bytes = false;  // of HTTP: the request is given and answered as bytes
  uint32_t frame_slots = 0;
  const Node* body = nullptr;
};

struct Code {
  Arena arena;
  std::unordered_map<uint64_t, HandlerCode> handlers;  // by tlid
  std::unordered_map<std::string, FunctionCode> functions;
  std::unordered_map<std::string, RecordCode> records;  // types that the canvas has or names
  std::unordered_map<std::string, Dval> globals;        // datastores and secrets
  std::vector<std::unique_ptr<LambdaCode>> lambdas;
};

// What a function value is called: "lambda", or its name.
std::string_view NameOf(const Closure& closure);

}  // namespace nightjar::lang
