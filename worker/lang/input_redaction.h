// A run's input as its trace may show it. The program gets the input itself.
//
// Values under names that policy leaves out become strings that stand for them, all others stay
// what they are, and share their memory. What is left out is gathered in the redactor. Single
// thread.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/proto/worker.pb.h"
#include "ipc/redact/request_redactor.h"
#include "worker/lang/value.h"
#include "worker/trace/recorder.h"

namespace nightjar::lang {

// Of MakeRequest() or MakeBytesRequest(); null where the request was none.
Dval RedactedRequest(Arena& arena, const proto::HttpRequest& http, std::string_view body,
                     const Dval& request, RequestRedactor& redactor);

// The text of a request's refusal, without the body where something of that is left out.
std::string RedactedRefusal(const proto::HttpRequest& http, std::string_view body,
                            const std::string& refusal, RequestRedactor& redactor);

// The variables of its route, as text; they borrow from `http`, the arena, or *room.
std::vector<Recorder::Variable> ShownVariables(Arena& arena, const proto::HttpRequest& http,
                                               RequestRedactor& redactor,
                                               std::deque<std::string>* room);

Dval RedactedEvent(Arena& arena, const Dval& event, RequestRedactor& redactor);

}  // namespace nightjar::lang
