// Revisions of canvases whose program is a few bytes that nobody reads.
#pragma once

#include <string>
#include <utility>

#include "ipc/core/check.h"
#include "supervisor/canvas/revision.h"

namespace nightjar::testing {

inline constexpr Tlid kHelloTlid = 11;
inline constexpr Tlid kJobTlid = 12;

// Answers `GET /hello/:name`, and has a worker named `Job`.
inline RevisionPtr SomeRevision(const std::string& canvas, RevisionNumber number) {
  Revision revision;
  revision.canvas = canvas;
  revision.number = number;
  proto::HandlerEntry& http = *revision.manifest.add_handlers();
  http.set_tlid(kHelloTlid);
  http.set_kind(proto::HANDLER_KIND_HTTP);
  http.set_method("GET");
  http.set_route("/hello/:name");
  http.set_name("GET /hello/:name");
  proto::HandlerEntry& job = *revision.manifest.add_handlers();
  job.set_tlid(kJobTlid);
  job.set_kind(proto::HANDLER_KIND_WORKER);
  job.set_name("Job");
  auto router = Router::Create(revision.manifest);
  auto program = CreateImmutableMemfd("test-program", "program");
  CHECK(router.has_value() && program.has_value());
  revision.router = std::move(*router);
  revision.program = std::move(*program);
  revision.program_bytes = 7;
  return std::make_shared<const Revision>(std::move(revision));
}

}  // namespace nightjar::testing
