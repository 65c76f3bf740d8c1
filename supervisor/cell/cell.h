// A cell: the cgroup of one run, below its canvas's cgroup. The kernel's side of every limit.
//
// Cells are made and given limits through CellTree; this is what the rest of the supervisor holds:
// usage, freeze, kill, empty. It works through directory descriptors that are opened once; a path
// is never resolved twice. Loop thread only.
//
// Ownership: a Cell belongs to one worker at a time. When the worker is gone and empty() is true it
// goes back to the tree (CellTree::Release), which reuses it for the same canvas or removes it. The
// destructor never blocks: it writes cgroup.kill and leaves the directory to the tree's bounded
// sweep.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

struct CellLimits {
  uint64_t memory_bytes = 0;  // 0: none of its own
  uint64_t pids = 0;
  bool reads_limited = false;  // its canvas has a limit on disk reads: v1 has to be told who reads
  bool operator==(const CellLimits&) const = default;
};

// A block device, never a partition.
struct Disk {
  uint32_t major_number = 0;
  uint32_t minor_number = 0;
  bool operator==(const Disk&) const = default;
};

struct CanvasLimits {
  uint64_t memory_bytes = 0;
  uint64_t pids = 0;
  double cpus = 0;               // 0: no bound
  uint64_t cpu_weight = 100;     // 1..10000
  uint64_t disk_read_bytes = 0;  // a second, from each disk; 0: no bound
  uint64_t cpu_burst_us = 0;     // saved up while less than `cpus` is used
};

// Counted since the cell was handed out (earlier users' counts are subtracted).
struct CellUsage {
  uint64_t cpu_us = 0;
  uint64_t memory_bytes = 0;
  uint64_t memory_peak_bytes = 0;
  uint64_t pids = 0;
  uint64_t pids_peak = 0;
  uint64_t oom_kills = 0;         // processes killed by the kernel at this cell's own memory limit
  uint64_t oom_kills_canvas = 0;  // at the canvas's, which its cells share
  uint64_t oom_kills_host = 0;    // at neither: for want of memory of the host, or of a group above
  uint64_t pids_denied = 0;       // forks refused at this cell's pids limit
  uint64_t canvas_cells = 0;      // of its canvas that workers hold, itself too
  // The canvas's brake on memory holds, or did a moment ago; ReadEvidence() alone looks.
  bool canvas_braked = false;
};

// What else the kernel counted, for evidence. What is not there is not counted on this host.
struct CellEvents {
  // Since the cell was handed out.
  std::optional<uint64_t> memory_high;  // times it was held up at memory.high
  std::optional<uint64_t> memory_max;   // times it was about to pass its memory limit
  std::optional<uint64_t> memory_oom;   // times nothing more could be freed for it
  std::optional<uint64_t> memory_oom_kill;
  std::optional<uint64_t> pids_denied;
  // Since some earlier time: only the difference of two readings means anything.
  std::optional<uint64_t> canvas_throttled;  // periods in which the canvas's quota was used up
  std::optional<uint64_t> canvas_throttled_us;
  std::optional<uint64_t> cpu_stalled_us;  // pressure: some thread of the cell waited for it
  std::optional<uint64_t> memory_stalled_us;
  std::optional<uint64_t> io_stalled_us;
};

// Where a new process must go, in this order. `born_into`: clone3 with CLONE_INTO_CGROUP; else the
// child enters by itself: it writes "0" to cgroup.procs below dir_fd while it still has the owner's
// uid (a v1 hierarchy lets only root and the process's own user move it). The unified door is of
// the second kind in a cell that was killed before, and then a kill may come too early for a
// process that is on its way in: kill again once it has said something.
struct CellDoor {
  int dir_fd = -1;  // owned by the cell
  bool born_into = false;
};

class Cell {
 public:
  virtual ~Cell() = default;

  virtual const std::string& name() const = 0;  // "canvas-demo/cell-3", for logs
  virtual std::vector<CellDoor> doors() const = 0;
  // The first process that lives in it, once it is born; borrowed for the call.
  virtual void Settle(const Fd& /*pidfd*/) {}
  virtual Result<CellUsage> ReadUsage() const = 0;
  // The same with what else can explain an end, for a sample that may be the last of a run.
  virtual Result<CellUsage> ReadEvidence() const = 0;
  // Some seven small files, opened for it: not for the way of every run.
  virtual CellEvents ReadEvents() const { return {}; }
  // The processes in it as /proc numbers them, where it can tell. One that was born or ended a
  // moment ago may be missing or gone.
  virtual std::vector<int> Processes() const { return {}; }
  // Stops every process where it is, for evidence. Asynchronous in the kernel; bounded and best
  // effort.
  virtual Status Freeze() = 0;
  virtual Status Thaw() = 0;
  // A process throttled by cpu.max exits only when its period ends: 44 ms became 0.2 ms with this
  // before the kill. The quota is the canvas's: it is off until this cell is released, a moment in
  // a death.
  virtual Status LiftCpuThrottle() = 0;
  // A process that reads a disk past the page cache (O_DIRECT) ends only when its read does,
  // however long the canvas's limit makes that take. For a death that does not come to its end, as
  // it lets through what others of the canvas wait for too: the limit is off until this cell is
  // empty.
  virtual Status LiftDiskThrottle() = 0;
  // SIGKILL to everything in it: at once where the kernel has cgroup.kill, else as soon as the
  // UserKiller gets to it.
  virtual Status Kill() = 0;
  // A directory whose cgroup.kill takes all that is in it, for whoever cannot wait for the loop; -1
  // where the kernel has none. The cell's, as long as it lives.
  virtual int kill_dir() const { return -1; }
  // True when no process is left in it and no kill is on its way. A zombie that nobody reaped
  // counts on kernels where it still holds the group.
  virtual Result<bool> Empty() const = 0;
  // A descriptor that polls POLLPRI when "populated" changes (cgroup.events); -1 where the kernel
  // has none.
  virtual int events_fd() const = 0;
};

