#include "supervisor/writer/incident_chain.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/core/log.h"
#include "supervisor/writer/sha256.h"
#include "supervisor/writer/trace_days.h"

namespace nightjar {
namespace {

constexpr const char* kRead = "SELECT begun_us, unlinked, links, head FROM incident_chain";
constexpr const char* kBegin =
    "INSERT INTO incident_chain (one, begun_us, unlinked, links, head) VALUES (1, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING";
constexpr const char* kAdvance = "UPDATE incident_chain SET links = ?, head = ?";
constexpr const char* kLast =
    "SELECT link, hash FROM incidents WHERE link IS NOT NULL ORDER BY link DESC LIMIT 1";
constexpr const char* kUnlinked = "SELECT COUNT(*) FROM incidents WHERE link IS NULL";
constexpr const char* kTime = "SELECT at_us FROM incidents WHERE link = ?";
constexpr const char* kWalk =
    "SELECT link, previous, hash, incident, run_id, canvas, handler, verdict, at_us, detail, "
    "code_sha256, caller FROM incidents WHERE link > ? ORDER BY link LIMIT ?";
constexpr const char* kFind =
    "SELECT link, previous, hash, incident FROM incidents WHERE run_id = ?";

std::string BigEndian(uint64_t number) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, number >>= 8)
    bytes[static_cast<size_t>(i)] = static_cast<char>(number);
  return bytes;
}

// What the first link follows.
std::string StartHash(int64_t begun_us, uint64_t unlinked) {
  return Sha256(
      {"nightjar incidents 1\n", BigEndian(static_cast<uint64_t>(begun_us)), BigEndian(unlinked)});
}

constexpr std::string_view kLinkBegins = "nightjar incident 1\n";

// Parts of fixed size, then the incident: no two links have the same bytes to hash.
std::string LinkHash(uint64_t number, std::string_view previous, std::string_view incident) {
  return Sha256({kLinkBegins, BigEndian(number), previous, incident});
}

// The columns beside an incident are what lists show, so they must say the same.
bool ColumnsAgree(const Statement& row, const proto::Incident& incident) {
  auto run = RunId::FromBytes(row.Bytes(4));
  return run && run->ToString() == incident.run_id() && row.Bytes(5) == incident.canvas() &&
         row.Bytes(6) == incident.handler() && row.Int(7) == incident.verdict() &&
         row.Int(8) == incident.at_unix_us() && row.Bytes(9) == incident.detail() &&
         row.Bytes(10) == incident.code_sha256() &&
         row.Bytes(11) == CallerAddress(incident.caller());
}

std::string Counted(uint64_t count) {
  return count == 1 ? "1 incident" : std::to_string(count) + " incidents";
}

}  // namespace

// One part of the walk: what it has seen so far, against the chain's own record.
class IncidentChain::Walk {
 public:
  Walk(const proto::VerifyIncidents& question, const Record& record)
      : question_(question), record_(record) {
    answer_.set_link(question.after());
    answer_.set_begun_unix_us(record.begun_us);
    answer_.set_unlinked(record.unlinked);
    answer_.set_links(record.links);
    hash_ = question.after() == 0 ? HashText(StartHash(record.begun_us, record.unlinked))
                                  : question.hash();
  }

  // False: the walk ends here.
  bool Take(const Statement& row) {
    auto number = static_cast<uint64_t>(row.Int(0));
    uint64_t expected = answer_.link() + 1;
    bytes_ += row.Bytes(3).size();
    if (number != expected)
      return Break(expected, Counted(number - expected) + " removed: link " +
                                 std::to_string(number) + " comes next");
    if (std::string wrong = WrongWith(number, row); !wrong.empty()) {
      answer_.set_broken_run_id(RunId::FromBytes(row.Bytes(4)).value_or(RunId()).ToString());
      answer_.set_broken_at_unix_us(row.Int(8));
      return Break(number, wrong);
    }
    answer_.set_link(number);
    hash_ = HashText(row.Bytes(2));
    return true;
  }

