// The controls in force: what an operator has decided about a canvas for now, and what that means
// for a run. Values only: no clock, no loop, no storage. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/proto/control.pb.h"
#include "ipc/proto/worker.pb.h"
#include "policies/limits.h"

namespace nightjar {

// In force at one time: each is kept on the disk and looked at with each request of its canvas.
inline constexpr size_t kControlsMax = 4096;

// The kinds of handlers that a control may name: "exec" for those that are programs of the host,
// the others for the language's own.
inline constexpr std::string_view kHandlerKinds[] = {"http", "exec", "worker", "cron"};

// One of them, or what no control can name ("repl", or empty).
std::string_view HandlerKindOf(const proto::HandlerEntry& handler);

// "control 17 by root: it mines coins".
std::string ControlText(const proto::Control& control);

class ControlBook {
 public:
  void Add(proto::Control control);
  std::optional<proto::Control> Remove(uint64_t id);
  const proto::Control* Find(uint64_t id) const;
  // Of one canvas, or with "" all; oldest first.
  std::vector<proto::Control> List(const std::string& canvas) const;
  size_t size() const { return canvas_of_.size(); }

  // The control that keeps requests to this handler from running: one that blocks it before one
  // that pauses it, the oldest first. Null: there is none. Suspensions are limits, see Apply().
  const proto::Control* Holding(std::string_view canvas, const proto::HandlerEntry& handler) const;
  // Makes `limits`, which are policy's, what they are with the controls in force.
  void Apply(std::string_view canvas, std::string_view handler, policy::Limits* limits) const;
  // The suspension of this canvas that was made first.
  const proto::Control* Suspension(std::string_view canvas) const;

  // The first of them that ends by itself; 0: none does.
  int64_t next_expiry_unix_us() const;
  std::vector<uint64_t> ExpiredAt(int64_t unix_us) const;

 private:
  using Controls = std::map<uint64_t, proto::Control>;
  const Controls* Of(std::string_view canvas) const;

  std::map<std::string, Controls, std::less<>> canvases_;
  std::map<uint64_t, std::string> canvas_of_;
};

}  // namespace nightjar
