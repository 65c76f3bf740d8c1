#include "supervisor/watch/process_look.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <set>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/core/proc_stat.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

constexpr size_t kStatBytes = 1024;

// What is not UTF-8 becomes '?', as a message's text must be.
std::string Text(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    std::string_view good = Utf8Prefix(bytes, bytes.size());
    text += good;
    bytes.remove_prefix(good.size());
    if (bytes.empty()) break;
    text += '?';
    bytes.remove_prefix(1);
  }
  return text;
}

// At most `bytes_max` of a file of /proc; nullopt when it cannot be read.
std::optional<std::string> ReadSome(int dir, const char* name, size_t bytes_max) {
  Fd file(openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return std::nullopt;
  std::string text(bytes_max, '\0');
  ssize_t got = read(file.get(), text.data(), text.size());
  if (got < 0) return std::nullopt;
  text.resize(static_cast<size_t>(got));
  return text;
}

std::optional<ProcStat> ReadStat(int dir) {
  auto text = ReadSome(dir, "stat", kStatBytes);
  auto stat = text ? ParseProcStat(*text) : std::nullopt;
  if (!stat) return std::nullopt;
  stat->name = Text(stat->name);
  stat->state = Text(stat->state);
  return stat;
}

// The kernel says "0" of a thread that does not wait, and of one that it does not tell about.
std::string WaitsIn(int dir) {
  auto text = ReadSome(dir, "wchan", bounds::kThreadNameBytes);
  return !text || *text == "0" ? "" : Text(*text);
}

std::string CommandOf(int dir) {
  auto text = ReadSome(dir, "cmdline", bounds::kCommandReadBytes);
  if (!text) return "";
  while (!text->empty() && text->back() == '\0') text->pop_back();
  std::replace(text->begin(), text->end(), '\0', ' ');
  // A character that the end cut through is no word of the program's.
  std::string_view whole(*text);
  if (text->size() == bounds::kCommandReadBytes)
    while (!whole.empty() && (static_cast<unsigned char>(whole.back()) & 0xc0) == 0x80)
      whole.remove_suffix(1);
  return Text(whole);
}

void AddThreads(int dir, int pid, proto::ProcessSeen* seen) {
  Fd tasks(openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tasks.valid()) return;
  std::unique_ptr<DIR, int (*)(DIR*)> list(fdopendir(tasks.get()), closedir);
  if (list == nullptr) return;
  int tasks_fd = tasks.Release();
  while (const dirent* entry = readdir(list.get())) {
    std::string_view name(entry->d_name);
    int tid = 0;
    auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), tid);
    if (failed != std::errc() || end != name.data() + name.size() || tid == pid) continue;
    if (static_cast<size_t>(seen->threads_size()) == bounds::kThreadsShown) return;
    Fd thread(openat(tasks_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto stat = thread.valid() ? ReadStat(thread.get()) : std::nullopt;
    if (!stat) continue;
    proto::ThreadSeen& added = *seen->add_threads();
    added.set_tid(tid);
    added.set_name(stat->name);
    added.set_state(stat->state);
    added.set_waits_in(WaitsIn(thread.get()));
  }
}

std::optional<proto::ProcessSeen> LookAt(int pid) {
  Fd dir(open(("/proc/" + std::to_string(pid)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto stat = dir.valid() ? ReadStat(dir.get()) : std::nullopt;
  if (!stat) return std::nullopt;
  proto::ProcessSeen seen;
  seen.set_pid(pid);
  seen.set_parent(stat->parent);
  seen.set_name(stat->name);
  seen.set_state(stat->state);
  seen.set_command(CommandOf(dir.get()));
  seen.set_threads_in_all(stat->threads);
  seen.set_waits_in(WaitsIn(dir.get()));
  if (stat->threads > 1) AddThreads(dir.get(), pid, &seen);
  return seen;
}

// Each one behind its parent, and children in the order of their numbers.
std::vector<proto::ProcessSeen> AsTree(std::vector<proto::ProcessSeen> seen) {
  std::set<int> there;
  for (const proto::ProcessSeen& process : seen) there.insert(process.pid());
  std::vector<proto::ProcessSeen> tree;
  std::vector<int> open;  // the parents whose children come next, the nearest last
  auto take = [&](int parent, bool roots) {
    for (auto at = seen.begin(); at != seen.end(); ++at) {
      if (roots ? there.count(at->parent()) != 0 : at->parent() != parent) continue;
      open.push_back(at->pid());
      tree.push_back(std::move(*at));
      seen.erase(at);
      return true;
    }
    return false;
  };
  while (!seen.empty()) {
    if (open.empty()) {
      if (take(0, true)) continue;
      // Parents that changed under the look: no root is left, and each is shown all the same.
      std::move(seen.begin(), seen.end(), std::back_inserter(tree));
      break;
    }
    if (!take(open.back(), false)) open.pop_back();
  }
  return tree;
}

bool WaitsUnseen(const proto::ProcessSeen& process) {
  bool waits = process.state() != "R" && process.state() != "Z";
  return waits && process.waits_in().empty();
}

}  // namespace

ProcessLook LookAtProcesses(const std::vector<int>& pids, const Clock& clock,
                            std::chrono::milliseconds time) {
  const MonoTime end = clock.Mono() + time;
  ProcessLook look;
  look.in_all = pids.size();
  std::vector<int> ordered = pids;
  std::sort(ordered.begin(), ordered.end());
  bool late = false;
  for (int pid : ordered) {
    late = clock.Mono() >= end;
    if (late || look.processes.size() == bounds::kProcessesShown) break;
    if (auto seen = LookAt(pid)) look.processes.push_back(std::move(*seen));
  }
  look.processes = AsTree(std::move(look.processes));
  if (late)
    look.left_out.push_back("processes: the kill does not wait longer than " +
                            std::to_string(time.count()) + " ms for a look");
  if (std::any_of(look.processes.begin(), look.processes.end(), WaitsUnseen))
    look.left_out.push_back(
        "wait channels: the kernel does not tell this user what another's threads wait for");
  return look;
}

}  // namespace nightjar
