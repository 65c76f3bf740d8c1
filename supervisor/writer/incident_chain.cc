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

constexpr ChainKind kIncidents{"nightjar incident 1\n", "incident", "incidents"};

// What the first link follows.
std::string StartHash(int64_t begun_us, uint64_t unlinked) {
  return Sha256(
      {"nightjar incidents 1\n", BigEndian(static_cast<uint64_t>(begun_us)), BigEndian(unlinked)});
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

}  // namespace

// One row of the walk. False: the walk ends here.
bool IncidentChain::Take(const Statement& row, ChainWalk* walk) {
  ChainLink link{static_cast<uint64_t>(row.Int(0)), row.Bytes(1), row.Bytes(2), row.Bytes(3)};
  bool sound = walk->Take(link, [&]() -> std::string {
    proto::Incident message;
    bool agree =
        message.ParseFromArray(link.content.data(), static_cast<int>(link.content.size())) &&
        ColumnsAgree(row, message);
    return agree ? "" : "its row in the list was changed";
  });
  if (sound || walk->answer().broken_link() != link.number) return sound;
  walk->answer().set_broken_run_id(RunId::FromBytes(row.Bytes(4)).value_or(RunId()).ToString());
  walk->answer().set_broken_at_unix_us(row.Int(8));
  return false;
}

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
  next.hash = LinkHash(kIncidents, next.number, next.previous, incident);
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
  ChainWalk::Record told{record.links, record.head, StartHash(record.begun_us, record.unlinked)};
  ChainWalk walk(kIncidents, question, told);
  walk.answer().set_begun_unix_us(record.begun_us);
  walk.answer().set_unlinked(record.unlinked);
  {
    ResetLater reset(walk_);
    walk_.BindInt(1, static_cast<int64_t>(std::min<uint64_t>(question.after(), INT64_MAX)));
    walk_.BindInt(2, static_cast<int64_t>(bounds::kChainRows));
    bool more = true;
    size_t rows = 0, bytes = 0;
    while (more && bytes < bounds::kChainBytes) {
      NJ_ASSIGN(more, walk_.Step());
      if (!more) break;
      bytes += walk_.Bytes(3).size();
      if (!Take(walk_, &walk)) break;
      ++rows;
    }
    if (!more && rows < bounds::kChainRows) {
      NJ_ASSIGN(uint64_t unlinked, CountUnlinked());
      walk.End();
      if (!walk.broken() && unlinked != record.unlinked)
        walk.Break(0, kIncidents.Count(unlinked) + " in no link, where there were " +
                          std::to_string(record.unlinked) + " when the chain was begun");
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
  std::string before =
      std::string(kIncidents.label) + BigEndian(number) + std::string(find_.Bytes(1));
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
