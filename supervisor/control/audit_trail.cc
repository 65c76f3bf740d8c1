#include "supervisor/control/audit_trail.h"

#include <google/protobuf/util/json_util.h>
#include <pwd.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/core/log.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

std::string Json(const proto::AuditEntry& entry) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  (void)google::protobuf::util::MessageToJsonString(entry, &json, options);
  return json;
}

// Client's words: of any length, and not always text.
void Shorten(std::string* text) {
  CutToUtf8(text, bounds::kAuditTextBytes);
}

}  // namespace

const std::string& StarterName() {
  static const std::string name = [] {
    // In a user namespace root is somebody else on the host: the first range begins with it.
    uint32_t inside = 0, outside = 0;
    std::ifstream("/proc/self/uid_map") >> inside >> outside;
    passwd found{}, *there = nullptr;
    char text[4096];
    bool known = getpwuid_r(inside == 0 ? outside : 0, &found, text, sizeof text, &there) == 0;
    return known && there != nullptr ? std::string(there->pw_name) : std::string();
  }();
  return name;
}

void AuditTrail::Note(proto::AuditEntry entry, std::function<void(bool)> told) {
  WallTime now = clock_.Wall();
  entry.set_id(RunId::New(now).ToString());
  entry.set_at_unix_us(UnixMicros(now));
  for (std::string* text :
       {entry.mutable_actor(), entry.mutable_action(), entry.mutable_canvas(),
        entry.mutable_object(), entry.mutable_reason(), entry.mutable_outcome()})
    Shorten(text);
  for (proto::AuditParameter& parameter : *entry.mutable_parameters())
    Shorten(parameter.mutable_value());
  auto waiting = std::make_shared<Waiting>();
  waiting->entry = std::move(entry);
  waiting->told = std::move(told);
  waiting->since = clock_.Mono();
  Ask(std::move(waiting));
}

void AuditTrail::NoteOwn(const std::string& action, const std::string& object,
                         const std::string& outcome) {
  proto::AuditEntry entry;
  entry.set_actor("nightjard");
  entry.set_action(action);
  entry.set_object(object);
  entry.set_outcome(outcome);
  Note(std::move(entry), [](bool) {});
}

void AuditTrail::Ask(std::shared_ptr<Waiting> waiting) {
  under_way_.push_back(waiting);
  proto::ToWriter question;
  *question.mutable_append_audit()->mutable_entry() = waiting->entry;
  journal_.Ask(std::move(question), [this, waiting](Result<proto::FromWriter> answer) {
    under_way_.remove(waiting);
    if (!answer) {
      // Loudly, and whole: this line may be all that is left of it.
      LogError("audit_entry_unwritten",
               {{"error", answer.error().ToString()}, {"entry", Json(waiting->entry)}});
      Keep(std::move(waiting->entry));
    }
    if (waiting->told) std::exchange(waiting->told, nullptr)(answer.has_value());
  });
}

void AuditTrail::Keep(proto::AuditEntry entry) {
  if (unwritten_.size() < bounds::kAuditUnwritten)
    unwritten_.push_back(std::move(entry));
  else
    ++lost_;
}

void AuditTrail::Retry() {
  const MonoTime now = clock_.Mono();
  std::vector<std::shared_ptr<Waiting>> late;
  for (const auto& waiting : under_way_)
    if (waiting->told && now - waiting->since >= bounds::kAuditAnswerTime) late.push_back(waiting);
  for (const auto& waiting : late) std::exchange(waiting->told, nullptr)(false);
  // One at a time while it fails: each failure is a line of the log.
  if (unwritten_.empty() || !under_way_.empty()) return;
  auto first = std::make_shared<Waiting>();
  first->entry = std::move(unwritten_.front());
  first->since = now;
  unwritten_.pop_front();
  first->told = [this](bool written) {
    if (written) Retry();
  };
  Ask(std::move(first));
}

void AuditTrail::Verify() {
  if (std::exchange(verifying_, true)) return;
  VerifyFrom(0, "");
}

void AuditTrail::VerifyFrom(uint64_t after, const std::string& hash) {
  proto::ToWriter question;
  question.mutable_verify_audit()->set_after(after);
  question.mutable_verify_audit()->set_hash(hash);
  journal_.Ask(std::move(question), [this, after](Result<proto::FromWriter> answer) {
    verifying_ = false;
    if (!answer) return LogWarning("audit_log_unverified", {{"error", answer.error().ToString()}});
    const proto::ChainAnswer& chain = answer->chain();
    broken_ = !chain.broken().empty();
    if (broken_)
      return LogError(
          "audit_log_broken",
          {{"entry", chain.broken_link()}, {"why", chain.broken()}, {"sound", chain.link()}});
    if (chain.whole())
      return LogInfo("audit_log_sound", {{"entries", chain.link()}, {"head", chain.hash()}});
    if (chain.link() <= after) return;  // a writer that does not go on is not asked for ever
    verifying_ = true;
    VerifyFrom(chain.link(), chain.hash());
  });
}

}  // namespace nightjar
