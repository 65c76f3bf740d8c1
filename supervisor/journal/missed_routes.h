// Requests that no route took: the 404s of each canvas, on their way to the storage writer.
//
// Nothing of it happens while a request is answered but a note in memory. Requests for the same
// method and path are one note; every second or so the notes are told to the writer, which keeps
// the newest (supervisor/writer/missed_index.h). While it is away they wait here, bounded. When it
// dies between keeping and answering, it counts those requests twice. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "supervisor/journal/journal.h"

namespace nightjar {

class MissedRoutes {
 public:
  // `journal` outlives it, or at least answers no question of it afterwards.
  explicit MissedRoutes(Journal& journal) : journal_(journal) {}

  // Whether Add() would keep the request itself, redacted: of those for one route between two
  // Tell() one is kept, while there is room.
  bool WantsRequest(const std::string& canvas, const std::string& method, const std::string& path);
  // One request, or several with the same method and path. Long texts are cut, and a request that
  // is larger than kMissedRequestBytes is left out.
  void Add(proto::MissedRoute seen);
  // Hands over what was noted since. Call every second or so.
  void Tell();
  // All of a canvas, newest first, those of this moment too.
  void List(const std::string& canvas, std::function<void(Result<proto::MissedList>)> answered);

  // Nothing is under way to the writer.
  bool settled() const { return asked_ == 0; }
  // Requests that found no room among the notes.
  uint64_t dropped() const { return dropped_; }

 private:
  using Route = std::pair<std::string, std::string>;  // method, path
  proto::MissedRoute* Find(const std::string& canvas, const Route& route);
  static size_t RequestBytes(const proto::MissedRoute& note);
  proto::RoutesMissed TakeSome();
  void OnTold(const proto::RoutesMissed& told, const Result<proto::FromWriter>& answer);

  Journal& journal_;
  std::map<std::string, std::map<Route, proto::MissedRoute>> notes_;  // by canvas; none is empty
  size_t waiting_ = 0;                                                // notes
  size_t request_bytes_ = 0;                                          // in them
  size_t asked_ = 0;                                                  // questions under way
  uint64_t dropped_ = 0;
  bool refused_ = false;  // the last time
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nightjar
