#include "worker/lang/http_input.h"

#include <algorithm>
#include <vector>

#include "worker/lang/json_reader.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return lower;
}

std::string_view Trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Calls visit(part) for what lies between separators.
template <typename F>
void EachPart(std::string_view text, char separator, const F& visit) {
  for (;;) {
    size_t end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { kKept, kSpace };

// What is no escape stays as it stands.
std::string PercentDecoded(std::string_view text, Plus plus) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    int low = high >= 0 ? HexValue(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      decoded += text[i] == '+' && plus == Plus::kSpace ? ' ' : text[i];
    }
  }
  return decoded;
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
      if (equals == std::string_view::npos)
        Set(&params, key, Dval::Null());
      else
        Set(&params, key, Value(part.substr(equals + 1)));
    });
    return Dval::Object(params);
  }

  Dval Headers(const proto::HttpRequest& http) {
    const ObjectNode* headers = nullptr;
    for (const proto::RawHeader& header : http.headers()) {
      std::string name = Lower(header.name());
      const Dval* before = ObjectGet(headers, name);
      std::string value(Trimmed(header.value()));
      Set(&headers, name,
          String(before == nullptr ? value : std::string(before->view()) + "," + value));
    }
    return Dval::Object(headers);
  }

  Dval Cookies(std::string_view header) {
    const ObjectNode* cookies = nullptr;
    EachPart(header, ';', [&](std::string_view part) {
      part = Trimmed(part);
      size_t equals = part.find('=');
      if (equals == std::string_view::npos) return;
      Set(&cookies, PercentDecoded(Trimmed(part.substr(0, equals)), Plus::kKept),
          String(PercentDecoded(Trimmed(part.substr(equals + 1)), Plus::kKept)));
    });
    return Dval::Object(cookies);
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

enum class Media { kJson, kForm, kText, kUnknown };

Media MediaOf(std::string_view content_type) {
  std::string media = Lower(Trimmed(content_type.substr(0, content_type.find(';'))));
  if (media == "application/json") return Media::kJson;
  if (media == "application/x-www-form-urlencoded") return Media::kForm;
  if (media.starts_with("text/") || media.ends_with("xml")) return Media::kText;
  return Media::kUnknown;
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
  if (!body.empty()) {
    if (media == Media::kForm) {
      parsed = form = builder.QueryParams(body);
    } else if (media == Media::kText) {
      parsed = full;
    } else {
      std::string error;
      if (!ReadJson(arena, body, JsonComments::kSkipped, &json, &error)) {
        *refusal =
            media == Media::kJson
                ? "Invalid json: " + std::string(full.view())
                : "Unknown Content-type -- we assumed application/json but invalid JSON was sent";
        return false;
      }
      parsed = json;
    }
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

}  // namespace nightjar::lang
