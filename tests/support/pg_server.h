// A real PostgreSQL of a test's own: in a new directory, on a Unix socket there and on a port of
// loopback that nobody else has, as the user `postgres`.
//
// Takes some two seconds to start. Its processes end with the test. Whoever comes by the socket is
// let in as any role; by TCP they need the password.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace nightjar::e2e {

class PgServer {
 public:
  static constexpr const char* kUser = "nightjar";  // a role that owns its databases, and no more
  static constexpr const char* kPassword = "night 'jar\\ pass";

  // Whether this host has it: package postgresql.
  static bool Installed();
  // Null, and why on standard error: it did not start.
  static std::unique_ptr<PgServer> Start();
  ~PgServer();

  const std::string& folder() const { return folder_; }  // of its socket
  uint16_t port() const { return port_; }
  // Of the whole server.
  void Stop();
  void Kill();
  // All its processes stand still: it accepts, and does not answer.
  void Freeze();
  void Thaw();
  // After Stop() or Kill(). False: it did not come up.
  bool Restart();
  bool running() const { return pid_ >= 0; }

  // A new database, and its name.
  std::string MakeDatabase();
  // What psql prints, without decoration, as the superuser. Its error is on standard error.
  std::string Sql(const std::string& database, const std::string& sql);

 private:
  PgServer() = default;
  bool Make();
  bool Run();
  void Signal(int signal);

  std::string folder_;
  uint16_t port_ = 0;
  pid_t pid_ = -1;
  int databases_ = 0;
};

}  // namespace nightjar::e2e
