#include "supervisor/writer/operator_records.h"

#include "ipc/core/log.h"

namespace nightjar {

Result<std::unique_ptr<OperatorRecords>> OperatorRecords::Open(const std::string& dir) {
  NJ_ASSIGN(auto controls, ControlStore::Create(dir + "/controls.db"));
  NJ_ASSIGN(auto hits, RuleHitStore::Create(dir + "/rule_hits.db"));
  std::unique_ptr<OperatorRecords> records(
      new OperatorRecords(dir, std::move(controls), std::move(hits)));
  if (auto audit = records->Audit(); !audit)
    LogError("audit_log_unopened", {{"error", audit.error().ToString()}});
  return records;
}

Result<AuditLog*> OperatorRecords::Audit() {
  if (audit_ == nullptr) {
    NJ_ASSIGN(audit_, AuditLog::Open(dir_ + "/audit"));
  }
  return audit_.get();
}

Result<proto::FromWriter> OperatorRecords::Answer(const proto::ToWriter& question) {
  proto::FromWriter answer;
  switch (question.kind_case()) {
    case proto::ToWriter::kAppendAudit: {
      NJ_ASSIGN(AuditLog * audit, Audit());
      NJ_ASSIGN(uint64_t number, audit->Append(question.append_audit().entry()));
      answer.mutable_audit_appended()->set_number(number);
      return answer;
    }
    case proto::ToWriter::kListAudit: {
      NJ_ASSIGN(AuditLog * audit, Audit());
      NJ_ASSIGN(*answer.mutable_audit(), audit->List(question.list_audit()));
      return answer;
    }
    case proto::ToWriter::kVerifyAudit: {
      NJ_ASSIGN(AuditLog * audit, Audit());
      NJ_ASSIGN(*answer.mutable_chain(), audit->Verify(question.verify_audit()));
      return answer;
    }
    case proto::ToWriter::kControlWork: {
      const proto::ControlWork& work = question.control_work();
      if (work.has_save()) NJ_TRY(controls_->Save(work.save()));
      if (work.remove() > 0) NJ_TRY(controls_->Remove(work.remove()));
      answer.mutable_controls();
      if (!work.has_save() && work.remove() == 0) {
        NJ_ASSIGN(*answer.mutable_controls(), controls_->Load());
      }
      return answer;
    }
    case proto::ToWriter::kSaveRuleHit:
      NJ_TRY(hits_->Save(question.save_rule_hit()));
      return answer;
    case proto::ToWriter::kRuleHitsWanted: {
      NJ_ASSIGN(*answer.mutable_rule_hits(), hits_->List(question.rule_hits_wanted()));
      return answer;
    }
    default:
      return Fail(ErrorCode::kInvalid, "a question that these records do not know");
  }
}

}  // namespace nightjar
