#include "worker/lang/http_output.h"

#include <strings.h>

#include "ipc/core/ascii.h"
#include "worker/lang/json_writer.h"
#include "worker/lang/repr.h"

namespace nightjar::lang {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kIncomplete =
    "Application error: the executed code was not complete. This error can be resolved by the "
    "application author by completing the incomplete code.";
constexpr std::string_view kInvalid =
    "Application error: the executed program was invalid. This problem can be resolved by the "
    "application's author by resolving the invalid code (often a type error).";

constexpr std::string_view kNoBytes =
    "Application error: the executed code did not result in a redirect or bytes response.";

// What a value is sent as when nothing says so.
std::string_view InferredType(const Dval& value) {
  return value.Is(Tag::kObject) || value.Is(Tag::kList) ? kJson : kText;
}

void AddHeader(RunOutcome* outcome, std::string_view name, std::string_view value) {
  proto::Header header;
  header.set_name(std::string(name));
  header.set_value(std::string(value));
  outcome->headers.push_back(std::move(header));
}

RunOutcome PlainText(uint32_t status, std::string_view text) {
  RunOutcome outcome;
  outcome.status = status;
  AddHeader(&outcome, "Content-Type", kText);
  outcome.body = text;
  return outcome;
}

RunOutcome TooLarge(uint64_t measured) {
  RunOutcome outcome;
  outcome.limit_hit = proto::SELF_LIMIT_OUTPUT;
  outcome.measured = measured;
  return outcome;
}

// What is written for people to read. Of a type that carries more than its charset nothing is
// known.
bool IsReadable(std::string_view content_type) {
  size_t semicolon = content_type.find(';');
  std::string_view media = content_type.substr(0, semicolon);
  while (media.ends_with(' ')) media.remove_suffix(1);
  while (media.starts_with(' ')) media.remove_prefix(1);
  if (semicolon != std::string_view::npos) {
    std::string_view parameter = content_type.substr(semicolon + 1);
    while (parameter.starts_with(' ')) parameter.remove_prefix(1);
    if (!parameter.starts_with("charset") || parameter.find(';') != std::string_view::npos)
      return false;
  }
  return media == "text/plain" || media == "text/html" || media == "application/xml";
}

bool WriteBody(const Dval& value, std::string_view content_type, uint64_t bytes_max,
               std::string* body) {
  if (value.Is(Tag::kBytes)) {
    *body = value.view();
  } else if (IsReadable(content_type)) {
    // Text is most often one string: it is measured before it is copied.
    if (value.Is(Tag::kString) && value.view().size() > bytes_max) {
      *body = value.view().substr(0, bytes_max + 1);
      return false;
    }
    *body = ReadableText(value);
  } else {
    return WriteJson(value, bytes_max, body);
  }
  return body->size() <= bytes_max;
}

// A status that HTTP does not have, or that is not the last word, is the program's mistake.
bool HasStatus(const ResponseData& response) {
  return response.status >= 200 && response.status <= 999;
}

RunOutcome WrongStatus(const ResponseData& response) {
  RunOutcome outcome = PlainText(500, kInvalid);
  outcome.program_error = true;
  outcome.error = "the response has the status " + std::to_string(response.status);
  return outcome;
}

RunOutcome OfResponse(const ResponseData& response, uint64_t bytes_max) {
  RunOutcome outcome;
  if (!response.redirect.empty()) {
    outcome.status = 302;
    AddHeader(&outcome, "Location", response.redirect);
    return outcome;
  }
  if (!HasStatus(response)) return WrongStatus(response);
  outcome.status = static_cast<uint32_t>(response.status);
  std::string content_type;
  bool typed = false;
  ObjectEach(response.headers, [&](const Text* key, const Dval& value) {
    std::string_view name(key->data, key->size);
    if (!value.Is(Tag::kString)) return true;
    AddHeader(&outcome, name, value.view());
    if (name.size() == 12 && strncasecmp(name.data(), "content-type", 12) == 0) {
      typed = true;
      content_type = value.view();
    }
    return true;
  });
  if (!typed) {
    content_type = InferredType(response.body);
    AddHeader(&outcome, "Content-Type", content_type);
  }
  if (!WriteBody(response.body, content_type, bytes_max, &outcome.body))
    return TooLarge(outcome.body.size());
  return outcome;
}

RunOutcome Failed(std::string_view text, std::string error) {
  RunOutcome outcome = PlainText(500, text);
  outcome.program_error = true;
  outcome.error = std::move(error);
  return outcome;
}

}  // namespace

RunOutcome MakeResponseOutcome(const Dval& value, uint64_t bytes_max) {
  switch (value.tag) {
    case Tag::kIncomplete:
      return Failed(kIncomplete, "the program is not complete");
    case Tag::kError:
      return Failed(kInvalid, std::string(value.error->message));
    case Tag::kErrorRail:
      if (value.inner->Is(Tag::kNothing) || value.inner->Is(Tag::kErrorResult))
        return PlainText(404, "Not found");
      return Failed("Invalid conversion from errorrail",
                    "a value on the error rail is no option and no result");
    case Tag::kResponse:
      return OfResponse(*value.response, bytes_max);
    default:
      break;
  }
  RunOutcome outcome;
  outcome.status = 200;
  AddHeader(&outcome, "Content-Type", InferredType(value));
  if (!WriteJson(value, bytes_max, &outcome.body)) return TooLarge(outcome.body.size());
  return outcome;
}

RunOutcome MakeBytesOutcome(const Dval& value, uint64_t bytes_max) {
  if (!value.Is(Tag::kResponse)) {
    std::string why = value.Is(Tag::kError)        ? std::string(value.error->message)
                      : value.Is(Tag::kIncomplete) ? "the program is not complete"
                                                   : "the value is no response";
    return Failed(kNoBytes, std::move(why));
  }
  const ResponseData& response = *value.response;
  if (!response.redirect.empty()) return OfResponse(response, bytes_max);
  if (!response.body.Is(Tag::kBytes)) return Failed(kNoBytes, "the response's body is no bytes");
  if (!HasStatus(response)) return WrongStatus(response);
  if (response.body.view().size() > bytes_max) return TooLarge(response.body.view().size());
  RunOutcome outcome;
  outcome.status = static_cast<uint32_t>(response.status);
  ObjectEach(response.headers, [&](const Text* key, const Dval& header) {
    if (header.Is(Tag::kString))
      AddHeader(&outcome, ToLowerAscii({key->data, key->size}), header.view());
    return true;
  });
  outcome.body = response.body.view();
  return outcome;
}

RunOutcome ProgramError(std::string error) {
  RunOutcome outcome;
  outcome.status = 500;
  outcome.program_error = true;
  outcome.body = "Application error: " + error;
  outcome.error = std::move(error);
  return outcome;
}

}  // namespace nightjar::lang
