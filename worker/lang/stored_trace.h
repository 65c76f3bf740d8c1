// A trace as classic Dark stored it in its cloud: JSON, in which each value is an array that begins
// with its kind, ["DInt", 5]. DARK's version 0 of it, the only one that there was.
//
// It comes from anybody: what is not as the format has it is refused as a whole, with the place.
// Bytes of passwords, which Dark did store, are read over: the value that stands for one has none.
// Functions are values without code, as Dark kept none of them. Single thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"
#include "worker/lang/value.h"

namespace nightjar::lang {

struct StoredTrace {
  struct Parameter {
    std::string_view name;
    Dval value;
  };
  // What a function of the canvas was called with. Its name is not stored.
  struct Arguments {
    uint64_t tlid;
    std::vector<Parameter> parameters;
  };
  struct Answer {
    uint64_t expr_id;
    std::string_view fn;  // "Date::now", "Dict::get_v1", or of the canvas, or of a package
    Dval value;
  };
  std::string_view input_name;
  Dval input;
  std::vector<Arguments> arguments;
  std::vector<Answer> answers;
};

// Everything in it is the arena's. kInvalid: what is wrong, and where.
Result<StoredTrace> ReadStoredTrace(Arena& arena, std::string_view json);

// A request as MakeRequest() or MakeBytesRequest() make it, as far as redaction has to rely on it.
bool IsRequest(const Dval& input);

}  // namespace nightjar::lang
