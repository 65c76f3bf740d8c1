// A request as programs see it: the record `request`.
//
// It has body, jsonBody, formBody, fullBody, headers, cookies, queryParams and url, as classic Dark
// made them: the body is read as a form where its content type says so, else as JSON; text that is
// no JSON is text. Names of headers are lower case. Everything comes from outside: what is not
// UTF-8 is repaired, and JSON that is none is the caller's mistake. Single thread.
#pragma once

#include <string>
#include <string_view>

#include "ipc/proto/worker.pb.h"
#include "worker/lang/value.h"

namespace nightjar::lang {

// False: the body is not what its type says, and *refusal is the text of the 400 that it gets.
bool MakeRequest(Arena& arena, const proto::HttpRequest& http, std::string_view body, Dval* request,
                 std::string* refusal);

// For a handler that works on bytes: body, headers as a list of pairs, and url. Always true.
bool MakeBytesRequest(Arena& arena, const proto::HttpRequest& http, std::string_view body,
                      Dval* request);

}  // namespace nightjar::lang
