#include "worker/lang/http_input.h"

#include <algorithm>
#include <vector>

#include "ipc/core/ascii.h"
#include "ipc/core/percent.h"
#include "worker/lang/json_reader.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {
namespace {

std::string_view Trimmed(std::string_view text) {
  return TrimAscii(text, " \t");
}

class Builder {
 public:
  explicit Builder(Arena& arena) : arena_(arena) {}

  Dval String(std::string_view text) { return NormalString(arena_, text); }
  void Set(const ObjectNode** object, std::string_view key, const Dval& value) {
    *object = ObjectSet(arena_, *object, NormalString(arena_, key).text, value);
  }

  // A parameter with commas is a list; one without a value is null; of two the last is taken.
  Dval QueryParams(std::string_view query) {
    const ObjectNode* params = nullptr;
    EachPart(query, '&', [&](std::string_view part) {
      if (part.empty()) return;
      size_t equals = part.find('=');
      std::string key = PercentDecoded(part.substr(0, equals), Plus::kSpace);
      if (equals == std::string_view::npos || equals + 1 == part.size())
        Set(&params, key, Dval::Null());
      else
        Set(&params, key, Value(part.substr(equals + 1)));
    });
    return Dval::Object(params);
  }

  Dval Headers(const proto::HttpRequest& http) {
    const ObjectNode* headers = nullptr;
    for (const proto::RawHeader& header : http.headers()) {
      std::string name = ToLowerAscii(header.name());
      const Dval* before = ObjectGet(headers, name);
      std::string value(Trimmed(header.value()));
      Set(&headers, name,
          String(before == nullptr ? value : std::string(before->view()) + "," + value));
    }
    return Dval::Object(headers);
  }

  // Those without a name or a value are left out; a name that is there twice makes all of them an
  // error.
  Dval Cookies(std::string_view header) {
    const ObjectNode* cookies = nullptr;
    std::string twice;
    EachPart(header, ';', [&](std::string_view part) {
      part = Trimmed(part);
      size_t equals = part.find('=');
      if (equals == std::string_view::npos || equals == 0) return;
      std::string name = PercentDecoded(part.substr(0, equals), Plus::kSpace);
      if (ObjectGet(cookies, NormalString(arena_, name).view()) != nullptr) twice = name;
      Set(&cookies, name, String(PercentDecoded(part.substr(equals + 1), Plus::kSpace)));
    });
    return twice.empty() ? Dval::Object(cookies) : MakeError(arena_, "Duplicate key: " + twice);
  }

 private:
  Dval Value(std::string_view text) {
    if (text.find(',') == std::string_view::npos) return String(PercentDecoded(text, Plus::kSpace));
    std::vector<Dval> items;
    EachPart(text, ',', [&](std::string_view item) {
      items.push_back(String(PercentDecoded(item, Plus::kSpace)));
    });
    Dval* copy = arena_.Array<Dval>(items.size());
    std::copy(items.begin(), items.end(), copy);
    return MakeList(arena_, copy, items.size());
  }

  Arena& arena_;
};

std::string_view HeaderNamed(const ObjectNode* headers, std::string_view name) {
  const Dval* value = ObjectGet(headers, name);
  return value == nullptr ? std::string_view() : value->view();
}

enum class Media { kJson, kForm, kText, kOther };

// As classic Dark read it: the type alone or with its charset, written in lower case.
Media MediaOf(std::string_view content_type) {
  size_t semicolon = content_type.find(';');
  std::string_view media = Trimmed(content_type.substr(0, semicolon));
  if (semicolon != std::string_view::npos) {
    std::string_view parameter = Trimmed(content_type.substr(semicolon + 1));
    size_t equals = parameter.find('=');
    bool charset = equals != std::string_view::npos &&
                   Trimmed(parameter.substr(0, equals)) == "charset" &&
                   parameter.find(';') == std::string_view::npos &&
                   parameter.find('=', equals + 1) == std::string_view::npos;
    if (!charset) return Media::kOther;
  }
  if (media == "application/json") return Media::kJson;
  if (media == "application/x-www-form-urlencoded") return Media::kForm;
  if (media.starts_with("text/") || media == "application/xml") return Media::kText;
  return Media::kOther;
}

}  // namespace

bool MakeRequest(Arena& arena, const proto::HttpRequest& http, std::string_view body, Dval* request,
                 std::string* refusal) {
  Builder builder(arena);
  Dval headers = builder.Headers(http);
  Media media = MediaOf(HeaderNamed(headers.object, "content-type"));
  Dval full = builder.String(body);
  Dval json;
  Dval form;
  Dval parsed;
  if (!body.empty() && media == Media::kForm) {
    parsed = form = builder.QueryParams(body);
  } else if (!body.empty()) {
    std::string error;
    bool read = ReadJson(arena, body, JsonComments::kSkipped, &parsed, &error);
    if (!read && media == Media::kText) {
      parsed = full;
    } else if (!read) {
      *refusal =
          media == Media::kJson
              ? "Invalid json: " + std::string(full.view())
              : "Unknown Content-type -- we assumed application/json but invalid JSON was sent";
      return false;
    }
    if (media == Media::kJson) json = parsed;
  }
  const ObjectNode* record = nullptr;
  builder.Set(&record, "body", parsed);
  builder.Set(&record, "jsonBody", json);
  builder.Set(&record, "formBody", form);
  builder.Set(&record, "fullBody", full);
  builder.Set(&record, "headers", headers);
  builder.Set(&record, "cookies", builder.Cookies(HeaderNamed(headers.object, "cookie")));
  builder.Set(&record, "queryParams", builder.QueryParams(http.query()));
  builder.Set(&record, "url", builder.String(http.url()));
  *request = Dval::Object(record);
  return true;
}

bool MakeBytesRequest(Arena& arena, const proto::HttpRequest& http, std::string_view body,
                      Dval* request) {
  Builder builder(arena);
  Dval* headers = arena.Array<Dval>(static_cast<size_t>(http.headers_size()));
  size_t count = 0;
  for (const proto::RawHeader& header : http.headers()) {
    Dval* pair = arena.Array<Dval>(2);
    pair[0] = builder.String(ToLowerAscii(header.name()));
    pair[1] = builder.String(Trimmed(header.value()));
    headers[count++] = MakeItems(arena, Tag::kTuple, pair, 2);
  }
  const ObjectNode* record = nullptr;
  builder.Set(&record, "body", MakeTextual(arena, Tag::kBytes, body));
  builder.Set(&record, "headers", MakeList(arena, headers, count));
  builder.Set(&record, "url", builder.String(http.url()));
  *request = Dval::Object(record);
  return true;
}

}  // namespace nightjar::lang
