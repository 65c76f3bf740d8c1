// A request's parts as a trace may show them, and the texts that must not be seen elsewhere either.
//
// One for each run: what it leaves out of the parts is gathered in hidden(), as it stood there, as
// it is once decoded, and in the pieces that programs take such values apart into (the credentials
// of an Authorization header, the user and password of a Basic one, each cookie). Reads bytes of
// anybody: what is not well formed is read as far as it goes, and JSON nested too deep is left out.
// Single thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/redact/rules.h"
#include "ipc/redact/text_mask.h"

namespace nightjar {

class RequestRedactor {
 public:
  using Kind = RedactionRules::Kind;

  explicit RequestRedactor(RedactionRules rules) : rules_(std::move(rules)) {}

  const RedactionRules& rules() const { return rules_; }
  const HiddenTexts& hidden() const { return hidden_; }

  // Of a route: those that are named make segments of the path disappear.
  void AddRouteVariable(std::string_view name, std::string_view value);

  // Each returns what may be shown of the text.
  std::string Header(std::string_view name, std::string_view value);
  std::string Query(std::string_view query);
  // With or without scheme and host.
  std::string Url(std::string_view url);
  // As its type says: a form, JSON, or parts; anything else may be shown as it is. `body` itself,
  // or, where something of it is left out, what may be shown, in *room, no longer than anything is
  // ever written of a text into a trace.
  std::string_view Body(std::string_view content_type, std::string_view body, std::string* room);
  // Hides a value that is read already, of the kind that its name says; of kKeep it is shown.
  std::string Hide(Kind kind, std::string_view value);

  // Of all of a request, for whoever shows none of it. Headers are {name, value}.
  template <typename Request>
  void Gather(const Request& http, std::string_view body) {
    for (const auto& variable : http.route_vars())
      AddRouteVariable(variable.name(), variable.value());
    std::string_view type;
    for (const auto& header : http.headers()) {
      Header(header.name(), header.value());
      if (IsContentType(header.name())) type = header.value();
    }
    Url(http.url());
    std::string room;
    Body(type, body, &room);
  }
  static bool IsContentType(std::string_view name);

 private:
  std::string Path(std::string_view path);
  std::string Cookies(std::string_view cookies);
  void Parts(std::string_view boundary, std::string_view body, std::string* shown);
  void HideCredentials(Kind kind, std::string_view value);

  const RedactionRules rules_;
  HiddenTexts hidden_;
  std::vector<std::pair<std::string, std::string>> segments_;  // of the path, and what is shown
};

}  // namespace nightjar
