#include "conformance/http_file.h"

#include <algorithm>

#include "ipc/core/ascii.h"

namespace nightjar::conformance {
namespace {

constexpr std::string_view kHostSuffix = ".builtwithdark.localhost:10011";
constexpr std::string_view kImport = "<IMPORT_DATA_FROM_FILE=";

std::string_view Trimmed(std::string_view text) {
  return TrimAscii(text, " \t\r");
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The lines up to the first empty one, and what is behind it.
struct Message {
  std::vector<std::string> lines;
  std::string body;
};

Message SplitMessage(std::string_view text) {
  Message message;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    message.lines.emplace_back(line);
  }
  message.body = text;
  return message;
}

bool HasLine(const Message& message, std::string_view lower_start) {
  return std::any_of(message.lines.begin(), message.lines.end(), [&](const std::string& line) {
    return ToLowerAscii(line).starts_with(lower_start);
  });
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& canvas, const ReadImport& import)
      : text_(text), import_(import) {
    case_.canvas = canvas;
  }

  Result<HttpCase> Run() {
    std::string request;
    std::string response;
    std::string* open = nullptr;
    size_t handler = SIZE_MAX;  // whose code it is
    uint32_t number = 0;
    for (size_t at = 0; at < text_.size();) {
      ++number;
      size_t end = std::min(text_.find('\n', at), text_.size());
      std::string_view line = text_.substr(at, end - at);
      std::string_view whole = text_.substr(at, end - at + (end < text_.size() ? 1 : 0));
      at = end + 1;
      std::string header = HeaderIn(line);
      if (open != &response && header == "response") {
        open = &response;
      } else if (open != nullptr) {
        open->append(whole);
      } else if (header == "request") {
        open = &request;
      } else if (header.starts_with("http-")) {
        handler = case_.handlers.size();
        case_.handlers.push_back({header, number, ""});
      } else if (!header.empty()) {
        NJ_TRY(Setting(header));
        handler = SIZE_MAX;
      } else if (handler != SIZE_MAX) {
        case_.handlers[handler].code.append(whole);
      }
    }
    if (open != &response) return Fail(ErrorCode::kInvalid, "there is no [response]");
    NJ_TRY(Request(std::move(request)));
    NJ_TRY(Response(std::move(response)));
    return std::move(case_);
  }

 private:
  // What stands in the brackets of a line that is a header; else "".
  static std::string HeaderIn(std::string_view line) {
    line = Trimmed(line);
    if (!line.starts_with('[') || !line.ends_with(']')) return "";
    std::string_view inside = line.substr(1, line.size() - 2);
    for (std::string_view known : {"request", "response", "allow-incorrect-content-length"})
      if (inside == known) return std::string(inside);
    for (std::string_view known : {"http-handler ", "http-bytes-handler ", "cors ", "secrets ",
                                   "custom-domain ", "canvas-name "})
      if (inside.starts_with(known)) return std::string(inside);
    return "";
  }

  Status Setting(const std::string& header) {
    size_t space = std::min(header.find(' '), header.size());
    std::string kind = header.substr(0, space);
    std::string_view value = Trimmed(std::string_view(header).substr(space));
    if (kind == "cors") case_.cors.push_back(header);
    if (kind == "custom-domain") case_.custom_domain = value;
    if (kind == "canvas-name") case_.canvas = value;
    if (kind != "secrets") return {};
    while (!value.empty()) {
      size_t comma = std::min(value.find(','), value.size());
      std::string_view pair = value.substr(0, comma);
      value.remove_prefix(std::min(comma + 1, value.size()));
      size_t colon = pair.find(':');
      if (colon == std::string_view::npos)
        return Fail(ErrorCode::kInvalid, "a secret is written NAME:VALUE");
      case_.secrets.emplace_back(pair.substr(0, colon), pair.substr(colon + 1));
    }
    return {};
  }

  std::string Named(std::string text) const {
    text = Replaced(std::move(text), "<SPACE>", " ");
    text = Replaced(std::move(text), "HOST", case_.canvas + std::string(kHostSuffix));
    return Replaced(std::move(text), "CANVAS", case_.canvas);
  }

  Result<std::string> Imported(std::string text) const {
    size_t at = text.find(kImport);
    if (at == std::string::npos) return text;
    size_t end = text.find('>', at);
    if (end == std::string::npos) return Fail(ErrorCode::kInvalid, "an import has no end");
    size_t name = at + kImport.size();
    NJ_ASSIGN(std::string data, import_(text.substr(name, end - name)));
    return text.replace(at, end + 1 - at, data);
  }

  Status Request(std::string text) {
    Message message = SplitMessage(text);
    // The line before [response] is empty; so are more where there is no body.
    if (HasLine(message, "transfer-encoding: chunked")) {
      if (message.body.ends_with('\n')) message.body.pop_back();
    } else {
      while (message.body.ends_with('\n')) message.body.pop_back();
    }
    NJ_ASSIGN(std::string body, Imported(Named(std::move(message.body))));
    for (const std::string& line : message.lines) {
      std::string sent = Named(line);
      if (ToLowerAscii(sent).starts_with("content-length:"))
        sent = Replaced(std::move(sent), "LENGTH", std::to_string(body.size()));
      case_.request += sent + "\r\n";
    }
    case_.request += "\r\n" + body;
    return {};
  }

  Status Response(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    NJ_ASSIGN(case_.response, ParseRawResponse(text));
    std::string& body = case_.response.body;
    std::string named = Named(body);
    case_.response.body_names_host = named != body;
    NJ_ASSIGN(body, Imported(std::move(named)));
    for (auto& [name, value] : case_.response.headers) value = Named(std::move(value));
    return {};
  }

  const std::string_view text_;
  const ReadImport& import_;
  HttpCase case_;
};

}  // namespace

Result<HttpCase> ReadHttpFile(std::string_view text, const std::string& canvas,
                              const ReadImport& import) {
  return Reader(text, canvas, import).Run();
}

Result<RawResponse> ParseRawResponse(std::string_view bytes) {
  RawResponse response;
  Message message = SplitMessage(bytes);
  if (message.lines.empty() || !message.lines.front().starts_with("HTTP/1.1 "))
    return Fail(ErrorCode::kProtocol, "there is no status line");
  response.status_line = Trimmed(message.lines.front());
  for (size_t i = 1; i < message.lines.size(); ++i) {
    const std::string& line = message.lines[i];
    size_t colon = line.find(':');
    if (colon == std::string::npos) return Fail(ErrorCode::kProtocol, "no header line: " + line);
    response.headers.emplace_back(ToLowerAscii(line.substr(0, colon)),
                                  Trimmed(std::string_view(line).substr(colon + 1)));
  }
  response.body = std::move(message.body);
  return response;
}

}  // namespace nightjar::conformance
