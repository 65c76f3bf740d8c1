// One request on the control plane on its way to an answer, with what the audit log is to say of
// it.
//
// A value: whatever waits for an answer keeps a copy, and the first answer is the only one. What
// acts is answered when its entry is on the disk, or cannot be (audit_trail.h). Loop thread only.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/control/audit_trail.h"
#include "supervisor/control/url.h"
#include "supervisor/http/server.h"
#include "supervisor/run/deployer.h"

namespace nightjar {

struct ControlCall {
  http::Request request;
  ControlUrl url;
  std::shared_ptr<http::Responder> responder;
  AuditTrail* trail = nullptr;
  std::shared_ptr<proto::AuditEntry> audit = {};  // of what acts; null: it only looks

  // As JSON.
  void Answer(const google::protobuf::Message& message, unsigned status = 200) const;
  void Answer(std::string json, unsigned status = 200) const;
  void Answer(const char* type, std::string body, unsigned status) const;

  // As a ControlError; the status of an Error is what its code means.
  void Fail(unsigned status, const std::string& error, std::string_view code = {}) const;
  void Fail(const Error& error) const;
  void Fail(DeployFailure failure) const;

  // "" for what is not there.
  std::string Query(const std::string& key) const;
  std::string Header(std::string_view name) const;
  // ?NAME= as a moment (moment.h); nullopt: it is not there. An error is a sentence for who asked.
  tl::expected<std::optional<WallTime>, std::string> Moment(const char* name, WallTime now) const;
  struct Span {
    WallTime since, until;
  };
  // Between ?since= and ?until=, else the 24 hours until now.
  tl::expected<Span, std::string> SpanUntil(WallTime now) const;
  // ?n=, within bounds; 0 stands for a value that is no number.
  uint32_t Rows(uint32_t normal) const;
};

}  // namespace nightjar
