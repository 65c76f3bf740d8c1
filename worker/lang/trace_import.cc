#include "worker/lang/trace_import.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"
#include "worker/lang/input_redaction.h"
#include "worker/lang/secret_mask.h"
#include "worker/trace/event_buffer.h"

namespace nightjar::lang {
namespace {

using Kind = Recorder::Kind;

constexpr size_t kLineBytes = 200;  // of a request's target in its line

std::string_view TextField(const Dval& request, std::string_view name) {
  const Dval* field = ObjectGet(request.object, name);
  return field != nullptr && (field->Is(Tag::kString) || field->Is(Tag::kBytes))
             ? field->view()
             : std::string_view();
}

// The bytes of the body, which handlers that work on bytes have under another name.
std::string_view BodyOf(const Dval& request) {
  std::string_view body = TextField(request, "fullBody");
  return body.empty() ? TextField(request, "body") : body;
}

// As it came in, as far as redaction needs it.
proto::HttpRequest HttpOf(const Dval& request, const proto::Import& order) {
  proto::HttpRequest http;
  http.set_method(order.method());
  http.set_url(std::string(TextField(request, "url")));
  *http.mutable_route_vars() = order.variables();
  auto add = [&](std::string_view name, std::string_view value) {
    proto::RawHeader& header = *http.add_headers();
    header.set_name(std::string(name));
    header.set_value(std::string(value));
  };
  const Dval& headers = *ObjectGet(request.object, "headers");
  if (headers.Is(Tag::kObject))
    ObjectEach(headers.object, [&](const Text* name, const Dval& value) {
      add({name->data, name->size}, value.view());
      return true;
    });
  else
    for (const Dval& pair : headers) add(pair[0].view(), pair[1].view());
  return http;
}

// "https://shop.example/users/7?x=1" without what is before the path.
std::string_view TargetOf(std::string_view url) {
  size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || url.find('/') < scheme) return url;
  size_t slash = url.find_first_of("/?", scheme + 3);
  return slash == std::string_view::npos ? std::string_view("/") : url.substr(slash);
}

// What was called, with the arguments where they are known.
struct StoredCall {
  Kind kind;
  std::string_view fn;
  uint64_t expr_id = 0;
  std::vector<Dval> args;
  const Dval* result = nullptr;
};

// Of which functions of the canvas arguments can be: those that have these parameters.
bool Takes(const FunctionCode& function, const StoredTrace::Arguments& arguments) {
  return function.params.size() == arguments.parameters.size() &&
         std::all_of(function.params.begin(), function.params.end(), [&](const ParamCode& param) {
           return std::any_of(arguments.parameters.begin(), arguments.parameters.end(),
                              [&](const auto& one) { return one.name == param.name; });
         });
}

class Importer {
 public:
  Importer(Arena& arena, const StoredTrace& trace, const proto::Import& order, const Code& code,
           const Library& library)
      : arena_(arena), trace_(trace), order_(order), code_(code) {
    for (const Builtin& builtin : library.All()) builtins_.insert(builtin.full_name);
  }

  ImportOutcome Run() {
    RequestRedactor redactor{RedactionRules(order_.redaction())};
    const bool request = IsRequest(trace_.input);
    proto::HttpRequest http;
    *http.mutable_route_vars() = order_.variables();
    if (request) http = HttpOf(trace_.input, order_);
    std::deque<std::string> room;
    auto variables = ShownVariables(arena_, http, redactor, &room);
    Dval input = request
                     ? RedactedRequest(arena_, http, BodyOf(trace_.input), trace_.input, redactor)
                     : RedactedEvent(arena_, trace_.input, redactor);
    std::vector<StoredCall> calls = Calls(redactor);
    std::string line;
    if (request)
      line = (order_.method().empty() ? "" : order_.method() + " ") +
             redactor.Url(TargetOf(http.url()).substr(0, bounds::kHttpTargetBytes));
    SecretMask::SetRun(redactor);
    std::string masked;
    outcome_.answer.set_request_line(
        std::string(Utf8Prefix(SecretMask::Apply(line, &masked), kLineBytes)));
    Start(variables, input);
    for (const StoredCall& call : calls) Put(call);
    Finish();
    return std::move(outcome_);
  }

 private:
  // Also one that this library does not have; a package's has slashes in its name.
  bool IsBuiltin(std::string_view fn) const {
    if (code_.functions.contains(std::string(fn))) return false;
    bool module = fn.find("::") != std::string_view::npos && fn.find('/') == std::string_view::npos;
    return module || builtins_.contains(fn);
  }

  std::vector<StoredCall> Calls(RequestRedactor& redactor) {
    std::vector<StoredCall> calls;
    std::unordered_map<std::string_view, std::deque<size_t>>
        open;  // by function, without arguments
    for (const StoredTrace::Answer& answer : trace_.answers) {
      const bool builtin = IsBuiltin(answer.fn);
      if (!builtin) open[answer.fn].push_back(calls.size());
      calls.push_back({builtin ? Kind::kBuiltin : Kind::kFunction,
                       answer.fn,
                       answer.expr_id,
                       {},
                       &answer.value});
    }
    std::vector<StoredCall> others;
    for (const StoredTrace::Arguments& arguments : trace_.arguments) {
      const FunctionCode* function = FunctionOf(arguments, open);
      std::vector<Dval> args = Shown(arguments, function, redactor);
      if (function == nullptr) {
        others.push_back({Kind::kFunction, NameFor(arguments.tlid), 0, std::move(args), nullptr});
        continue;
      }
      std::deque<size_t>& waiting = open.at(function->name);
      calls[waiting.front()].args = std::move(args);
      waiting.pop_front();
    }
    for (StoredCall& other : others) calls.push_back(std::move(other));
    return calls;
  }