  // There is no further link.
  void End(uint64_t unlinked) {
    answer_.set_whole(true);
    uint64_t links = answer_.link();
    uint64_t told = std::max(record_.links, question_.head());
    if (told > links) {
      Break(links + 1,
            Counted(told - links) + " removed from the end: there were " + std::to_string(told));
    } else if (hash_ != HashText(record_.head)) {
      Break(links, "the chain's own record ends in another hash");
    } else if (unlinked != record_.unlinked) {
      Break(0, Counted(unlinked) + " in no link, where there were " +
                   std::to_string(record_.unlinked) + " when the chain was begun");
    }
  }

  size_t bytes() const { return bytes_; }
  bool broken() const { return !answer_.broken().empty(); }
  proto::ChainAnswer Answer() {
    answer_.set_hash(hash_);
    return std::move(answer_);
  }

 private:
  std::string WrongWith(uint64_t number, const Statement& row) const {
    if (number > record_.links) return "it was inserted behind the end of the chain";
    std::string_view incident = row.Bytes(3);
    if (LinkHash(number, row.Bytes(1), incident) != row.Bytes(2)) return "it was changed";
    if (HashText(row.Bytes(1)) != hash_)
      return "it does not follow the one before it: incidents were removed, inserted or put in "
             "another order here";
    proto::Incident message;
    if (!message.ParseFromArray(incident.data(), static_cast<int>(incident.size())) ||
        !ColumnsAgree(row, message))
      return "its row in the list was changed";
    if (number == question_.head() && HashText(row.Bytes(2)) != question_.head_hash())
      return "its hash is not the one that was noted: the chain was written anew";
    return "";
  }

  bool Break(uint64_t link, std::string why) {
    answer_.set_broken_link(link);
    answer_.set_broken(std::move(why));
    return false;
  }

  const proto::VerifyIncidents& question_;
  const Record& record_;
  proto::ChainAnswer answer_;
  std::string hash_;  // of the last sound link, as text
  size_t bytes_ = 0;
};

Result<std::unique_ptr<IncidentChain>> IncidentChain::Create(Database& db, const Clock& clock) {
  std::unique_ptr<IncidentChain> chain(new IncidentChain(db, clock));
  NJ_TRY(chain->PrepareAll());
  NJ_TRY(chain->ReadOrBegin());
  chain->LogHead(Telling::kNow);
  return chain;
}

Status IncidentChain::PrepareAll() {
  NJ_ASSIGN(read_, db_.Prepare(kRead));
  NJ_ASSIGN(begin_, db_.Prepare(kBegin));
  NJ_ASSIGN(advance_, db_.Prepare(kAdvance));
  NJ_ASSIGN(last_, db_.Prepare(kLast));
  NJ_ASSIGN(unlinked_, db_.Prepare(kUnlinked));
  NJ_ASSIGN(time_, db_.Prepare(kTime));
  NJ_ASSIGN(walk_, db_.Prepare(kWalk));
  NJ_ASSIGN(find_, db_.Prepare(kFind));
  return {};
}

// False: there is none.
Result<bool> IncidentChain::Read(Record* record) {
  ResetLater reset(read_);
  NJ_ASSIGN(bool there, read_.Step());
  if (!there) return false;
  record->begun_us = read_.Int(0);
  record->unlinked = static_cast<uint64_t>(read_.Int(1));
  record->links = static_cast<uint64_t>(read_.Int(2));
  record->head = read_.Bytes(3);
  return true;
}

Result<IncidentChain::Link> IncidentChain::LastLinked() {
  ResetLater reset(last_);
  NJ_ASSIGN(bool there, last_.Step());
  Link last;
  if (!there) return last;
  last.number = static_cast<uint64_t>(last_.Int(0));
  last.hash = last_.Bytes(1);
  return last;
}

Result<uint64_t> IncidentChain::CountUnlinked() {
  ResetLater reset(unlinked_);
  NJ_TRY(unlinked_.Step());
  return static_cast<uint64_t>(unlinked_.Int(0));
}

// A record that somebody took away is begun anew behind what is there, so that incidents go on
// being kept; Verify() tells, as the first link does not follow the new start.
Status IncidentChain::Begin() {
  NJ_ASSIGN(uint64_t unlinked, CountUnlinked());
  NJ_ASSIGN(Link last, LastLinked());
  int64_t begun_us = UnixMicros(clock_.Wall());
  std::string head = last.number > 0 ? last.hash : StartHash(begun_us, unlinked);
  if (last.number > 0) LogError("incident_chain_record_lost", {{"links", last.number}});
  begin_.BindInt(1, begun_us);
  begin_.BindInt(2, static_cast<int64_t>(unlinked));
  begin_.BindInt(3, static_cast<int64_t>(last.number));
  begin_.BindBlob(4, head);
  return begin_.Run();
}

