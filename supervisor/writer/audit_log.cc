#include "supervisor/writer/audit_log.h"

#include <dirent.h>
#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "ipc/core/log.h"
#include "supervisor/writer/hash_chain.h"
#include "supervisor/writer/sha256.h"

namespace nightjar {
namespace {

constexpr ChainKind kEntries{"nightjar audit 1\n", "entry", "entries"};
constexpr size_t kNumberDigits = 20;
constexpr size_t kFileSlack = 64 * 1024;  // a file's last entry stands beyond its bound

std::string StartHash() {
  return Sha256({"nightjar audit log 1\n"});
}

std::string Digits(uint64_t number) {
  std::string text = std::to_string(number);
  return std::string(kNumberDigits - text.size(), '0') + text;
}

std::string FileName(uint64_t first) {
  return Digits(first) + ".log";
}

std::optional<uint64_t> NumberOf(std::string_view text) {
  uint64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

struct Line {
  uint64_t number = 0;
  std::string previous;
  std::string hash;
  std::string_view json;
};

std::optional<Line> ReadLine(std::string_view text) {
  constexpr size_t kHash = 2 * kSha256Bytes;
  size_t space = text.find(' ');
  if (space == std::string_view::npos || text.size() < space + 2 * kHash + 3) return std::nullopt;
  auto number = NumberOf(text.substr(0, space));
  auto previous = HashOfText(text.substr(space + 1, kHash));
  auto hash = HashOfText(text.substr(space + kHash + 2, kHash));
  if (!number || !previous || !hash) return std::nullopt;
  return Line{*number, std::move(*previous), std::move(*hash), text.substr(space + 2 * kHash + 3)};
}

std::optional<proto::AuditEntry> EntryIn(const Line& line) {
  proto::AuditEntry entry;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(std::string(line.json), &entry, options).ok())
    return std::nullopt;
  entry.set_number(line.number);
  entry.set_previous(HashText(line.previous));
  entry.set_hash(HashText(line.hash));
  return entry;
}

// Whole lines only: what a crash left behind the last one is nobody's entry.
std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
    lines.push_back(text.substr(0, end));
  return lines;
}

bool Matches(const proto::AuditEntry& entry, const proto::ListAudit& question) {
  auto is = [](const std::string& asked, const std::string& found) {
    return asked.empty() || asked == found;
  };
  const std::string& actor = question.actor();
  bool by = actor.empty() || entry.user() == actor || entry.actor() == actor ||
            entry.actor().starts_with(actor + " ");
  return by && is(question.action(), entry.action()) && is(question.canvas(), entry.canvas()) &&
         entry.at_unix_us() >= question.since_unix_us();
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& dir, size_t file_bytes_max) {
  if (mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return FailErrno("making " + dir);
  Fd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno(dir);
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(fd), file_bytes_max));
  NJ_TRY(log->FindEnd());
  return log;
}

