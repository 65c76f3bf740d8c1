// What the writer keeps of its operators: the audit log, the controls in force and what abuse rules
// have hit.
//
// On a thread of their own, so that no amount of traces on their way to the disk makes an operator
// wait. Blocks; one thread.
#pragma once

#include <memory>
#include <string>

#include "supervisor/writer/audit_log.h"
#include "supervisor/writer/control_store.h"
#include "supervisor/writer/rule_hit_store.h"

namespace nightjar {

class OperatorRecords {
 public:
  // `dir` is the store's directory. An audit log that cannot be opened keeps nobody from serving:
  // it is logged, and tried again with each entry.
  static Result<std::unique_ptr<OperatorRecords>> Open(const std::string& dir);

  // AppendAudit, ListAudit, VerifyAudit, ControlWork, a RuleHit and RuleHitsWanted.
  Result<proto::FromWriter> Answer(const proto::ToWriter& question);

 private:
  OperatorRecords(std::string dir, std::unique_ptr<ControlStore> controls,
                  std::unique_ptr<RuleHitStore> hits)
      : dir_(std::move(dir)), controls_(std::move(controls)), hits_(std::move(hits)) {}
  Result<AuditLog*> Audit();

  const std::string dir_;
  std::unique_ptr<AuditLog> audit_;  // null: it could not be opened
  std::unique_ptr<ControlStore> controls_;
  std::unique_ptr<RuleHitStore> hits_;
};

}  // namespace nightjar
