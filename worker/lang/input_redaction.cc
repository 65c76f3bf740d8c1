#include "worker/lang/input_redaction.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <vector>

#include "ipc/core/ascii.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {
namespace {

using Kind = RedactionRules::Kind;

std::string NumberText(const Dval& value) {
  char digits[32];
  auto end = value.Is(Tag::kFloat) ? std::to_chars(digits, digits + sizeof digits, value.number)
                                   : std::to_chars(digits, digits + sizeof digits, value.integer);
  return {digits, end.ptr};
}

std::string_view ContentTypeOf(const proto::HttpRequest& http) {
  for (const proto::RawHeader& header : http.headers())
    if (RequestRedactor::IsContentType(header.name())) return TrimAscii(header.value(), " \t");
  return {};
}

class Walk {
 public:
  Walk(Arena& arena, RequestRedactor& redactor) : arena_(arena), redactor_(redactor) {}

  // Values of JSON, which nests 64 deep at most, or of a trace that is imported.
  Dval Value(const Dval& value, Kind kind) {
    switch (value.tag) {
      case Tag::kObject:
        return Object(value, kind);
      case Tag::kList:
      case Tag::kTuple:
        return Items(value, kind);
      case Tag::kString:
      case Tag::kBytes:
      case Tag::kCharacter:
      case Tag::kUuid:
        return kind == Kind::kKeep ? value : Hidden(kind, value.view());
      case Tag::kInt:
      case Tag::kDate:
      case Tag::kFloat:
        return kind == Kind::kKeep ? value : Hidden(kind, NumberText(value));
      case Tag::kBool:
        return kind == Kind::kKeep ? value : Hidden(kind, value.boolean() ? "true" : "false");
      case Tag::kJust:
      case Tag::kOk:
      case Tag::kErrorResult:
      case Tag::kErrorRail: {
        Dval inner = Value(*value.inner, kind);
        return Same(inner, *value.inner) ? value : MakeWrapped(arena_, value.tag, inner);
      }
      case Tag::kResponse:
        return Response(value, kind);
      case Tag::kError:
        return kind == Kind::kKeep ? value : Hidden(kind, value.error->message);
      default:
        return value;  // what says nothing, or only a name
    }
  }

  // The fields of a request.
  Dval Request(const proto::HttpRequest& http, std::string_view body, const Dval& request) {
    const ObjectNode* shown = request.object;
    ObjectEach(request.object, [&](const Text* key, const Dval& field) {
      std::string_view name(key->data, key->size);
      Kind kind = redactor_.rules().For(name);
      Dval changed = field;
      if (kind != Kind::kKeep)
        changed = Named(name, field, kind);
      else if (name == "headers")
        changed = Headers(field);
      else if (name == "cookies")
        changed = Named(name, field, redactor_.rules().For("cookie"));
      else if (name == "url")
        changed = Changed(field, redactor_.Url(field.view()));
      else if (name == "fullBody" || field.Is(Tag::kBytes) || IsBody(name, field, body))
        changed = Body(http, field, body);
      else
        changed = Named(name, field, kind);
      shown = Replaced(shown, key, field, changed);
      return true;
    });
    return Dval::Object(shown);
  }

 private:
  Dval Hidden(Kind kind, std::string_view text) {
    return MakeString(arena_, redactor_.Hide(kind, text));
  }

  Dval Named(std::string_view name, const Dval& value, Kind kind) {
    path_.emplace_back(name);
    Dval shown = Value(value, kind);
    path_.pop_back();
    return shown;
  }

  static bool Same(const Dval& a, const Dval& b) { return memcmp(&a, &b, sizeof a) == 0; }

  const ObjectNode* Replaced(const ObjectNode* object, const Text* key, const Dval& before,
                             const Dval& after) {
    return Same(before, after) ? object : ObjectSet(arena_, object, key, after);
  }

  Dval Object(const Dval& value, Kind inherited) {
    const ObjectNode* shown = value.object;
    ObjectEach(value.object, [&](const Text* key, const Dval& field) {
      path_.emplace_back(key->data, key->size);
      Kind kind = inherited == Kind::kKeep ? redactor_.rules().For(path_) : inherited;
      Dval changed = Value(field, kind);
      path_.pop_back();
      shown = Replaced(shown, key, field, changed);
      return true;
    });
    return Dval::Object(shown);
  }

