#include "worker/lang/stored_trace.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/core/utf8.h"
#include "worker/lang/base64.h"
#include "worker/lang/code.h"
#include "worker/lang/date_parser.h"
#include "worker/lang/json_reader.h"

namespace nightjar::lang {
namespace {

constexpr size_t kQuotedBytes = 40;

// Where something stands, from the inside out; made into text only for a complaint.
struct Place {
  const Place* around = nullptr;
  std::string_view name;  // of a field; empty: the item of this index
  size_t index = 0;

  std::string Text() const {
    if (around == nullptr) return std::string(name);
    if (name.empty()) return around->Text() + "[" + std::to_string(index) + "]";
    return around->Text() + "." + std::string(Utf8Prefix(name, kQuotedBytes));
  }
};

bool IsText(const Dval& json) {
  return json.Is(Tag::kString);
}

std::string Quoted(std::string_view text) {
  return "\"" + std::string(Utf8Prefix(text, kQuotedBytes)) + "\"";
}

// Of 64 bits, which Dark wrote as a number or as text.
template <typename T>
std::optional<T> WholeNumber(const Dval& json) {
  if (json.Is(Tag::kInt)) {
    if (std::is_unsigned_v<T> && json.integer < 0) return std::nullopt;
    return static_cast<T>(json.integer);
  }
  // Beyond what the reader of JSON has integers for: rounded.
  if (json.Is(Tag::kFloat)) {
    if (std::is_signed_v<T> || json.number != std::floor(json.number) || json.number < 0 ||
        json.number > 0x1p64)
      return std::nullopt;
    return json.number == 0x1p64 ? std::numeric_limits<T>::max() : static_cast<T>(json.number);
  }
  if (!IsText(json)) return std::nullopt;
  T number = 0;
  std::string_view text = json.view();
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class Reader {
 public:
  explicit Reader(Arena& arena) : arena_(arena) {}

  std::string& wrong() { return wrong_; }

  bool Trace(const Dval& json, StoredTrace* trace) {
    if (!json.Is(Tag::kObject)) return Wrong({nullptr, "it"}, "is no JSON object");
    const Dval* version = ObjectGet(json.object, "storageFormatVersion");
    if (version == nullptr) return Wrong({nullptr, "it"}, "has no storageFormatVersion");
    auto number = WholeNumber<int64_t>(*version);
    if (!number) return Wrong({nullptr, "storageFormatVersion"}, "is no number");
    if (*number != 0)
      return Wrong({nullptr, "storageFormatVersion"},
                   "is " + std::to_string(*number) + ", and only 0 is known");
    return Part(json, "input", 1,
                [&](const Dval& item, const Place& at) { return Input(item, at, trace); }) &&
           (trace->input_name.data() != nullptr ||
            Wrong({nullptr, "input"}, "is empty: Dark lost it")) &&
           Part(json, "functionArguments", bounds::kImportCalls,
                [&](const Dval& item, const Place& at) {
                  return Arguments(item, at, &trace->arguments.emplace_back());
                }) &&
           Part(json, "functionResults", bounds::kImportCalls,
                [&](const Dval& item, const Place& at) {
                  return Answer(item, at, &trace->answers.emplace_back());
                });
  }

 private:
  bool Wrong(const Place& at, const std::string& what) {
    wrong_ = at.Text() + " " + what;
    return false;
  }

  // Each item of the list that a field of the trace is.
  template <typename F>
  bool Part(const Dval& json, std::string_view name, size_t count_max, const F& each) {
    const Place at{nullptr, name};
    const Dval* part = ObjectGet(json.object, name);
    if (part == nullptr) return Wrong(at, "is missing");
    if (!part->Is(Tag::kList)) return Wrong(at, "is no list");
    if (part->count() > count_max)
      return Wrong(at, "has more than " + std::to_string(count_max) + " items");
    for (size_t i = 0; i < part->count(); ++i)
      if (!each((*part)[i], {&at, {}, i})) return false;
    return true;
  }

  bool Tuple(const Dval& json, const Place& at, size_t count, const char* shape) {
    if (json.Is(Tag::kList) && json.count() == count) return true;
    return Wrong(at, std::string("is not ") + shape);
  }

  bool Input(const Dval& json, const Place& at, StoredTrace* trace) {
    if (!Tuple(json, at, 2, "[name, value]")) return false;
    if (!IsText(json[0])) return Wrong({&at, {}, 0}, "is no text");
    trace->input_name = json[0].view();
    return Value(json[1], {&at, {}, 1}, &trace->input);
  }

  bool Arguments(const Dval& json, const Place& at, StoredTrace::Arguments* made) {
    if (!Tuple(json, at, 2, "[tlid, parameters]")) return false;
    auto tlid = WholeNumber<uint64_t>(json[0]);
    if (!tlid) return Wrong({&at, {}, 0}, "is no tlid");
    made->tlid = *tlid;
    const Place list{&at, {}, 1};
    if (!json[1].Is(Tag::kList)) return Wrong(list, "is no list");
    for (size_t i = 0; i < json[1].count(); ++i) {
      const Dval& parameter = json[1][i];
      const Place one{&list, {}, i};
      if (!Tuple(parameter, one, 2, "[name, value]")) return false;
      if (!IsText(parameter[0])) return Wrong({&one, {}, 0}, "is no text");
      made->parameters.push_back({parameter[0].view(), {}});
      if (!Value(parameter[1], {&one, {}, 1}, &made->parameters.back().value)) return false;
    }
    return true;
  }

  bool Answer(const Dval& json, const Place& at, StoredTrace::Answer* made) {
    if (!Tuple(json, at, 6, "[tlid, id, name, hashVersion, hash, value]")) return false;
    auto id = WholeNumber<uint64_t>(json[1]);
    if (!WholeNumber<uint64_t>(json[0])) return Wrong({&at, {}, 0}, "is no tlid");
    if (!id) return Wrong({&at, {}, 1}, "is no id");
    if (!IsText(json[2]) || json[2].view().empty())
      return Wrong({&at, {}, 2}, "is no function's name");
    made->expr_id = *id;
    made->fn = json[2].view();
    return Value(json[5], {&at, {}, 5}, &made->value);
  }

  // One of Dark's values: its kind, and what belongs to it.
  bool Value(const Dval& json, const Place& at, Dval* value) {
    if (!json.Is(Tag::kList) || json.count() == 0 || !IsText(json[0]))
      return Wrong(at, "is no value of Dark's, [\"DInt\", 5]");
    const std::string_view kind = json[0].view();
    for (const Kind& known : Kinds()) {
      if (known.name != kind) continue;
      if (json.count() >= 1 + known.parts && (this->*known.read)(json, at, value)) return true;
      if (wrong_.empty()) Wrong(at, "is no " + std::string(kind));
      return false;
    }
    return Wrong(at, "is of the kind " + Quoted(kind) + ", which is none of Dark's");
  }

  bool Int(const Dval& json, const Place&, Dval* value) {
    auto number = WholeNumber<int64_t>(json[1]);
    if (number) *value = Dval::Int(*number);
    return number.has_value();
  }
  bool Float(const Dval& json, const Place&, Dval* value) {
    const Dval& number = json[1];
    if (number.Is(Tag::kFloat)) {
      *value = number;
    } else if (number.Is(Tag::kInt)) {
      *value = Dval::Float(static_cast<double>(number.integer));
    } else if (IsText(number) && number.view() == "NaN") {
      *value = Dval::Float(NAN);
    } else if (IsText(number) && number.view() == "Infinity") {
      *value = Dval::Float(HUGE_VAL);
    } else if (IsText(number) && number.view() == "-Infinity") {
      *value = Dval::Float(-HUGE_VAL);
    } else {
      return false;
    }
    return true;
  }
  bool Bool(const Dval& json, const Place&, Dval* value) {
    *value = json[1];
    return json[1].Is(Tag::kBool);
  }
  bool Null(const Dval&, const Place&, Dval* value) {
    *value = Dval::Null();
    return true;
  }
  bool Str(const Dval& json, const Place&, Dval* value) {
    *value = json[1];
    return IsText(json[1]);
  }
  bool Char(const Dval& json, const Place&, Dval* value) {
    return IsText(json[1]) && Textual(Tag::kCharacter, json[1].view(), value);
  }
  bool Datastore(const Dval& json, const Place&, Dval* value) {
    return IsText(json[1]) && Textual(Tag::kDatastore, json[1].view(), value);
  }
  bool Uuid(const Dval& json, const Place&, Dval* value) {
    auto id = IsText(json[1]) ? RunId::Parse(json[1].view()) : std::nullopt;
    return id && Textual(Tag::kUuid, id->bytes(), value);
  }
  bool Bytes(const Dval& json, const Place&, Dval* value) {
    auto bytes = IsText(json[1]) ? DecodeBase64(json[1].view()) : std::nullopt;
    return bytes && Textual(Tag::kBytes, *bytes, value);
  }
  bool Date(const Dval& json, const Place&, Dval* value) {
    auto ms = IsText(json[1]) ? ParseDate(json[1].view()) : std::nullopt;
    if (ms) *value = Dval::Date(*ms);
    return ms.has_value();
  }
  bool Password(const Dval&, const Place&, Dval* value) {
    return Textual(Tag::kPassword, "", value);
  }
  bool Lambda(const Dval&, const Place&, Dval* value) {
    static constexpr Closure kNoCode;
    *value = Dval::Function(&kNoCode);
    return true;
  }
  bool Incomplete(const Dval&, const Place&, Dval* value) {
    *value = Dval::Incomplete();
    return true;
  }
  // Where it came from, and its text.
  bool Error(const Dval& json, const Place&, Dval* value) {
    const Dval& message = json[2];
    if (!IsText(message)) return false;
    const Dval& source = json[1];
    bool known = source.Is(Tag::kList) && source.count() == 3;
    *value =
        MakeError(arena_, message.view(), known ? WholeNumber<uint64_t>(source[2]).value_or(0) : 0);
    return true;
  }
  bool ErrorRail(const Dval& json, const Place& at, Dval* value) {
    return Wrapped(Tag::kErrorRail, json[1], {&at, {}, 1}, value);
  }

  bool List(const Dval& json, const Place& at, Dval* value) {
    return json[1].Is(Tag::kList) && Items(Tag::kList, {}, json[1], {&at, {}, 1}, value);
  }
  // Two values, and a list of the others.
  bool Tuple(const Dval& json, const Place& at, Dval* value) {
    Dval first[2];
    return json[3].Is(Tag::kList) && Value(json[1], {&at, {}, 1}, &first[0]) &&
           Value(json[2], {&at, {}, 2}, &first[1]) &&
           Items(Tag::kTuple, first, json[3], {&at, {}, 3}, value);
  }
  bool Object(const Dval& json, const Place& at, Dval* value) {
    if (!json[1].Is(Tag::kObject)) return false;
    const Place place{&at, {}, 1};
    const ObjectNode* object = nullptr;
    bool sound = ObjectEach(json[1].object, [&](const Text* key, const Dval& field) {
      Dval read;
      if (!Value(field, {&place, {key->data, key->size}, 0}, &read)) return false;
      object = ObjectSet(arena_, object, key, read);
      return true;
    });
    *value = Dval::Object(object);
    return sound;
  }

  // Nothing is null.
  bool Option(const Dval& json, const Place& at, Dval* value) {
    if (!json[1].Is(Tag::kNull)) return Wrapped(Tag::kJust, json[1], {&at, {}, 1}, value);
    *value = Dval::Nothing();
    return true;
  }
  bool Outcome(const Dval& json, const Place& at, Dval* value) {
    const Dval& outcome = json[1];
    if (!outcome.Is(Tag::kList) || outcome.count() != 2 || !IsText(outcome[0])) return false;
    const Place place{&at, {}, 1};
    bool ok = outcome[0].view() == "Ok";
    if (!ok && outcome[0].view() != "Error") return false;
    return Wrapped(ok ? Tag::kOk : Tag::kErrorResult, outcome[1], {&place, {}, 1}, value);
  }
  // ["Redirect", url] or ["Response", status, headers, body].
  bool Response(const Dval& json, const Place& at, Dval* value) {
    const Dval& response = json[1];
    if (!response.Is(Tag::kList) || response.count() < 2 || !IsText(response[0])) return false;
    const Place place{&at, {}, 1};
    ResponseData made{0, nullptr, {}, {}};
    if (response[0].view() == "Redirect" && IsText(response[1])) {
      made.redirect = response[1].view();
    } else {
      auto status = WholeNumber<int64_t>(response[1]);
      if (response[0].view() != "Response" || response.count() != 4 || !status ||
          !response[2].Is(Tag::kList))
        return false;
      made.status = *status;
      for (const Dval& header : response[2]) {
        if (!header.Is(Tag::kList) || header.count() != 2 || !IsText(header[0]) ||
            !IsText(header[1]))
          return false;
        made.headers = ObjectSet(arena_, made.headers, header[0].text, header[1]);
      }
      if (!Value(response[3], {&place, {}, 3}, &made.body)) return false;
    }
    *value = MakeResponse(arena_, made);
    return true;
  }

  bool Textual(Tag tag, std::string_view content, Dval* value) {
    *value = MakeTextual(arena_, tag, content);
    return true;
  }
  bool Wrapped(Tag tag, const Dval& json, const Place& at, Dval* value) {
    Dval inner;
    if (!Value(json, at, &inner)) return false;
    *value = MakeWrapped(arena_, tag, inner);
    return true;
  }
  // `first` ones, and those that the list has.
  bool Items(Tag tag, std::span<const Dval> first, const Dval& json, const Place& at, Dval* value) {
    Dval* items = arena_.Array<Dval>(first.size() + json.count());
    std::copy(first.begin(), first.end(), items);
    for (size_t i = 0; i < json.count(); ++i)
      if (!Value(json[i], {&at, {}, i}, &items[first.size() + i])) return false;
    *value = MakeItems(arena_, tag, items, first.size() + json.count());
    return true;
  }

  struct Kind {
    std::string_view name;
    size_t parts;  // at least so many come behind the name
    bool (Reader::*read)(const Dval& json, const Place& at, Dval* value);
  };
  static std::span<const Kind> Kinds();

  Arena& arena_;
  std::string wrong_;
};

std::span<const Reader::Kind> Reader::Kinds() {
  static constexpr Kind kKinds[] = {
      {"DInt", 1, &Reader::Int},
      {"DStr", 1, &Reader::Str},
      {"DObj", 1, &Reader::Object},
      {"DList", 1, &Reader::List},
      {"DBool", 1, &Reader::Bool},
      {"DNull", 0, &Reader::Null},
      {"DFloat", 1, &Reader::Float},
      {"DChar", 1, &Reader::Char},
      {"DTuple", 3, &Reader::Tuple},
      {"DBytes", 1, &Reader::Bytes},
      {"DDate", 1, &Reader::Date},
      {"DUuid", 1, &Reader::Uuid},
      {"DOption", 1, &Reader::Option},
      {"DResult", 1, &Reader::Outcome},
      {"DHttpResponse", 1, &Reader::Response},
      {"DPassword", 0, &Reader::Password},
      {"DError", 2, &Reader::Error},
      {"DIncomplete", 0, &Reader::Incomplete},
      {"DErrorRail", 1, &Reader::ErrorRail},
      {"DDB", 1, &Reader::Datastore},
      {"DLambda", 0, &Reader::Lambda},
      {"DFnVal", 0, &Reader::Lambda},
  };
  return kKinds;
}

bool IsHeaders(const Dval& headers) {
  if (headers.Is(Tag::kObject))
    return ObjectEach(headers.object, [](const Text*, const Dval& one) { return IsText(one); });
  return headers.Is(Tag::kList) && std::all_of(headers.begin(), headers.end(), [](const Dval& one) {
           return one.Is(Tag::kTuple) && one.count() == 2 && IsText(one[0]) && IsText(one[1]);
         });
}

}  // namespace

Result<StoredTrace> ReadStoredTrace(Arena& arena, std::string_view text) {
  Dval json;
  std::string error;
  if (!ReadJson(arena, text, JsonComments::kRefused, &json, &error, JsonNumbers::kFinite,
                bounds::kImportLevels)) {
    size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] != '{')
      error += " (Dark compressed what it stored with brotli: is it decompressed?)";
    return Fail(ErrorCode::kInvalid, "it is not JSON: " + error);
  }
  StoredTrace trace;
  Reader reader(arena);
  if (!reader.Trace(json, &trace))
    return Fail(ErrorCode::kInvalid, "it is no trace of Dark's: " + reader.wrong());
  return trace;
}

bool IsRequest(const Dval& input) {
  if (!input.Is(Tag::kObject)) return false;
  const Dval* url = ObjectGet(input.object, "url");
  const Dval* headers = ObjectGet(input.object, "headers");
  const Dval* full = ObjectGet(input.object, "fullBody");
  return url != nullptr && IsText(*url) && headers != nullptr && IsHeaders(*headers) &&
         (full == nullptr || IsText(*full));
}

}  // namespace nightjar::lang
