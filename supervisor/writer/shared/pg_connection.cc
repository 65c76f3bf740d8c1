#include "supervisor/writer/shared/pg_connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "ipc/core/check.h"

namespace nightjar::shared {
namespace {

MonoTime Now() {
  return std::chrono::steady_clock::now();
}

// One line of what the server or libpq says.
std::string Words(const char* text) {
  std::string words;
  for (const char* c = text; *c != '\0' && words.size() < bounds::kSharedWordsBytes; ++c) {
    char clean = *c < ' ' || *c > '~' ? ' ' : *c;
    if (clean != ' ' || (!words.empty() && words.back() != ' ')) words += clean;
  }
  while (words.ends_with(' ')) words.pop_back();
  return words;
}

// By the class of SQLSTATE (PostgreSQL's manual, appendix A).
ErrorCode CodeOf(std::string_view state) {
  const std::string_view kind = state.substr(0, 2);
  if (state == "25006" || kind == "53") return ErrorCode::kExhausted;  // only reads; no room
  if (state == "42501" || kind == "28") return ErrorCode::kPermission;
  if (kind == "22" || kind == "23") return ErrorCode::kInvalid;
  if (state == "57014" || state == "55P03") return ErrorCode::kTimedOut;
  if (kind == "57" || kind == "08" || kind == "40") return ErrorCode::kUnavailable;
  return ErrorCode::kInternal;
}

char DigitOf(unsigned value) {
  return "0123456789abcdef"[value & 15];
}

void AppendHex(std::string& text, std::string_view bytes) {
  text.reserve(text.size() + 2 * bytes.size() + 8);
  for (char c : bytes) {
    text += DigitOf(static_cast<unsigned char>(c) >> 4);
    text += DigitOf(static_cast<unsigned char>(c));
  }
}

}  // namespace

Interrupt::Interrupt() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(fd_.valid());
}

void Interrupt::Raise() {
  const uint64_t one = 1;
  CHECK(write(fd_.get(), &one, sizeof one) == sizeof one);
}

Rows::~Rows() {
  PQclear(result_);
}

int Rows::size() const {
  return PQntuples(result_);
}

std::string_view Rows::Text(int row, int column) const {
  return {PQgetvalue(result_, row, column), static_cast<size_t>(PQgetlength(result_, row, column))};
}

int64_t Rows::Int(int row, int column) const {
  std::string_view text = Text(row, column);
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string Rows::Bytes(int row, int column) const {
  std::string_view text = Text(row, column);
  std::string bytes;
  if (!text.starts_with("\\x")) return bytes;
  bytes.reserve(text.size() / 2);
  for (size_t at = 2; at + 1 < text.size(); at += 2)
    bytes += static_cast<char>(HexDigit(text[at]) << 4 | HexDigit(text[at + 1]));
  return bytes;
}

Result<std::unique_ptr<PgConnection>> PgConnection::Connect(const Keywords& keywords, Nanos time,
                                                            const Interrupt& interrupt) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  pg_conn* raw = PQconnectStartParams(names.data(), values.data(), 0);
  if (raw == nullptr) return FailErrno("connecting", ENOMEM);
  std::unique_ptr<PgConnection> connection(new PgConnection(raw, interrupt));
  NJ_TRY(connection->FinishConnecting(Now() + time));
  // A server's remarks are for nobody here.
  PQsetNoticeProcessor(
      raw, [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(raw, 1) != 0)
    return tl::unexpected<Error>(connection->Lost(ErrorCode::kUnavailable, "connecting"));
  return connection;
}

PgConnection::~PgConnection() {
  PQfinish(connection_);
}

bool PgConnection::alive() const {
  return connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK;
}

Error PgConnection::Lost(ErrorCode code, std::string context) {
  PQfinish(std::exchange(connection_, nullptr));
  return {code, 0, std::move(context)};
}

Status PgConnection::Wait(short events, MonoTime until) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Now()).count();
  pollfd watched[] = {{PQsocket(connection_), events, 0}, {interrupt_.fd(), POLLIN, 0}};
  int ready = poll(watched, 2, static_cast<int>(std::max<int64_t>(0, left)));
  if (ready < 0 && errno != EINTR) return FailErrno("poll");
  if (watched[1].revents != 0)
    return tl::unexpected<Error>(Lost(ErrorCode::kUnavailable, "this machine is stopping"));
  if (ready == 0 && Now() >= until)
    return tl::unexpected<Error>(Lost(ErrorCode::kTimedOut, "PostgreSQL does not answer"));
  return {};
}