// Somebody who may kill every process of a user, for hosts with v1 alone: there nothing kills a
// group, and the supervisor may not signal a worker (docs/adr/0014-kill-by-user.md).
struct UserKiller {
  // Asks for it, and does not wait. A ticket: they grow.
  std::function<Result<uint64_t>(uint32_t uid)> kill;
  // The last ticket that is done; those before it are too.
  std::function<uint64_t()> done;
};

// Makes cells and takes them back. It outlives every cell it gave out. Loop thread only, after
// Create().
class CellTree {
 public:
  struct Options {
    std::string top = "nightjar";  // the top group's name in every hierarchy that is used
    uint32_t owner_uid = 0;        // who may manage it afterwards: the unprivileged supervisor
    uint32_t owner_gid = 0;
    std::vector<Disk> disks = {};  // where programs of canvases read; see CanvasLimits
  };

  // As root, before privileges are dropped: makes the top group in the controllers that exist,
  // gives it to owner, locks it against a second supervisor (kExists), and removes leftovers of an
  // earlier one that are provably ours.
  static Result<std::unique_ptr<CellTree>> Create(const Options& options);
  virtual ~CellTree() = default;

  // A cell of that canvas with these limits, fresh or reused. Makes the canvas's group with
  // `canvas_limits` when there is none, and updates its limits when they changed. `uid`: of whoever
  // will live in it, and of nobody else until the cell is empty again.
  virtual Result<std::unique_ptr<Cell>> Acquire(const std::string& canvas,
                                                const CanvasLimits& canvas_limits,
                                                const CellLimits& limits, uint32_t uid) = 0;
  // Back from a worker that is gone. Not empty: kept aside and killed again on Sweep().
  virtual void Release(std::unique_ptr<Cell> cell) = 0;
  // Bounded upkeep, a few milliseconds at most: removes idle cells beyond a small reserve, retries
  // what was busy. Call every second or so.
  virtual void Sweep() = 0;
  // Cells that still hold a process that does not die.
  virtual size_t quarantined() const = 0;
  // Called from Sweep() with the name of each that does not any more. One at a time.
  virtual void OnFreed(std::function<void(const std::string& cell)> freed) = 0;
  // Kills all that is left and removes the whole tree; for a clean stop. As far as the unprivileged
  // owner may: the top group stays where its parent directory is root's.
  virtual void RemoveAll() = 0;
  // Where root puts a helper process (the zygote) at its start, before any worker is cloned: the
  // leaf <top>/helpers of the unified tree; nowhere on a host with v1 alone. Cloning into a cell
  // needs write permission on cgroup.procs of the closest group above both the parent and the cell
  // (cgroups(7), "delegation containment"); from this leaf that is <top>, which the owner has. The
  // doors are the tree's.
  virtual std::vector<CellDoor> HelperDoors() const = 0;
  // Whether a kill here takes a UserKiller, and giving it: before the first Acquire, outliving the
  // last cell. Without one the tree signals each process by itself, which root may.
  virtual bool NeedsUserKiller() const = 0;
  virtual void SetUserKiller(UserKiller killer) = 0;
  // Which limits the kernel holds for all processes of a cell together, and of a canvas.
  struct Bounded {
    bool memory = false;
    bool pids = false;
    bool disk_read = false;  // of one of the disks at least
  };
  virtual Bounded bounds() const = 0;
  // Usage of a canvas's group since it was made, for `top`.
  virtual Result<CellUsage> CanvasUsage(const std::string& canvas) const = 0;
  // What the kernel has counted of each canvas since the last call, whoever used it: workers that
  // wait, start or are killed too. Call before Sweep(), which may remove a group. nullopt: nothing
  // counts canvases on this host.
  struct CanvasCpu {
    std::string canvas;
    uint64_t cpu_us = 0;  // not 0
  };
  virtual std::optional<std::vector<CanvasCpu>> TakeCanvasCpu() { return std::nullopt; }
  // "hybrid: v1 memory, pids, cpu, cpuacct + unified" or "v2: memory, pids, cpu".
  virtual const std::string& description() const = 0;
};

}  // namespace nightjar
