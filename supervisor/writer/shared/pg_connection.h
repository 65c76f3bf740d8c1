// A connection to PostgreSQL that never waits longer than it was told to. The only files that
// include libpq.
//
// libpq's own blocking calls wait for as long as a server likes; these wait with a deadline, and
// until Interrupt::Raise(). After an error other than the server's refusal of a statement the
// connection is closed, and is to be made anew. What the server says is foreign: it is cut and
// cleaned before it is part of an error. One thread, but for the interrupt.
//
// kUnavailable: no server, or it is going away. kTimedOut: it does not answer. kPermission: it does
// not let us in, or not do this. kExhausted: it has no room, or only reads. kInvalid: it refuses
// the values as such, and always will.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/fd.h"
#include "ipc/core/result.h"

struct pg_conn;
struct pg_result;

namespace nightjar::shared {

// Ends the waits of whoever has it, now and from now on. Any thread.
class Interrupt {
 public:
  Interrupt();
  void Raise();
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

// What a statement found. Text as the server prints it, but for Bytes().
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}
  Rows(Rows&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
  Rows& operator=(Rows&& other) noexcept {
    std::swap(result_, other.result_);
    return *this;
  }
  ~Rows();

  int size() const;
  std::string_view Text(int row, int column) const;
  int64_t Int(int row, int column) const;
  // Of a bytea.
  std::string Bytes(int row, int column) const;

 private:
  pg_result* result_;
};

class PgConnection {
 public:
  // libpq's keywords and values.
  using Keywords = std::vector<std::pair<std::string, std::string>>;
  static Result<std::unique_ptr<PgConnection>> Connect(const Keywords& keywords, Nanos time,
                                                       const Interrupt& interrupt);
  ~PgConnection();

  // One statement, with its parameters as text.
  Result<Rows> Ask(const std::string& sql, const std::vector<std::string>& parameters = {});
  Status Do(const std::string& sql, const std::vector<std::string>& parameters = {});
  // False: make another one.
  bool alive() const;

 private:
  PgConnection(pg_conn* connection, const Interrupt& interrupt)
      : connection_(connection), interrupt_(interrupt) {}
  Status Wait(short events, MonoTime until);
  Status FinishConnecting(MonoTime until);
  Status Flush(MonoTime until);
  Result<pg_result*> Next(MonoTime until);
  Error ErrorOf(const pg_result* result) const;
  Error Lost(ErrorCode code, std::string context);

  pg_conn* connection_;  // null: closed after an error
  const Interrupt& interrupt_;
};

// Parameters that are arrays: one text of any number of values.
class PgArray {
 public:
  void AddInt(int64_t value) { Add(std::to_string(value)); }
  void AddText(std::string_view text);
  void AddBytes(std::string_view bytes);
  std::string Take() { return std::exchange(text_, "{") + "}"; }

 private:
  void Add(std::string_view element);
  std::string text_ = "{";
};

// A bytea.
std::string PgBytes(std::string_view bytes);

}  // namespace nightjar::shared
