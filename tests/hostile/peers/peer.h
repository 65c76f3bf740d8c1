// Other sandboxes that run a program behind walls, each with the flags that come closest to an exec
// handler's run: the same files, limits and environment, a user of its own.
//
// What a peer has no limit for is given by the tools that its manual points to (prlimit, timeout);
// what it leaves to its caller and no tool gives, it does not have. Values, and files below the
// place.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace nightjar::hostile {

// Where one run takes place.
struct PeerPlace {
  std::string folder;   // of this place alone; anybody may pass
  std::string crimes;   // the folder of the program `crime`
  std::string cgroup;   // of the outer cell, below each hierarchy's root
  std::string filter;   // a file with the exec profile as a seccomp filter
  unsigned number = 0;  // of the place
  unsigned uid = 0;     // nobody else's
};

struct Peer {
  std::string name;
  std::string version = {};  // "": it is not installed
  std::string missing = {};  // then the reason
  // A command for a shell started as root, which runs `crime NAME` after a line "begun".
  std::function<std::string(const PeerPlace&, const std::string& crime)> command;
};

// All that are known, installed or not.
std::vector<Peer> KnownPeers();

}  // namespace nightjar::hostile
