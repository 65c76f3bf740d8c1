// What makes a changed, removed or inserted incident show: each is a link that carries the hash of
// the link before it and of its own bytes.
//
// One chain for the store, beside the incidents in the index's file and written in the same
// transactions. It tells that something was changed, not by whom, and a chain that somebody wrote
// anew as a whole is only told by a head that was logged earlier (docs/adr/0016-incident-chain.md).
// Incidents that are older than the chain are counted, not linked. One thread, the index's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/hash_chain.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

class IncidentChain {
 public:
  // Begins the chain where there is none. `db` has the index's tables; it and `clock` outlive the
  // chain.
  static Result<std::unique_ptr<IncidentChain>> Create(Database& db, const Clock& clock);

  struct Link {
    uint64_t number = 0;  // 1, 2, 3 ...
    std::string previous;
    std::string hash;
  };
  // What the next incident's row has to carry; `incident` is exactly what is stored.
  Result<Link> Next(std::string_view incident);
  // It is stored: the chain ends there now. In the same transaction.
  Status Advance(const Link& link);

  // Walks on from where `question` stands, for at most kChainRows links. What is wrong is the
  // answer's; an error is the database's.
  Result<proto::ChainAnswer> Verify(const proto::VerifyIncidents& question);

  // Where one incident stands. kNotFound.
  Result<proto::IncidentLink> Find(const RunId& run);

  // Logs where the chain ends, when that changed since it was last told; kIfDue: and at most once
  // in kChainHeadLogged.
  enum class Telling { kNow, kIfDue };
  void LogHead(Telling telling);

 private:
  struct Record {
    int64_t begun_us = 0;
    uint64_t unlinked = 0;
    uint64_t links = 0;
    std::string head;
  };

  IncidentChain(Database& db, const Clock& clock) : db_(db), clock_(clock) {}
  Status PrepareAll();
  Status Begin();
  Result<bool> Read(Record* record);
  Result<Record> ReadOrBegin();
  Result<int64_t> TimeOf(uint64_t link);
  Result<uint64_t> CountUnlinked();
  Result<Link> LastLinked();
  static bool Take(const Statement& row, ChainWalk* walk);
  Status TellTimes(proto::ChainAnswer* answer);

  Database& db_;
  const Clock& clock_;
  Statement read_, begin_, advance_, last_, unlinked_, time_, walk_, find_;
  std::string logged_;  // the head that was logged last
  MonoTime logged_at_{};
};

}  // namespace nightjar
