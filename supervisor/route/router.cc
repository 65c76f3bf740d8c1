#include "supervisor/route/router.h"

#include "ipc/core/bounds.h"
#include "supervisor/route/path_segments.h"

namespace nightjar {
namespace {

bool IsVariable(std::string_view segment) {
  return segment.front() == ':';
}

Status CheckHandler(const proto::HandlerEntry& handler) {
  if (handler.name().size() > bounds::kHandlerNameBytes)
    return Fail(ErrorCode::kInvalid, "a handler whose name is too long");
  if (handler.kind() != proto::HANDLER_KIND_HTTP) return {};
  if (handler.method().empty() || handler.route().empty() || handler.route().front() != '/')
    return Fail(ErrorCode::kInvalid, "an HTTP handler without a method or a route");
  if (handler.method().size() + handler.route().size() > bounds::kHandlerNameBytes)
    return Fail(ErrorCode::kInvalid, "an HTTP handler whose route is too long");
  return {};
}

}  // namespace

// A request's path while it is matched: decoded words are kept, because several nodes ask for them.
struct Router::Path {
  explicit Path(std::string_view path) : segments(SplitPath(path)), decoded(segments.size()) {}

  std::string_view Word(size_t at) {
    if (segments[at].find('%') == std::string_view::npos) return segments[at];
    if (decoded[at].empty()) decoded[at] = DecodeSegment(segments[at]);
    return decoded[at];
  }

  std::vector<std::string_view> segments;
  std::vector<std::string> decoded;
};

Result<Router> Router::Create(const proto::Manifest& manifest) {
  if (manifest.handlers_size() > static_cast<int>(bounds::kHandlersPerCanvas))
    return Fail(ErrorCode::kInvalid, "more handlers than a canvas may have");
  Router router;
  for (const proto::HandlerEntry& handler : manifest.handlers()) {
    NJ_TRY(CheckHandler(handler));
    if (handler.kind() == proto::HANDLER_KIND_HTTP) router.Add(handler);
  }
  return router;
}

void Router::Add(const proto::HandlerEntry& handler) {
  auto [root, is_new] = methods_.try_emplace(handler.method(), nodes_.size());
  if (is_new) nodes_.emplace_back();
  uint32_t node = root->second;
  Route route;
  route.tlid = handler.tlid();
  route.handler = handler.name();
  for (std::string_view segment : SplitPath(handler.route())) {
    route.swallows = IsVariable(segment);
    if (route.swallows) route.variables.emplace_back(route.segments, segment.substr(1));
    node = Child(node, std::string(segment));
    ++route.segments;
  }
  nodes_[node].routes.push_back(static_cast<uint32_t>(routes_.size()));
  routes_.push_back(std::move(route));
}

uint32_t Router::Child(uint32_t node, const std::string& segment) {
  auto next = static_cast<uint32_t>(nodes_.size());
  if (IsVariable(segment)) {
    if (nodes_[node].variable != kNowhere) return nodes_[node].variable;
    nodes_[node].variable = next;
  } else {
    auto [word, is_new] = nodes_[node].words.try_emplace(segment, next);
    if (!is_new) return word->second;
  }
  nodes_.emplace_back();
  return next;
}

// The most specific first: a word, then a variable, then an end here. Each node is visited at most
// once, because its depth says which segment it stands for; the recursion is as deep as the
// longest route, which kHandlerNameBytes bounds.
const Router::Node* Router::Find(uint32_t at, size_t depth, Path& path) const {
  const Node& node = nodes_[at];
  bool more = depth < path.segments.size();
  if (more && !node.words.empty()) {
    auto word = node.words.find(path.Word(depth));
    if (word != node.words.end()) {
      if (const Node* found = Find(word->second, depth + 1, path)) return found;
    }
  }
  if (more && node.variable != kNowhere) {
    if (const Node* found = Find(node.variable, depth + 1, path)) return found;
  }
  if (node.routes.empty()) return nullptr;
  // All that end at one node have the same shape, so the first speaks for all.
  return !more || routes_[node.routes.front()].swallows ? &node : nullptr;
}

RouteMatch Router::MatchOf(std::string_view method, Path& path) const {
  RouteMatch match;
  auto root = methods_.find(method);
  if (root == methods_.end()) return match;
  const Node* node = Find(root->second, 0, path);
  if (node == nullptr) return match;
  const Route& route = routes_[node->routes.front()];
  match.kind = node->routes.size() == 1 ? RouteMatch::Kind::kFound : RouteMatch::Kind::kAmbiguous;
  match.tlid = route.tlid;
  match.handler = route.handler;
  for (const auto& [segment, name] : route.variables)
    match.vars.emplace_back(name, path.Word(segment));
  for (size_t at = route.segments; at < path.segments.size(); ++at)
    match.vars.back().second.append("/").append(path.Word(at));
  return match;
}

RouteMatch Router::Match(std::string_view method, std::string_view sent) const {
  Path path(sent);
  RouteMatch match = MatchOf(method, path);
  if (match.kind == RouteMatch::Kind::kNone && method == "HEAD") match = MatchOf("GET", path);
  return match;
}

}  // namespace nightjar
