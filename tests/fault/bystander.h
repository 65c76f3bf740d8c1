// A process that has nothing to do with the server and lives beside it: in a group of its own,
// whose name begins like that of the server's top group, in each hierarchy. Nobody may touch it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace nightjar::fault {

class Bystander {
 public:
  // `group`: the server's top group.
  explicit Bystander(const std::string& group);
  // Ends it and removes its groups.
  ~Bystander();
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;

  // Empty: it lives, where it was put. Else what became of it.
  std::string trouble() const;

 private:
  pid_t pid_ = -1;
  std::vector<std::string> groups_;
};

}  // namespace nightjar::fault