  // The one function that was called and can have been called so; null: none, or several.
  const FunctionCode* FunctionOf(
      const StoredTrace::Arguments& arguments,
      const std::unordered_map<std::string_view, std::deque<size_t>>& open) const {
    const FunctionCode* found = nullptr;
    for (const auto& [name, waiting] : open) {
      auto function = code_.functions.find(std::string(name));
      if (waiting.empty() || function == code_.functions.end() ||
          !Takes(function->second, arguments))
        continue;
      if (found != nullptr) return nullptr;
      found = &function->second;
    }
    return found;
  }

  // In the order of the function's parameters where it is known.
  std::vector<Dval> Shown(const StoredTrace::Arguments& arguments, const FunctionCode* function,
                          RequestRedactor& redactor) {
    const ObjectNode* named = nullptr;
    for (const auto& parameter : arguments.parameters)
      named = ObjectSet(arena_, named, MakeText(arena_, parameter.name), parameter.value);
    Dval shown = RedactedEvent(arena_, Dval::Object(named), redactor);
    std::vector<Dval> args;
    auto add = [&](std::string_view name) { args.push_back(*ObjectGet(shown.object, name)); };
    if (function != nullptr)
      for (const ParamCode& param : function->params) add(param.name);
    else
      for (const auto& parameter : arguments.parameters) add(parameter.name);
    return args;
  }

  std::string_view NameFor(uint64_t tlid) {
    return names_.emplace_back("function " + std::to_string(tlid) + " of Dark");
  }

  void Start(const std::vector<Recorder::Variable>& variables, const Dval& input) {
    event_.Begin(++seq_, 0);
    event_.OpenKind<3>();
    event_.PutBytes<1>(order_.run_id());
    size_t room = bounds::kTraceVariablesBytes;
    for (const Recorder::Variable& variable : variables) {
      size_t bytes = EventBuffer::PairBytes(variable.name, variable.value);
      if (bytes > room) {
        event_.PutUint<4>(1);
        break;
      }
      event_.PutPair<3>(variable.name, variable.value);
      room -= bytes;
    }
    event_.PutValue<2>(input, bounds::kTraceEventBytes / 2);
    Keep({std::string(event_.Finish())});
  }

  void Put(const StoredCall& call) {
    std::vector<std::string> events;
    event_.Begin(++seq_, 0);
    event_.OpenKind<4>();
    event_.PutUint<1>(++calls_);
    event_.PutUint<3>(static_cast<uint64_t>(call.kind));
    event_.PutName<4>(call.fn);
    event_.PutUint<5>(call.expr_id);
    size_t count = std::min(call.args.size(), bounds::kTraceArgs);
    for (size_t i = 0; i < count; ++i)
      event_.PutValue<6>(call.args[i],
                         std::min(bounds::kTraceValueBytes, event_.Room() / (count - i)));
    events.emplace_back(event_.Finish());
    if (call.result != nullptr) {
      event_.Begin(++seq_, 0);
      event_.OpenKind<5>();
      event_.PutUint<1>(calls_);
      event_.PutValue<2>(*call.result, bounds::kTraceValueBytes);
      events.emplace_back(event_.Finish());
    }
    Keep(events);
  }

  // All of them, or, once the trace is full, none from here on.
  void Keep(const std::vector<std::string>& events) {
    size_t bytes = 0;
    for (const std::string& event : events) bytes += event.size();
    uint64_t budget = std::max<uint64_t>(order_.trace_bytes_max(), bounds::kTraceLeastBytes);
    if (dropped_ > 0 || bytes_ + bytes > budget) {
      dropped_ += events.size();
      return;
    }
    bytes_ += bytes;
    for (const std::string& event : events) Write(event);
    kept_ += events.size();
  }

  void Write(std::string_view event) {
    char size[wire::kVarintBytes];
    outcome_.events.append(size, wire::PutVarint(size, event.size()));
    outcome_.events += event;
  }

  void Finish() {
    if (dropped_ > 0) {
      event_.Begin(seq_, 0);
      event_.OpenKind<7>();
      event_.PutUint<1>(dropped_);
      Write(event_.Finish());
    }
    outcome_.answer.set_events_bytes(outcome_.events.size());
    outcome_.answer.set_events(kept_);
    outcome_.answer.set_dropped(dropped_);
  }

  Arena& arena_;
  const StoredTrace& trace_;
  const proto::Import& order_;
  const Code& code_;
  std::set<std::string, std::less<>> builtins_;
  std::deque<std::string> names_;
  ImportOutcome outcome_;
  EventBuffer event_;
  uint64_t seq_ = 0;
  uint64_t calls_ = 0;
  uint64_t bytes_ = 0;
  uint64_t kept_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace

proto::Imported LookAt(const StoredTrace& trace) {
  proto::Imported seen;
  seen.set_request(IsRequest(trace.input));
  if (!seen.request()) {
    if (trace.input_name == "request")
      seen.set_wrong("it is no trace of Dark's: its request has no url and headers");
    return seen;
  }
  std::string_view url = TextField(trace.input, "url");
  if (url.size() > bounds::kHttpTargetBytes) {
    seen.set_wrong("the url of its request is longer than " +
                   std::to_string(bounds::kHttpTargetBytes) + " bytes");
    return seen;
  }
  seen.set_url(std::string(url));
  std::string_view method = TextField(trace.input, "method");
  seen.set_method(std::string(Utf8Prefix(method, bounds::kHttpMethodBytes)));
  return seen;
}

ImportOutcome ImportTrace(Arena& arena, const StoredTrace& trace, const proto::Import& order,
                          const Code& code, const Library& library) {
  return Importer(arena, trace, order, code, library).Run();
}

}  // namespace nightjar::lang
