// A chain of hashes: each link carries the hash of the link before it and of its own content, so
// that one that was changed, removed or inserted shows.
//
// Where links lie and what they hold is their owner's: the incidents in the index, the entries of
// the audit log in files. Hashes are bytes here, and hexadecimal digits in an answer. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ipc/proto/control.pb.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

// Eight bytes, as hashed.
std::string BigEndian(uint64_t number);

struct ChainKind {
  std::string_view label;  // that every hash begins with: "nightjar incident 1\n"
  const char* one;         // "incident"
  const char* many;
  std::string Count(uint64_t count) const;  // "1 incident"
};

struct ChainLink {
  uint64_t number = 0;  // 1, 2, 3 ...
  std::string_view previous;
  std::string_view hash;
  std::string_view content;  // exactly what is stored
};
std::string LinkHash(const ChainKind& kind, uint64_t number, std::string_view previous,
                     std::string_view content);

// One part of the walk along a chain: what it has seen so far, against the chain's own record.
class ChainWalk {
 public:
  struct Record {
    uint64_t links = 0;
    std::string head;   // the hash of the last one
    std::string start;  // what link 1 follows
  };
  // All are borrowed. `question` says where the walk stands.
  ChainWalk(const ChainKind& kind, const proto::VerifyIncidents& question, const Record& record);

  // False: this is not the next link, or `wrong` (of its owner) says that it is not sound, and the
  // walk ends here.
  bool Take(const ChainLink& link, const std::function<std::string()>& wrong);
  // There is no further link.
  void End();
  // False, always.
  bool Break(uint64_t link, std::string why);

  bool broken() const { return !answer_.broken().empty(); }
  uint64_t taken() const { return answer_.link(); }
  proto::ChainAnswer& answer() { return answer_; }
  proto::ChainAnswer Answer();

 private:
  std::string WrongWith(const ChainLink& link, const std::function<std::string()>& wrong) const;

  const ChainKind& kind_;
  const proto::VerifyIncidents& question_;
  const Record& record_;
  proto::ChainAnswer answer_;
  std::string hash_;  // of the last sound link, as text
};

}  // namespace nightjar