  Dval Items(const Dval& list, Kind kind) {
    Dval* shown = nullptr;
    for (size_t i = 0; i < list.count(); ++i) {
      Dval changed = Value(list[i], kind);
      if (Same(list[i], changed)) continue;
      if (shown == nullptr) {
        shown = arena_.Array<Dval>(list.count());
        std::copy(list.begin(), list.end(), shown);
      }
      shown[i] = changed;
    }
    return shown == nullptr ? list : MakeItems(arena_, list.tag, shown, list.count());
  }

  // The mask knows the names of headers by itself.
  Dval Response(const Dval& value, Kind kind) {
    if (kind != Kind::kKeep) return Hidden(kind, "");
    ResponseData shown = *value.response;
    shown.body = Value(shown.body, kind);
    return Same(shown.body, value.response->body) ? value : MakeResponse(arena_, shown);
  }

  Dval Changed(const Dval& before, std::string_view after) {
    return after == before.view() ? before : MakeTextual(arena_, before.tag, after);
  }

  // A record, or, for handlers that work on bytes, a list of pairs.
  Dval Headers(const Dval& headers) {
    if (headers.Is(Tag::kObject)) {
      const ObjectNode* shown = headers.object;
      ObjectEach(headers.object, [&](const Text* key, const Dval& field) {
        Dval changed = Changed(field, redactor_.Header({key->data, key->size}, field.view()));
        shown = Replaced(shown, key, field, changed);
        return true;
      });
      return Dval::Object(shown);
    }
    Dval* shown = arena_.Array<Dval>(headers.count());
    for (size_t i = 0; i < headers.count(); ++i) {
      const Dval& pair = headers[i];
      Dval* both = arena_.Array<Dval>(2);
      both[0] = pair[0];
      both[1] = Changed(pair[1], redactor_.Header(pair[0].view(), pair[1].view()));
      shown[i] = MakeItems(arena_, Tag::kTuple, both, 2);
    }
    return MakeList(arena_, shown, headers.count());
  }

  static bool IsBody(std::string_view name, const Dval& field, std::string_view body) {
    return name == "body" && field.Is(Tag::kString) && field.view() == body;
  }

  Dval Body(const proto::HttpRequest& http, const Dval& field, std::string_view body) {
    std::string room;
    std::string_view shown = redactor_.Body(ContentTypeOf(http), body, &room);
    return shown.data() == body.data() ? field : MakeTextual(arena_, field.tag, shown);
  }

  Arena& arena_;
  RequestRedactor& redactor_;
  std::vector<std::string> path_;
};

}  // namespace

Dval RedactedRequest(Arena& arena, const proto::HttpRequest& http, std::string_view body,
                     const Dval& request, RequestRedactor& redactor) {
  if (redactor.rules().empty()) return request;
  if (!request.Is(Tag::kObject)) {
    redactor.Gather(http, body);
    return request;
  }
  for (const proto::Header& variable : http.route_vars())
    redactor.AddRouteVariable(variable.name(), variable.value());
  // Each as it came: what a program sees of several with one name is one text.
  for (const proto::RawHeader& header : http.headers())
    redactor.Header(header.name(), header.value());
  // As it came, too: the values of handlers are normal text.
  redactor.Url(http.url());
  return Walk(arena, redactor).Request(http, body, request);
}

std::string RedactedRefusal(const proto::HttpRequest& http, std::string_view body,
                            const std::string& refusal, RequestRedactor& redactor) {
  std::string room;
  bool whole = redactor.Body(ContentTypeOf(http), body, &room).data() == body.data();
  return whole ? refusal : refusal.substr(0, refusal.find(':'));
}

std::vector<Recorder::Variable> ShownVariables(Arena& arena, const proto::HttpRequest& http,
                                               RequestRedactor& redactor,
                                               std::deque<std::string>* room) {
  std::vector<Recorder::Variable> shown;
  for (const proto::Header& variable : http.route_vars()) {
    Kind kind = redactor.rules().For(variable.name());
    std::string_view value = variable.value();
    value = kind == Kind::kKeep ? NormalString(arena, value).view()
                                : std::string_view(room->emplace_back(redactor.Hide(kind, value)));
    shown.push_back({variable.name(), value});
  }
  return shown;
}

Dval RedactedEvent(Arena& arena, const Dval& event, RequestRedactor& redactor) {
  if (redactor.rules().empty()) return event;
  return Walk(arena, redactor).Value(event, Kind::kKeep);
}

}  // namespace nightjar::lang
