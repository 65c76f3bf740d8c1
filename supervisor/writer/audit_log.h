// The audit log: what was done on the control plane, and by whom, in files that are only ever
// appended to, each entry a link of one chain of hashes that goes on from file to file.
//
//   DIR/00000000000000000001.log    named after its first entry: a line each, NUMBER PREVIOUS HASH
//   DIR/00000000000000000731.log    JSON
//   DIR/head                        the number and hash of the last entry, so that a cut end shows
//
// An entry is on the disk when Append() returns. Nothing is ever removed or rewritten but a line
// that a crash left unfinished. What a broken chain means is not judged here: the log goes on
// behind it, and Verify() tells. Blocks; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

class AuditLog {
 public:
  // Makes the directory. A file of more than `file_bytes_max` is followed by the next one.
  static Result<std::unique_ptr<AuditLog>> Open(const std::string& dir,
                                                size_t file_bytes_max = bounds::kAuditFileBytes);

  // Its number. An entry whose id is in the log already is not written again.
  Result<uint64_t> Append(proto::AuditEntry entry);
  // Newest first.
  Result<proto::AuditList> List(const proto::ListAudit& question) const;
  // The walk goes on to the end of one file. What is wrong is the answer's; an error is the disk's.
  Result<proto::ChainAnswer> Verify(const proto::VerifyIncidents& question) const;

 private:
  struct Head {
    uint64_t number = 0;
    std::string hash;  // bytes
  };

  AuditLog(Fd dir, size_t file_bytes_max) : dir_(std::move(dir)), file_bytes_max_(file_bytes_max) {}
  Result<std::vector<uint64_t>> Files() const;
  Status FindEnd();
  Status ReadLast(uint64_t first);
  Result<Head> ReadHead() const;
  Status WriteHead(const Head& head);
  Status Write(const std::string& line, uint64_t number);
  void Remember(uint64_t number, const std::string& id);

  Fd dir_;
  const size_t file_bytes_max_;
  Fd file_;  // the newest; not valid: the end has to be looked for again
  size_t file_bytes_ = 0;
  Head last_;
  std::deque<std::string> ids_;  // the newest of them
  std::map<std::string, uint64_t> known_;
};

}  // namespace nightjar
