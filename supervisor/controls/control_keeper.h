// Makes and ends controls: in force at once, then kept by the storage writer, so that a restart
// does not forget them; and ends those whose time is over.
//
// Nothing waits for the disk to be in force: while it is full or the writer away, the control holds
// all the same, and keeping it is tried again. What a control means is the book's. Loop thread
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"
#include "supervisor/controls/control_book.h"
#include "supervisor/journal/journal.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

class ControlKeeper {
 public:
  struct Needs {
    Loop& loop;
    const Clock& clock;
    Journal& journal;
    ControlBook& book;
    std::function<void(const proto::Control&)> changed;  // it is in force now, or no longer
    std::function<void(const proto::Control&)> expired;  // by itself; after `changed`
  };
  explicit ControlKeeper(Needs needs);

  // What an earlier supervisor left. Before the doors open.
  void Load(std::function<void(Status)> loaded);
  // Sets its id and the time that it was made. `kept` is called once: whether it is on the disk.
  using Kept = std::function<void(bool)>;
  Result<proto::Control> Make(proto::Control control, Kept kept);
  Result<proto::Control> Lift(uint64_t id, Kept kept);
  // Keeps what could not be kept. Every second, and when there is a writer.
  void Retry();

  const ControlBook& book() const { return needs_.book; }

 private:
  struct Unkept {
    proto::ControlWork work;
    uint64_t turn = 0;
    bool asked = false;
  };
  struct Waiting {
    Kept kept;
    MonoTime since{};
  };
  void Keep(uint64_t id, proto::ControlWork work, Kept kept);
  void Ask(uint64_t id, std::shared_ptr<Waiting> waiting);
  void End(uint64_t id, Kept kept);
  void OnTime();
  void StartTimer();

  Needs needs_;
  uint64_t last_id_ = 0;
  uint64_t next_turn_ = 1;
  std::map<uint64_t, Unkept> unkept_;  // by control: the newest word about it
  std::list<std::shared_ptr<Waiting>> waiting_;
  Timer timer_;
};

}  // namespace nightjar
