// The supervisor's side of the audit log: gives each entry to the storage writer, and keeps those
// that it could not take.
//
// What acts is never held up by its entry: it is done, and an answer waits for the entry for
// bounds::kAuditAnswerTime at most. An entry that cannot be written is logged whole at once, kept
// (bounded) and written when that is possible again (docs/adr/0031-audit-and-controls.md). Loop
// thread only.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "ipc/core/clock.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/journal/journal.h"

namespace nightjar {

// Of who started the supervisor, whom the control plane serves: as the host's users have it; empty
// where it has none. Blocks at its first call.
const std::string& StarterName();

class AuditTrail {
 public:
  // Both outlive it.
  AuditTrail(const Clock& clock, Journal& journal) : clock_(clock), journal_(journal) {}

  // Sets id and time. `told` is called once, with whether the entry is on the disk.
  void Note(proto::AuditEntry entry, std::function<void(bool written)> told);
  // The same for what the supervisor does by itself.
  void NoteOwn(const std::string& action, const std::string& object, const std::string& outcome);
  // Writes what could not be written, and tells whoever has waited long enough. Every second, and
  // when there is a writer.
  void Retry();
  // Walks along the whole log, part by part, and says what it finds in the log and in figures().
  void Verify();
  // No entry is on its way to the writer.
  bool settled() const { return under_way_.empty(); }

  struct Figures {
    size_t unwritten = 0;
    uint64_t lost = 0;  // there was no room to keep them
    bool broken = false;
  };
  Figures figures() const { return {unwritten_.size(), lost_, broken_}; }

 private:
  struct Waiting {
    proto::AuditEntry entry;
    std::function<void(bool)> told;  // empty: it was
    MonoTime since{};
  };
  void Ask(std::shared_ptr<Waiting> waiting);
  void Keep(proto::AuditEntry entry);
  void VerifyFrom(uint64_t after, const std::string& hash);

  const Clock& clock_;
  Journal& journal_;
  std::list<std::shared_ptr<Waiting>> under_way_;
  std::deque<proto::AuditEntry> unwritten_;
  uint64_t lost_ = 0;
  bool broken_ = false;
  bool verifying_ = false;
};

}  // namespace nightjar