// The numbers of their first entries, in order.
Result<std::vector<uint64_t>> AuditLog::Files() const {
  Fd again(openat(dir_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again.valid()) return FailErrno("reading the audit log's directory");
  std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(again.get()), closedir);
  if (dir == nullptr) return FailErrno("reading the audit log's directory");
  (void)again.Release();
  std::vector<uint64_t> files;
  while (const dirent* entry = readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name.size() != kNumberDigits + 4 || !name.ends_with(".log")) continue;
    if (auto first = NumberOf(name.substr(0, kNumberDigits))) files.push_back(*first);
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<AuditLog::Head> AuditLog::ReadHead() const {
  auto text = ReadFileAt(dir_.get(), "head");
  if (!text && text.error().code == ErrorCode::kNotFound) return Head{0, StartHash()};
  if (!text) return tl::unexpected<Error>(text.error());
  size_t space = text->find(' ');
  auto number = NumberOf(std::string_view(*text).substr(0, std::min(space, text->size())));
  auto hash = space == std::string::npos
                  ? std::nullopt
                  : HashOfText(std::string_view(*text).substr(space + 1, 2 * kSha256Bytes));
  // One that cannot be read is as good as none: Verify() finds more entries than there should be.
  return number && hash ? Head{*number, *hash} : Head{0, StartHash()};
}

// Always of the same length and written in place: it needs no room on a full disk.
Status AuditLog::WriteHead(const Head& head) {
  Fd file(openat(dir_.get(), "head", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return FailErrno("the audit log's head");
  NJ_TRY(WriteAll(file, Digits(head.number) + " " + HashText(head.hash) + "\n",
                  "writing the audit log's head"));
  if (fdatasync(file.get()) != 0) return FailErrno("the audit log's head");
  return {};
}

void AuditLog::Remember(uint64_t number, const std::string& id) {
  if (id.empty() || !known_.emplace(id, number).second) return;
  ids_.push_back(id);
  if (ids_.size() <= bounds::kAuditRemembered) return;
  known_.erase(ids_.front());
  ids_.pop_front();
}

// Opens the newest file and takes away what a crash left unfinished at its end: nobody was told
// that this was written.
Status AuditLog::ReadLast(uint64_t first) {
  const std::string name = FileName(first);
  NJ_ASSIGN(std::string text, ReadFileAt(dir_.get(), name.c_str(), file_bytes_max_ + kFileSlack));
  Fd file(openat(dir_.get(), name.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return FailErrno("the audit log's file " + name);
  size_t whole = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  if (whole < text.size()) {
    LogWarning("audit_entry_unfinished", {{"file", name}, {"bytes", text.size() - whole}});
    if (ftruncate(file.get(), static_cast<off_t>(whole)) != 0)
      return FailErrno("the audit log's file " + name);
  }
  for (std::string_view each : LinesOf(text)) {
    auto line = ReadLine(each);
    if (!line) continue;
    if (auto entry = EntryIn(*line)) Remember(line->number, entry->id());
    last_ = {line->number, line->hash};
  }
  // It may have been written and not have got to the disk.
  if (fdatasync(file.get()) != 0) return FailErrno("the audit log's file " + name);
  file_ = std::move(file);
  file_bytes_ = whole;
  return {};
}

// Behind what is there, or what was: entries that somebody took away leave a gap that shows.
Status AuditLog::FindEnd() {
  NJ_ASSIGN(std::vector<uint64_t> files, Files());
  NJ_ASSIGN(Head head, ReadHead());
  last_ = {0, StartHash()};
  // The newest may have been made and not written to.
  for (; !files.empty() && last_.number == 0; files.pop_back()) NJ_TRY(ReadLast(files.back()));
  if (last_.number == head.number + 1) return WriteHead(last_);  // a crash came between the two
  if (last_.number < head.number) {
    LogError("audit_entries_missing", {{"there", last_.number}, {"written", head.number}});
    last_ = head;
  }
  return {};
}

Status AuditLog::Write(const std::string& line, uint64_t number) {
  if (!file_.valid() || file_bytes_ + line.size() > file_bytes_max_) {
    const std::string name = FileName(number);
    Fd next(openat(dir_.get(), name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                   0600));
    if (!next.valid()) return FailErrno("the audit log's file " + name);
    if (fsync(dir_.get()) != 0) return FailErrno("the audit log's directory");
    file_ = std::move(next);
    file_bytes_ = 0;
  }
  NJ_TRY(WriteAll(file_, line, "writing to the audit log"));
  if (fdatasync(file_.get()) != 0) return FailErrno("writing to the audit log");
  file_bytes_ += line.size();
  return {};
}

Result<uint64_t> AuditLog::Append(proto::AuditEntry entry) {
  if (!file_.valid()) NJ_TRY(FindEnd());
  if (auto there = known_.find(entry.id()); there != known_.end()) return there->second;
  entry.clear_number();
  entry.clear_previous();
  entry.clear_hash();
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (!google::protobuf::util::MessageToJsonString(entry, &json, options).ok() ||
      json.size() > bounds::kAuditEntryBytes)
    return Fail(ErrorCode::kInvalid, "an entry of the audit log that cannot be written");
  Head next{last_.number + 1, LinkHash(kEntries, last_.number + 1, last_.hash, json)};
  Status written = Write(std::to_string(next.number) + " " + HashText(last_.hash) + " " +
                             HashText(next.hash) + " " + json + "\n",
                         next.number);
  if (written) written = WriteHead(next);
  if (!written) {
    // How much of it is there is seen when the end is looked for again.
    file_ = {};
    return tl::unexpected<Error>(written.error());
  }
  last_ = next;
  Remember(next.number, entry.id());
  return next.number;
}

Result<proto::AuditList> AuditLog::List(const proto::ListAudit& question) const {
  NJ_ASSIGN(std::vector<uint64_t> files, Files());
  proto::AuditList list;
  size_t looked = 0;
  for (auto first = files.rbegin(); first != files.rend(); ++first) {
    NJ_ASSIGN(std::string text,
              ReadFileAt(dir_.get(), FileName(*first).c_str(), file_bytes_max_ + kFileSlack));
    std::vector<std::string_view> lines = LinesOf(text);
    for (auto each = lines.rbegin(); each != lines.rend(); ++each) {
      if (++looked > bounds::kAuditLooked) {
        list.set_looked_enough(true);
        return list;
      }
      auto line = ReadLine(*each);
      auto entry = line ? EntryIn(*line) : std::nullopt;
      if (!entry || !Matches(*entry, question)) continue;
      *list.add_entries() = std::move(*entry);
      if (static_cast<uint32_t>(list.entries_size()) == question.rows_max()) return list;
    }
  }
  return list;
}

Result<proto::ChainAnswer> AuditLog::Verify(const proto::VerifyIncidents& question) const {
  NJ_ASSIGN(std::vector<uint64_t> files, Files());
  NJ_ASSIGN(Head head, ReadHead());
  ChainWalk::Record record{head.number, head.hash, StartHash()};
  ChainWalk walk(kEntries, question, record);
  // The file that the next link is in, or should be.
  auto at = std::upper_bound(files.begin(), files.end(), question.after() + 1);
  if (at != files.begin()) --at;
  for (; at != files.end() && !walk.broken() && walk.taken() == question.after(); ++at) {
    NJ_ASSIGN(std::string text,
              ReadFileAt(dir_.get(), FileName(*at).c_str(), file_bytes_max_ + kFileSlack));
    for (std::string_view each : LinesOf(text)) {
      auto line = ReadLine(each);
      if (line && line->number <= question.after() && *at <= question.after()) continue;
      if (!line) {
        walk.Break(walk.taken() + 1, "it cannot be read");
        break;
      }
      auto entry = EntryIn(*line);
      if (walk.taken() == 0 && entry) walk.answer().set_first_at_unix_us(entry->at_unix_us());
      if (!walk.Take({line->number, line->previous, line->hash, line->json},
                     [&] { return entry ? std::string() : "it cannot be read"; }))
        break;
      walk.answer().set_last_at_unix_us(entry->at_unix_us());
    }
  }
  if (!walk.broken() && at == files.end()) walk.End();
  if (question.after() > 0 && !files.empty()) {
    // A part that does not begin at the log's beginning says when that was, too.
    NJ_ASSIGN(std::string text, ReadFileAt(dir_.get(), FileName(files.front()).c_str(),
                                           file_bytes_max_ + kFileSlack));
    auto line = ReadLine(std::string_view(text).substr(0, text.find('\n')));
    auto entry = line ? EntryIn(*line) : std::nullopt;
    if (entry) walk.answer().set_first_at_unix_us(entry->at_unix_us());
  }
  return walk.Answer();
}

}  // namespace nightjar
