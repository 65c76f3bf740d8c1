// What `nightjard` (and so `nightjar serve`) is told on its command line. Plain values; parsing
// prints usage and exits as the field expects.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nightjar {

// Where canvases are served when nobody says anything.
inline constexpr char kDefaultListen[] = "127.0.0.1:8080";
// As --listen: on the socket that the service manager passed, and nowhere else.
inline constexpr char kListenOnPassed[] = "systemd";

struct Options {
  std::string state = "/var/lib/nightjar";
  std::string listen;                // address and port, or kListenOnPassed; empty: not given
  std::string policy;                // empty: the built-in one
  std::string rules;                 // empty: those that come with the program
  std::string store;                 // file with a store for traces; empty: the state directory
  std::string index;                 // file with an index that machines share; empty: none
  std::vector<std::string> without;  // names of doctor's checks that the operator goes without
  // Paths of this host that programs of exec handlers see, read-only.
  std::vector<std::string> exec_paths = {"/usr"};
  std::string exec_root;             // instead: a directory whose content is their root
  std::string cgroup = "nightjar";   // top group
  std::optional<uint32_t> uid_base;  // first of the user ids that are Nightjar's; see Identity
  unsigned drain_s = 10;             // how long runs in flight may go on after SIGTERM

  bool doctor = false;  // print what this host can enforce, as JSON, and exit
};

// Exits with usage on bad options; 2 is the field's code for that.
Options ParseOptions(int argc, char** argv);

}  // namespace nightjar
