#include "supervisor/run/missed_handler.h"

#include <algorithm>
#include <utility>

#include "supervisor/run/new_order.h"

namespace nightjar {
namespace {

tl::unexpected<DeployFailure> Failed(Error error) {
  return tl::unexpected<DeployFailure>(DeployFailure{std::move(error), {}});
}

tl::unexpected<DeployFailure> Invalid(std::string sentence) {
  return Failed({ErrorCode::kInvalid, 0, std::move(sentence)});
}

// What may stand in a canvas file's header as it is; the compiler says the rest.
bool IsPlainRoute(std::string_view route) {
  return route.starts_with('/') && std::all_of(route.begin(), route.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("/:._~-%").find(c) != std::string_view::npos;
         });
}

bool IsMethod(std::string_view method) {
  return !method.empty() &&
         std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Whether a handler with this route would take the request.
bool Takes(const std::string& method, const std::string& route, const std::string& path) {
  proto::Manifest alone;
  proto::HandlerEntry& handler = *alone.add_handlers();
  handler.set_tlid(1);
  handler.set_kind(proto::HANDLER_KIND_HTTP);
  handler.set_method(method);
  handler.set_route(route);
  handler.set_name(method + " " + route);
  auto router = Router::Create(alone);
  return router && router->Match(method, path).kind == RouteMatch::Kind::kFound;
}

}  // namespace

void MissedHandler::Deploy(MissedOrder order, Done done) {
  if (order.route.empty()) order.route = order.path;
  RevisionPtr revision = needs_.book.Find(order.canvas);
  if (!revision)
    return done(Failed({ErrorCode::kNotFound, 0, "there is no canvas " + order.canvas}));
  if (!IsMethod(order.method) || !IsPlainRoute(order.route))
    return done(Invalid("a handler cannot be made for " + order.method + " " + order.route +
                        ": give it a route of letters, digits, '/', ':', '.', '_', '~', '-', '%'"));
  if (!Takes(order.method, order.route, order.path))
    return done(
        Invalid("the route " + order.route + " would not take a request for " + order.path));
  RouteMatch match = revision->router.Match(order.method, order.path);
  if (match.kind != RouteMatch::Kind::kNone)
    return done(Invalid("handler " + std::string(match.handler) + " takes it already"));
  proto::ToWriter question;
  question.mutable_get_missed()->set_canvas(order.canvas);
  question.mutable_get_missed()->set_method(order.method);
  question.mutable_get_missed()->set_path(order.path);
  needs_.journal.Ask(
      std::move(question), [this, order = std::move(order), done = std::move(done),
                            base = revision->number](Result<proto::FromWriter> answer) {
        if (!answer) return done(Failed(answer.error()));
        if (answer->missed().routes().empty())
          return done(Failed({ErrorCode::kProtocol, 0, "an answer without a request"}));
        OnRequest(order, base, answer->missed().routes(0), done);
      });
}

void MissedHandler::OnRequest(const MissedOrder& order, RevisionNumber base,
                              const proto::MissedRoute& missed, Done done) {
  proto::ToWriter question;
  proto::GetSource& get = *question.mutable_get_source();
  get.set_canvas(order.canvas);
  get.set_revision(base);
  get.set_append("\n[http-handler " + order.method + " " + order.route + "]\n");
  needs_.journal.Ask(std::move(question), [this, order, base, missed, done = std::move(done)](
                                              Result<proto::FromWriter> answer) {
    if (!answer) return done(Failed(answer.error()));
    OnSource(order, base, missed, std::move(*answer->mutable_source()), done);
  });
}

void MissedHandler::OnSource(const MissedOrder& order, RevisionNumber base,
                             const proto::MissedRoute& missed, proto::SourceAnswer source,
                             Done done) {
  DeployText text;
  text.file_name = order.canvas + ".dark";
  text.text = std::move(*source.mutable_source());
  text.upload = source.upload();
  text.based_on = base;
  needs_.deployer.Deploy(
      order.canvas, std::move(text), order.by,
      [this, order, missed,
       done = std::move(done)](tl::expected<proto::DeployAnswer, DeployFailure> deployed) {
        if (!deployed) return done(tl::unexpected<DeployFailure>(std::move(deployed.error())));
        proto::MissedHandled handled;
        *handled.mutable_deploy() = std::move(*deployed);
        handled.set_handler(order.method + " " + order.route);
        RunFor(order, missed, std::move(handled), done);
      });
}

void MissedHandler::RunFor(const MissedOrder& asked, const proto::MissedRoute& missed,
                           proto::MissedHandled handled, Done done) {
  RevisionPtr revision = needs_.book.Find(asked.canvas);
  RouteMatch match = revision->router.Match(asked.method, asked.path);
  if (!missed.has_request() || match.kind != RouteMatch::Kind::kFound)
    return done(std::move(handled));
  RunOrder order = NewOrder(needs_.clock, *needs_.policy(), needs_.redaction_key, revision,
                            *revision->Handler(match.tlid));
  order.caller = missed.caller();
  order.request_line = missed.request_line();
  order.wanted_by = WantedBy::kOperator;
  proto::HttpRequest& http = *order.message.mutable_http();
  http = missed.request();
  order.body = std::move(*http.mutable_body());
  http.clear_body();
  for (const auto& [name, value] : match.vars) {
    proto::Header& variable = *http.add_route_vars();
    variable.set_name(name);
    variable.set_value(value);
  }
  handled.set_run_id(order.id.ToString());
  order.done = [done = std::move(done), handled = std::move(handled)](const RunResult&) mutable {
    done(std::move(handled));
  };
  needs_.runs.Start(std::move(order));
}

}  // namespace nightjar
