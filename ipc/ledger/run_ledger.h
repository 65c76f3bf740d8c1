// The runs that have begun and are not stored yet, in memory that outlives the supervisor.
//
// What the supervisor has told the storage writer is in sockets and in the writer's memory, and a
// supervisor that is killed takes what it had not told yet along. So it writes each run down here
// first: when it begins, when its verdict is known, and that it is stored. The writer reads it when
// the supervisor is gone, and the next supervisor does at its start, so that every run that began
// gets its verdict even when both died. It is a file in a file system of memory: a write to it is
// a copy, and waits for no disk. Each supervisor makes a file of its own in the place of the last
// one, which a writer may still be reading. One thread; the reader is any process's.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

class RunLedger {
 public:
  using Slot = size_t;
  static constexpr Slot kNone = SIZE_MAX;  // the run is not in the ledger; every call takes it

  struct Entry {
    proto::RunLeft run;
    bool left = false;  // by a supervisor before the one whose ledger this is
    Slot slot = kNone;
  };

  // Where the ledger of the supervisor with this state directory is. Its name is made up at the
  // first call and kept in the directory: nobody else can guess it, and no other directory comes to
  // it.
  static Result<std::string> PathFor(const std::string& state);
  // `path` is on a file system of memory. What another supervisor left there is taken over.
  static Result<std::unique_ptr<RunLedger>> Create(const std::string& path);
  // Removes the file when no run is in it.
  ~RunLedger();
  RunLedger(const RunLedger&) = delete;
  RunLedger& operator=(const RunLedger&) = delete;

  // kNone: it is full, or there is no more memory for it.
  Slot Begin(const proto::RunBegan& began);
  // What does not fit of an incident is left out. `slot` kNone: a run that never began; the slot
  // that it got.
  Slot End(Slot slot, const proto::RunEnded& ended);
  // It is stored.
  void Free(Slot slot);

  // In the order that they were written down in. Of this ledger, or of one that was passed.
  static Result<std::vector<Entry>> Read(const Fd& fd);
  // For reading alone, to be passed on.
  const Fd& reader() const { return reader_; }

 private:
  struct Head;
  RunLedger(std::string path, Fd file, Fd reader, Mapping mapping);
  static Result<std::vector<Entry>> TakeOver(const std::string& path);
  Status Make(const std::vector<Entry>& left);
  Slot Take();
  bool Grow();
  Head& At(Slot slot);
  void Put(Slot slot, const proto::RunBegan& began);
  void PutEnded(Slot slot, const proto::RunEnded& ended);

  std::string path_;
  Fd file_;
  Fd reader_;
  Mapping mapping_;
  size_t made_ = 0;  // slots that there is memory for
  size_t used_ = 0;
  uint64_t next_order_ = 1;
  std::priority_queue<Slot, std::vector<Slot>, std::greater<>> free_;  // the lowest one next
};

}  // namespace nightjar
