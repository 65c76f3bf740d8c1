// How the suites start the supervisor: as root, or as an ordinary user with or without control
// groups that were delegated to it.
//
// The suites that start a whole server are the same for all; NIGHTJAR_TEST_START says which
// ("root" when it is not there). The ordinary user is `nobody`, with a range of ids that it has in
// the tests' own view of /etc/subuid alone.
#pragma once

#include <sys/types.h>

#include <string>

namespace nightjar::e2e {

enum class StartMode { kRoot, kDelegated, kUnprivileged };

StartMode TestedStart();

inline constexpr uid_t kOrdinaryUser = 65534;

// Of a worker that such a user's supervisor started, as the host knows it.
bool IsWorkersUser(uid_t uid);

// Where the programs lie that an ordinary user starts: the build's own, or a copy of them, which
// ends with the test program, as the build may lie where such a user cannot come.
const std::string& Programs();

// What one server of an ordinary user is started in. Nothing at all for root.
class OrdinaryStart {
 public:
  // `folder` is the test's own; `group`: the name of the group that is delegated.
  OrdinaryStart(const std::string& folder, std::string group);
  ~OrdinaryStart();

  // What to put before the name of the top group to find it in a hierarchy: "group/" or "".
  std::string prefix() const;
  // In a new process, as root: into the group, and to be that user for good.
  void Become() const;

 private:
  std::string ids_;
  std::string group_;
};

// This process's commands and connections: the thread asks as the one who started the server.
class AsStarter {
 public:
  AsStarter();
  ~AsStarter();
};

// In a new process, for good.
void BecomeStarter();

}  // namespace nightjar::e2e
