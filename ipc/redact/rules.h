// Which named parts of a run's input no trace may show, and what stands for them there.
//
// A name is that of a header, of a parameter of a query or a form, of a field of JSON at any depth,
// or of a variable of the route; upper and lower case, '-' and '_' make no difference. With dots it
// is the end of a path: "card.number" is the field `number` of a field `card`, and the parameter
// "card[number]". It decides by names alone and finds nothing itself: request_redactor.h does.
// Immutable; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/proto/worker.pb.h"

namespace nightjar {

// In a list of a policy, this word stands for kUsualNames.
inline constexpr std::string_view kDefaultNames = "defaults";
inline constexpr std::string_view kUsualNames[] = {
    "authorization", "proxy-authorization",
    "cookie",        "set-cookie",
    "x-api-key",     "x-auth-token",
    "password",      "passwd",
    "secret",        "client_secret",
    "token",         "access_token",
    "refresh_token", "id_token",
    "api_key",       "private_key",
};

class RedactionRules {
 public:
  enum class Kind { kKeep, kDrop, kHash };

  RedactionRules() = default;  // keeps everything
  explicit RedactionRules(const proto::Redaction& wish);

  bool empty() const { return names_.empty() && usual_ == Kind::kKeep; }
  // Of the field that these names lead to, the outermost first.
  Kind For(std::span<const std::string> path) const;
  Kind For(std::string_view name) const;
  // What is written where `value` stood.
  std::string Shown(Kind kind, std::string_view value) const;

 private:
  struct Name {
    std::vector<std::string> parts;
    Kind kind;
  };
  void Add(std::string_view name, Kind kind);

  Kind usual_ = Kind::kKeep;  // of kUsualNames
  std::vector<Name> names_;   // others
  std::string key_;
};

// The key that a canvas's values are hashed under: of no use for those of another.
std::string CanvasRedactionKey(std::string_view host_key, std::string_view canvas);

}  // namespace nightjar
