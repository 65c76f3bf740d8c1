// What comes with requests: JSON in each way that it is read, and a body with headers as `request`,
// which is redacted as well.
// The first byte says which; for a request the lines up to an empty one are its headers.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/core/bounds.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/request_lines.h"
#include "worker/lang/http_input.h"
#include "worker/lang/input_redaction.h"
#include "worker/lang/json_reader.h"

namespace nightjar {
namespace {

using fuzz::Must;

void Redact(lang::Arena& arena, const proto::HttpRequest& http, std::string_view body,
            const lang::Dval& request) {
  proto::Redaction wish;
  wish.add_drop("defaults");
  wish.add_hash("a");
  wish.add_drop("b.c");
  wish.set_key("key");
  RequestRedactor redactor{RedactionRules(wish)};
  lang::Dval shown = lang::RedactedRequest(arena, http, body, request, redactor);
  Must(shown.tag == request.tag, "a request stays one");
  std::string room;
  std::string_view once = redactor.Body("application/json", body, &room);
  if (once.data() == body.data()) return;
  Must(once.size() <= bounds::kTraceEventBytes, "no more is shown than fits");
  if (once.size() == bounds::kTraceEventBytes || redactor.hidden().all) return;
  // With nothing but drops, whose word is dropped for itself.
  wish.clear_hash();
  RequestRedactor dropping{RedactionRules(wish)};
  std::string first(dropping.Body("application/json", body, &room));
  std::string second(dropping.Body("application/json", first, &room));
  Must(first == second || first.size() >= bounds::kTraceEventBytes,
       "nothing that is named is left");
}

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
    return Redact(arena, http, text, value);
  }
  Must(lang::MakeRequest(arena, http, text, &value, &error) || !error.empty(),
       "a refusal has its text");
  Redact(arena, http, text, value);
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  nightjar::One(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
