// From a request that no route took to a handler for it: an empty one is deployed behind what the
// canvas has, and runs at once with that request, so that its author begins with a trace.
//
// The request is what the canvas's 404s keep of it, redacted. Loop thread only.
#pragma once

#include <functional>
#include <string>

#include "supervisor/run/deployer.h"
#include "supervisor/run/run_service.h"

namespace nightjar {

struct MissedOrder {
  std::string canvas;
  std::string method;
  std::string path;   // as the list of 404s has it
  std::string route;  // of the handler: "/users/:id"; empty: the path
  std::string by;
};

class MissedHandler {
 public:
  struct Needs {
    const Clock& clock;
    CanvasBook& book;
    Journal& journal;
    Deployer& deployer;
    RunService& runs;
    std::function<std::shared_ptr<const policy::Policy>()> policy;
    std::string redaction_key;
  };
  using Done = std::function<void(tl::expected<proto::MissedHandled, DeployFailure>)>;

  explicit MissedHandler(Needs needs) : needs_(std::move(needs)) {}

  // `done` once, when the run has ended too. Outlives what it has begun.
  void Deploy(MissedOrder order, Done done);

 private:
  void OnRequest(const MissedOrder& order, RevisionNumber base, const proto::MissedRoute& missed,
                 Done done);
  void OnSource(const MissedOrder& order, RevisionNumber base, const proto::MissedRoute& missed,
                proto::SourceAnswer source, Done done);
  void RunFor(const MissedOrder& order, const proto::MissedRoute& missed,
              proto::MissedHandled handled, Done done);

  Needs needs_;
};

}  // namespace nightjar