Result<IncidentChain::Record> IncidentChain::ReadOrBegin() {
  Record record;
  NJ_ASSIGN(bool there, Read(&record));
  if (there) return record;
  NJ_TRY(Begin());
  NJ_TRY(Read(&record));
  return record;
}

Result<IncidentChain::Link> IncidentChain::Next(std::string_view incident) {
  NJ_ASSIGN(Record record, ReadOrBegin());
  NJ_ASSIGN(Link last, LastLinked());
  Link next;
  // A row that somebody put behind the end must not keep the next incident out.
  next.number = std::max(record.links, last.number) + 1;
  next.previous = record.head;
  next.hash = LinkHash(next.number, next.previous, incident);
  return next;
}

Status IncidentChain::Advance(const Link& link) {
  advance_.BindInt(1, static_cast<int64_t>(link.number));
  advance_.BindBlob(2, link.hash);
  return advance_.Run();
}

Result<int64_t> IncidentChain::TimeOf(uint64_t link) {
  ResetLater reset(time_);
  time_.BindInt(1, static_cast<int64_t>(link));
  NJ_ASSIGN(bool there, time_.Step());
  return there ? time_.Int(0) : 0;
}

Status IncidentChain::TellTimes(proto::ChainAnswer* answer) {
  if (answer->link() == 0) return {};
  NJ_ASSIGN(int64_t first, TimeOf(1));
  NJ_ASSIGN(int64_t last, TimeOf(answer->link()));
  answer->set_first_at_unix_us(first);
  answer->set_last_at_unix_us(last);
  return {};
}

Result<proto::ChainAnswer> IncidentChain::Verify(const proto::VerifyIncidents& question) {
  NJ_ASSIGN(Record record, ReadOrBegin());
  Walk walk(question, record);
  {
    ResetLater reset(walk_);
    walk_.BindInt(1, static_cast<int64_t>(std::min<uint64_t>(question.after(), INT64_MAX)));
    walk_.BindInt(2, static_cast<int64_t>(bounds::kChainRows));
    bool more = true;
    size_t rows = 0;
    while (more && walk.bytes() < bounds::kChainBytes) {
      NJ_ASSIGN(more, walk_.Step());
      if (more && !walk.Take(walk_)) break;
      if (more) ++rows;
    }
    if (!more && rows < bounds::kChainRows) {
      NJ_ASSIGN(uint64_t unlinked, CountUnlinked());
      walk.End(unlinked);
    }
  }
  proto::ChainAnswer answer = walk.Answer();
  NJ_TRY(TellTimes(&answer));
  return answer;
}

Result<proto::IncidentLink> IncidentChain::Find(const RunId& run) {
  NJ_ASSIGN(Record record, ReadOrBegin());
  ResetLater reset(find_);
  find_.BindBlob(1, run.bytes());
  NJ_ASSIGN(bool there, find_.Step());
  if (!there) return Fail(ErrorCode::kNotFound, "no incident " + run.ToString());
  proto::IncidentLink link;
  auto number = static_cast<uint64_t>(find_.Int(0));
  if (number == 0) return link;
  link.set_link(number);
  link.set_previous(HashText(find_.Bytes(1)));
  link.set_hash(HashText(find_.Bytes(2)));
  std::string before = std::string(kLinkBegins) + BigEndian(number) + std::string(find_.Bytes(1));
  link.set_record_at(static_cast<uint32_t>(before.size()));
  link.set_hashed(before + std::string(find_.Bytes(3)));
  link.set_links(record.links);
  link.set_head(HashText(record.head));
  return link;
}

void IncidentChain::LogHead(Telling telling) {
  MonoTime now = clock_.Mono();
  if (telling == Telling::kIfDue && now - logged_at_ < bounds::kChainHeadLogged) return;
  Record record;
  auto there = Read(&record);
  if (!there || !*there || record.head == logged_) return;
  logged_ = record.head;
  logged_at_ = now;
  LogInfo(
      "incident_chain_head",
      {{"links", record.links}, {"hash", HashText(record.head)}, {"unlinked", record.unlinked}});
}

}  // namespace nightjar
