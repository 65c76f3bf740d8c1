#include "supervisor/route/router.h"

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "supervisor/route/path_segments.h"

namespace nightjar {
namespace {

using Kind = RouteMatch::Kind;
using Vars = std::vector<std::pair<std::string, std::string>>;

proto::HandlerEntry Http(const std::string& method, const std::string& route, Tlid tlid) {
  proto::HandlerEntry handler;
  handler.set_tlid(tlid);
  handler.set_kind(proto::HANDLER_KIND_HTTP);
  handler.set_method(method);
  handler.set_route(route);
  handler.set_name(method + " " + route);
  return handler;
}

// A router of GET routes; tlids count from 1.
Router Gets(const std::vector<std::string>& routes) {
  proto::Manifest manifest;
  for (const std::string& route : routes)
    *manifest.add_handlers() = Http("GET", route, manifest.handlers_size() + 1);
  auto router = Router::Create(manifest);
  EXPECT_TRUE(router.has_value());
  return std::move(*router);
}

TEST(RouterTest, BindsVariablesAsClassicDarkDoes) {
  struct Case {
    std::string route, path;
    bool matches;
    Vars vars;
  };
  const Case cases[] = {
      {"/", "/", true, {}},
      {"/", "/a", false, {}},
      {"/", "/a/b/c/d", false, {}},
      {"/user/:id", "/user/7", true, {{"id", "7"}}},
      {"/user/:id", "/user/", false, {}},
      {"/user/:id", "/user", false, {}},
      {"/user/:userid/card/:cardid", "/user/me/card/0", true, {{"userid", "me"}, {"cardid", "0"}}},
      {"/:a/:b/:c", "/a/b/c/d/e", true, {{"a", "a"}, {"b", "b"}, {"c", "c/d/e"}}},
      {"/:a", "/", false, {}},
      {"/:a", "/x//y///z/", true, {{"a", "x/y/z"}}},
      {"/a/:b/c/d", "/a/b/c/e", false, {}},
      {"/a/:b/c", "/a/b/c/d", false, {}},
      {"/letters:var", "/lettersextra", false, {}},
      {"/letters:var", "/letters:var", true, {}},
      {"/hello///test", "/hello/test", true, {}},
      {"///hello/test//", "/hello//test///", true, {}},
      {"/hello/test", "//hello/test", true, {}},
      {"/Hello", "/hello", false, {}},
  };
  for (const Case& c : cases) {
    RouteMatch match = Gets({c.route}).Match("GET", c.path);
    EXPECT_EQ(match.kind == Kind::kFound, c.matches) << c.route << " on " << c.path;
    EXPECT_EQ(match.vars, c.vars) << c.route << " on " << c.path;
  }
}

TEST(RouterTest, TheMostSpecificFromTheLeftWins) {
  struct Case {
    std::vector<std::string> routes;
    std::string path, winner;
  };
  const Case cases[] = {
      {{"/:foo", "/a"}, "/a", "/a"},
      {{"/:foo", "/a"}, "/b", "/:foo"},
      {{"/:first", "/:first/:second"}, "/some/req", "/:first/:second"},
      {{"/:first", "/:first/:second"}, "/some", "/:first"},
      {{"/:a/b/c/d/:e/:f", "/:a/b/c/:d/e/f"}, "/a/b/c/d/e/f", "/:a/b/c/d/:e/:f"},
      {{"/a/:b/:c", "/:a/b/c"}, "/a/b/c", "/a/:b/:c"},
      {{"/:a/b/c", "/a/:b/c", "/a/b/:c"}, "/a/b/c", "/a/b/:c"},
      // The more specific beginning leads nowhere: the other one is found after all.
      {{"/a/b/c", "/:x/b/d"}, "/a/b/d", "/:x/b/d"},
      {{"/a/:rest", "/:x/b/c"}, "/a/b/c", "/a/:rest"},
      {{"/a", "/:x"}, "/a/b", "/:x"},
  };
  for (const Case& c : cases) {
    Router router = Gets(c.routes);
    RouteMatch match = router.Match("GET", c.path);
    ASSERT_EQ(match.kind, Kind::kFound) << c.path;
    EXPECT_EQ(match.handler, "GET " + c.winner) << c.path;
    EXPECT_EQ(c.routes[match.tlid - 1], c.winner);
  }
}

TEST(RouterTest, TwoOfTheSameShapeAreAmbiguousWhereBothMatch) {
  Router router = Gets({"/:first", "/:first/:second", "/:foo/:bar", "/same", "/same/"});
  EXPECT_EQ(router.Match("GET", "/some/req").kind, Kind::kAmbiguous);
  EXPECT_EQ(router.Match("GET", "/some/more/req").kind, Kind::kAmbiguous);
  EXPECT_EQ(router.Match("GET", "/same").kind, Kind::kAmbiguous);
  EXPECT_EQ(router.Match("GET", "/one").kind, Kind::kFound);
}

TEST(RouterTest, HeadIsServedByGetWhereNoHeadRouteMatches) {
  proto::Manifest manifest;
  *manifest.add_handlers() = Http("GET", "/a", 1);
  *manifest.add_handlers() = Http("GET", "/b", 2);
  *manifest.add_handlers() = Http("HEAD", "/a", 3);
  Router router = std::move(*Router::Create(manifest));
  EXPECT_EQ(router.Match("HEAD", "/a").tlid, 3u);
  EXPECT_EQ(router.Match("HEAD", "/b").tlid, 2u);
  EXPECT_EQ(router.Match("HEAD", "/c").kind, Kind::kNone);
  EXPECT_EQ(router.Match("GET", "/a").tlid, 1u);
  EXPECT_EQ(router.Match("get", "/a").kind, Kind::kNone);
  EXPECT_EQ(router.Match("BREW", "/a").kind, Kind::kNone);
}

TEST(RouterTest, DecodesSegmentBySegment) {
  Router router = Gets({"/caf\u00e9/:what", "/:a/x/:b"});
  EXPECT_EQ(router.Match("GET", "/caf%C3%A9/cr%C3%a8me%20br%25").vars,
            (Vars{{"what", "cr\u00e8me br%"}}));
  EXPECT_EQ(router.Match("GET", "/a%2Fb/x/c/d%2fe+f").vars, (Vars{{"a", "a/b"}, {"b", "c/d/e+f"}}));
  // Not text once decoded: left as sent.
  EXPECT_EQ(router.Match("GET", "/%ff%fe/x/%00").vars, (Vars{{"a", "%ff%fe"}, {"b", "%00"}}));
  EXPECT_EQ(router.Match("GET", "/%zz/x/%1").vars, (Vars{{"a", "%zz"}, {"b", "%1"}}));
  EXPECT_EQ(DecodeSegment("%"), "%");
}

TEST(RouterTest, OtherHandlersAreNotRoutes) {
  proto::Manifest manifest;
  proto::HandlerEntry worker = Http("GET", "/a", 1);
  worker.set_kind(proto::HANDLER_KIND_WORKER);
  *manifest.add_handlers() = worker;
  EXPECT_EQ(Router::Create(manifest)->Match("GET", "/a").kind, Kind::kNone);
  EXPECT_EQ(Router().Match("GET", "/").kind, Kind::kNone);
}

TEST(RouterTest, RefusesAManifestThatNoCompilerWrites) {
  auto create = [](proto::HandlerEntry handler) {
    proto::Manifest manifest;
    *manifest.add_handlers() = std::move(handler);
    return Router::Create(manifest).has_value();
  };
  EXPECT_TRUE(create(Http("GET", "/a", 1)));
  EXPECT_FALSE(create(Http("", "/a", 1)));
  EXPECT_FALSE(create(Http("GET", "", 1)));
  EXPECT_FALSE(create(Http("GET", "a", 1)));
  EXPECT_FALSE(create(Http("GET", "/" + std::string(bounds::kHandlerNameBytes, 'a'), 1)));
  // Names go into every message about a run, whatever kind of handler it is.
  proto::HandlerEntry worker;
  worker.set_kind(proto::HANDLER_KIND_WORKER);
  worker.set_name(std::string(bounds::kHandlerNameBytes, 'w'));
  EXPECT_TRUE(create(worker));
  worker.set_name(worker.name() + "w");
  EXPECT_FALSE(create(worker));
  proto::Manifest many;
  for (size_t i = 0; i <= bounds::kHandlersPerCanvas; ++i)
    *many.add_handlers() = Http("GET", "/" + std::to_string(i), i);
  EXPECT_FALSE(Router::Create(many).has_value());
}

TEST(RouterTest, AllHandlersOfAFullCanvasAreFound) {
  std::vector<std::string> routes;
  for (size_t i = 0; i < bounds::kHandlersPerCanvas; ++i)
    routes.push_back("/r" + std::to_string(i % 50) + "/:v/s" + std::to_string(i));
  Router router = Gets(routes);
  for (size_t i = 0; i < routes.size(); ++i) {
    RouteMatch match =
        router.Match("GET", "/r" + std::to_string(i % 50) + "/x/s" + std::to_string(i));
    EXPECT_EQ(match.tlid, i + 1);
  }
  EXPECT_EQ(router.Match("GET", std::string(8000, '/') + "r1" + std::string(8000, 'a')).kind,
            Kind::kNone);
}

}  // namespace
}  // namespace nightjar
