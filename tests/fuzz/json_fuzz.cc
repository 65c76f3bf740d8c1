// What comes with requests: JSON in each way that it is read, and a body with headers as `request`.
// The first byte says which; for a request the lines up to an empty one are its headers.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/must.h"
#include "tests/fuzz/request_lines.h"
#include "worker/lang/http_input.h"
#include "worker/lang/json_reader.h"

namespace nightjar {
namespace {

using fuzz::Must;

void One(uint8_t way, std::string_view text) {
  lang::Arena arena;
  lang::Dval value;
  std::string error;
  if ((way & 4) == 0) {
    auto comments = (way & 1) != 0 ? lang::JsonComments::kSkipped : lang::JsonComments::kRefused;
    auto numbers = (way & 2) != 0 ? lang::JsonNumbers::kNonFiniteToo : lang::JsonNumbers::kFinite;
    bool read = lang::ReadJson(arena, text, comments, &value, &error, numbers);
    Must(read || !error.empty(), "what is no JSON is told");
    return;
  }
  proto::HttpRequest http = fuzz::TakeRequestLines(text);
  if ((way & 1) != 0) {
    Must(lang::MakeBytesRequest(arena, http, text, &value), "bytes are never refused");
    return;
  }
  Must(lang::MakeRequest(arena, http, text, &value, &error) || !error.empty(),
       "a refusal has its text");
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  nightjar::One(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
