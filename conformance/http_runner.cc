#include "conformance/http_runner.h"

#include "conformance/needs.h"
#include "conformance/raw_exchange.h"
#include "conformance/same_response.h"
#include "conformance/undrained_ring.h"
#include "ipc/core/bounds.h"
#include "supervisor/front/answers.h"
#include "supervisor/front/http_message.h"
#include "worker/engine.h"
#include "worker/lang/parser.h"
#include "worker/stdlib/library.h"

namespace nightjar::conformance {
namespace {

constexpr uint64_t kFirstId = 1'000'000;
constexpr uint64_t kDepthMax = 1000;
constexpr uint64_t kOutputBytesMax = 4 * bounds::kMiB;
constexpr uint64_t kTraceBytesMax = 1 * bounds::kMiB;
constexpr std::chrono::seconds kPatience(5);  // with one answer

// A canvas as a deploy would make it, out of the parts that a file writes it in.
struct Site {
  proto::Program program;
  proto::Manifest manifest;
  std::string error;
};

void AddHandler(const HttpHandler& handler, Site* site) {
  lang::ParseResult parsed = lang::ParseCanvas("[" + handler.header + "]\n");
  lang::ParsedExpression body =
      lang::ParseExpression(handler.code, kFirstId, handler.line + 1, lang::Notation::kDarkTests);
  const auto& errors = parsed.errors.empty() ? body.errors : parsed.errors;
  if (!errors.empty()) {
    site->error = "syntax error at " + std::to_string(errors[0].line()) + ":" +
                  std::to_string(errors[0].column()) + ": " + errors[0].message();
    return;
  }
  // Two handlers may have the same route here, which a canvas file may not.
  auto tlid = static_cast<uint64_t>(site->program.handlers_size() + 1);
  proto::HandlerDef& def = *site->program.add_handlers();
  def = std::move(*parsed.program.mutable_handlers(0));
  def.set_tlid(tlid);
  *def.mutable_body() = std::move(*body.expr);
  proto::HandlerEntry& entry = *site->manifest.add_handlers();
  entry = std::move(*parsed.manifest.mutable_handlers(0));
  entry.set_tlid(tlid);
}

Site SiteOf(const HttpCase& one) {
  Site site;
  site.program.set_format(lang::kProgramFormat);
  for (const HttpHandler& handler : one.handlers) AddHandler(handler, &site);
  for (const std::string& cors : one.cors) {
    lang::ParseResult parsed = lang::ParseCanvas("[" + cors + "]\n");
    if (!parsed.errors.empty()) site.error = parsed.errors[0].message();
    if (parsed.manifest.has_cors()) *site.manifest.mutable_cors() = parsed.manifest.cors();
  }
  for (const auto& [name, value] : one.secrets) {
    proto::Secret& secret = *site.program.add_secrets();
    secret.set_name(name);
    secret.set_value(value);
  }
  return site;
}

}  // namespace

class HttpRunner::Impl {
 public:
  Impl(std::unique_ptr<Loop> loop, std::unique_ptr<UndrainedRing> ring)
      : loop_(std::move(loop)), ring_(std::move(ring)), engine_(CreateDarkEngine()) {}

  Status Listen() {
    NJ_ASSIGN(Fd listener, http::ListenTcp("127.0.0.1:0"));
    NJ_ASSIGN(address_, http::BoundAddress(listener));
    NJ_ASSIGN(server_,
              http::Server::Create(*loop_, clock_, std::move(listener), {},
                                   [this](http::Request request, http::Responder responder) {
                                     responder.Send(Answer(std::move(request)));
                                   }));
    return {};
  }

  CaseResult Run(const HttpCase& one) {
    site_ = SiteOf(one);
    if (!site_.error.empty()) return CaseResult::Failed("", site_.error);
    Uses uses;
    AddUses(site_.program, lang::DarkLibrary(), &uses);
    if (!uses.outside.empty()) return CaseResult::Skipped(uses.outside);
    auto router = Router::Create(site_.manifest);
    if (!router) return CaseResult::Failed("", router.error().context);
    router_ = std::move(*router);
    Status loaded = engine_->Load(site_.program.SerializeAsString());
    if (!loaded) return CaseResult::Failed("", loaded.error().context);
    canvas_ = one.canvas;
    domain_ = one.custom_domain;
    auto bytes = Exchange(*loop_, address_, one.request, kPatience);
    if (!bytes) return CaseResult::Failed("", bytes.error().ToString());
    auto actual = ParseRawResponse(*bytes);
    if (!actual) return CaseResult::Failed("", actual.error().ToString());
    if (SameResponse(*actual, one.response)) return {};
    return CaseResult::Failed(TextOf(one.response), TextOf(*actual));
  }

 private:
  // What the front door does, with the engine in place of a lent worker.
  http::Response Answer(http::Request request) {
    std::string canvas =
        request.host == domain_ ? canvas_ : request.host.substr(0, request.host.find('.'));
    if (!IsCanvasName(canvas) || canvas != canvas_) return NoCanvasAnswer();
    RouteMatch match = router_.Match(request.method, PathOf(request));
    if (auto answer = UnroutedAnswer(request, match, site_.manifest)) return std::move(*answer);
    const proto::HandlerEntry& handler = site_.manifest.handlers(static_cast<int>(match.tlid) - 1);
    std::optional<std::string> origin;
    if (!handler.bytes()) origin = AllowedOrigin(request, site_.manifest);
    proto::Run run;
    run.set_run_id(std::string(RunId::New(clock_.Wall()).bytes()));
    run.set_tlid(match.tlid);
    run.mutable_limits()->set_call_depth_max(kDepthMax);
    run.mutable_limits()->set_output_bytes_max(kOutputBytesMax);
    run.mutable_limits()->set_trace_bytes_max(kTraceBytesMax);
    FillHttp(request, match, handler, run.mutable_http());
    std::string body = TakeBody(&request);
    RunOutcome outcome = engine_->Run(run, body, ring_->recorder());
    if (outcome.limit_hit != proto::SELF_LIMIT_UNSPECIFIED) return {500, {}, "ended at a limit"};
    return RunAnswer(outcome.status, std::move(outcome.headers), std::move(outcome.body),
                     outcome.request_refused ? std::nullopt : origin);
  }

  SystemClock clock_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<UndrainedRing> ring_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<http::Server> server_;
  std::string address_;
  // Of the case that runs.
  Site site_;
  Router router_;
  std::string canvas_;
  std::string domain_;
};

HttpRunner::HttpRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpRunner::~HttpRunner() = default;

Result<std::unique_ptr<HttpRunner>> HttpRunner::Create() {
  NJ_ASSIGN(std::unique_ptr<Loop> loop, Loop::Create());
  NJ_ASSIGN(std::unique_ptr<UndrainedRing> ring, UndrainedRing::Create());
  auto impl = std::make_unique<Impl>(std::move(loop), std::move(ring));
  NJ_TRY(impl->Listen());
  return std::unique_ptr<HttpRunner>(new HttpRunner(std::move(impl)));
}

CaseResult HttpRunner::Run(const HttpCase& one) {
  return impl_->Run(one);
}

}  // namespace nightjar::conformance