Status PgConnection::FinishConnecting(MonoTime until) {
  auto state = PGRES_POLLING_WRITING;
  while (PQstatus(connection_) != CONNECTION_BAD) {
    NJ_TRY(Wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until));
    state = PQconnectPoll(connection_);
    if (state == PGRES_POLLING_OK) return {};
    if (state == PGRES_POLLING_FAILED) break;
  }
  bool password =
      PQconnectionUsedPassword(connection_) != 0 || PQconnectionNeedsPassword(connection_) != 0;
  std::string words = Words(PQerrorMessage(connection_));
  return tl::unexpected<Error>(
      Lost(password ? ErrorCode::kPermission : ErrorCode::kUnavailable, std::move(words)));
}

Status PgConnection::Flush(MonoTime until) {
  for (;;) {
    int left = PQflush(connection_);
    if (left == 0) return {};
    if (left < 0)
      return tl::unexpected<Error>(
          Lost(ErrorCode::kUnavailable, Words(PQerrorMessage(connection_))));
    NJ_TRY(Wait(POLLIN | POLLOUT, until));
    if (PQconsumeInput(connection_) == 0)
      return tl::unexpected<Error>(
          Lost(ErrorCode::kUnavailable, Words(PQerrorMessage(connection_))));
  }
}

Result<pg_result*> PgConnection::Next(MonoTime until) {
  while (PQisBusy(connection_) != 0) {
    NJ_TRY(Wait(POLLIN, until));
    if (PQconsumeInput(connection_) == 0)
      return tl::unexpected<Error>(
          Lost(ErrorCode::kUnavailable, Words(PQerrorMessage(connection_))));
  }
  return PQgetResult(connection_);
}

Error PgConnection::ErrorOf(const pg_result* result) const {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  // Without its detail, which may quote a row.
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return {state == nullptr ? ErrorCode::kUnavailable : CodeOf(state), 0,
          "PostgreSQL says: " + Words(primary == nullptr ? "the connection is gone" : primary)};
}

Result<Rows> PgConnection::Ask(const std::string& sql, const std::vector<std::string>& parameters) {
  if (connection_ == nullptr)
    return Fail(ErrorCode::kUnavailable, "the connection to PostgreSQL is gone");
  const MonoTime until = Now() + bounds::kSharedCallTime;
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  int sent = PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr,
                               values.data(), nullptr, nullptr, 0);
  if (sent == 0)
    return tl::unexpected<Error>(Lost(ErrorCode::kUnavailable, Words(PQerrorMessage(connection_))));
  NJ_TRY(Flush(until));
  Rows first(nullptr);
  std::optional<Error> refused;
  for (bool any = false;;) {
    NJ_ASSIGN(pg_result * raw, Next(until));
    if (raw == nullptr) break;
    Rows rows(raw);
    auto status = PQresultStatus(raw);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) refused = ErrorOf(raw);
    if (!any) first = std::move(rows);
    any = true;
  }
  if (refused && !alive())
    return tl::unexpected<Error>(Lost(ErrorCode::kUnavailable, refused->context));
  if (refused) return tl::unexpected<Error>(*refused);
  return first;
}

Status PgConnection::Do(const std::string& sql, const std::vector<std::string>& parameters) {
  NJ_TRY(Ask(sql, parameters));
  return {};
}

void PgArray::Add(std::string_view element) {
  if (text_.size() > 1) text_ += ',';
  text_ += element;
}

void PgArray::AddText(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  Add(quoted + '"');
}

void PgArray::AddBytes(std::string_view bytes) {
  if (text_.size() > 1) text_ += ',';
  text_ += "\"\\\\x";
  AppendHex(text_, bytes);
  text_ += '"';
}

std::string PgBytes(std::string_view bytes) {
  std::string text = "\\x";
  AppendHex(text, bytes);
  return text;
}

}  // namespace nightjar::shared
