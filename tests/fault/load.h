// Callers of a few canvases that end their runs in every way there is, all at once and without end:
// quick runs in fresh and in reused workers, runs around their wall limit, spinning and greedy
// ones, failing programs, large answers, programs of the host, and more requests than policy lets
// in.
//
// Each caller goes on through the supervisor's deaths: it waits for the next one, and then asks
// that.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/fault/accounts.h"
#include "tests/support/server_rig.h"

namespace nightjar::fault {

// The policy of the canvases that are called.
extern const char* const kPolicy;

class Load {
 public:
  explicit Load(Accounts& accounts) : accounts_(accounts) {}
  ~Load();

  // To a server that serves.
  void Deploy(e2e::Server& server);
  void Start();
  // Whom to ask from now on; nullopt: nobody, until there is one again.
  void SetLife(std::optional<Life> life);
  // Returns when no request is on its way.
  void Pause();
  void Resume();
  // Ends all callers. Nobody is waited for who waits for a life.
  void Stop();

 private:
  // GET of `path` and the tag behind it; what the caller was told.
  std::string Call(const std::string& canvas, const std::string& path);
  void CallAroundItsLimit();
  std::optional<Life> Begin();
  void Finish(const Life& asked, bool heard);
  void Caller(const std::function<void()>& body);

  Accounts& accounts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Life> life_;
  bool paused_ = false;
  bool stopped_ = false;
  size_t asking_ = 0;
  double rounds_ = 200;  // of one caller alone
  std::vector<std::thread> callers_;
};

}  // namespace nightjar::fault
