// What lies in the store of a supervisor that has stopped: rows, incidents and traces, read with
// the writer's own readers and without a writer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nightjar::fault {

struct Kept {
  std::string run = {};
  std::string canvas = {};
  std::string verdict = {};       // "wall_time"
  std::string request_line = {};  // "GET /hello/17"
  std::string trouble = {};       // of a row: why its trace cannot be read; empty: it can
  bool said_lost = false;         // the row itself says that the trace was lost
  bool eventless = false;         // or that its events were
};

struct StoreView {
  std::map<std::string, Kept> rows;                           // by run
  std::map<std::string, Kept> incidents;                      // by run
  std::map<uint64_t, std::vector<const Kept*>> rows_of;       // by the tag of their request
  std::map<uint64_t, std::vector<const Kept*>> incidents_of;  // likewise
};

// `state`: the state directory.
StoreView ReadStore(const std::string& state);

}  // namespace nightjar::fault
