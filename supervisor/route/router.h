// Finds the HTTP handler of a program that a method and path belong to, by classic Dark's rules.
//
// A route is segments: a word matches itself, `:name` matches any one segment, and a `:name` at the
// end also swallows the segments after it, joined by slashes. Repeated, leading and trailing
// slashes do not count, so a variable is never empty. Where several routes match, the first
// segment from the left that differs decides: a word before a variable before no segment at all.
// Two that do not differ are ambiguous. HEAD is served by GET where no HEAD route matches.
//
// It reads the manifest once and keeps what it needs; immutable afterwards, so any thread may
// match. Cost: one look per segment of the longest route, not per handler.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar {

struct RouteMatch {
  enum class Kind { kNone, kFound, kAmbiguous };
  Kind kind = Kind::kNone;
  Tlid tlid = 0;             // of kFound; of kAmbiguous the first of those that are equal
  std::string_view handler;  // its name, "GET /users/:id"; lives as long as the router
  // In the order of the route. Percent-decoded, segment by segment; a segment whose decoding would
  // not be UTF-8 text stays as it was sent.
  std::vector<std::pair<std::string, std::string>> vars;
};

class Router {
 public:
  Router() = default;  // no routes: matches nothing
  // Takes the HTTP handlers of `manifest`, which a worker wrote: a route that is over its bounds or
  // does not start with a slash, or a handler without a method, is kInvalid.
  static Result<Router> Create(const proto::Manifest& manifest);

  // `path` as sent, without the query.
  RouteMatch Match(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    Tlid tlid = 0;
    std::string handler;
    std::vector<std::pair<size_t, std::string>> variables;  // which segment, and its name
    size_t segments = 0;
    bool swallows = false;  // its last segment is a variable
  };
  // Where a route has come to, segment by segment; node 0 of a method is its root.
  struct Node {
    std::map<std::string, uint32_t, std::less<>> words;
    uint32_t variable = kNowhere;
    std::vector<uint32_t> routes;  // that end here; more than one is ambiguous
  };
  struct Path;
  static constexpr uint32_t kNowhere = UINT32_MAX;

  void Add(const proto::HandlerEntry& handler);
  uint32_t Child(uint32_t node, const std::string& segment);
  const Node* Find(uint32_t node, size_t depth, Path& path) const;
  RouteMatch MatchOf(std::string_view method, Path& path) const;

  std::vector<Route> routes_;
  std::vector<Node> nodes_;
  std::map<std::string, uint32_t, std::less<>> methods_;  // to the root of each
};

}  // namespace nightjar
