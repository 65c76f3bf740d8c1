#include "supervisor/app/boot.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/core/privileges.h"
#include "ipc/core/secret_file.h"
#include "policies/index_settings.h"
#include "policies/policy_errors.h"
#include "policies/store_settings.h"
#include "supervisor/app/exec_paths.h"
#include "supervisor/app/passed_sockets.h"
#include "supervisor/app/redaction_key.h"
#include "supervisor/host/probe.h"
#include "supervisor/http/server.h"
#include "supervisor/policy/policy_files.h"
#include "supervisor/rules/load_rules.h"

namespace nightjar {
namespace {

Result<std::string> OwnPath() {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0 || length == sizeof path) return FailErrno("finding this program's own path");
  return std::string(path, static_cast<size_t>(length));
}

// Each live worker holds some sixteen descriptors here. The hard limit is as far as this process
// may go.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

LauncherPlan PlanFor(const std::string& self, const Booted& booted) {
  std::string folder = std::filesystem::path(self).parent_path().string();
  std::string writer = std::to_string(booted.identity.writer);
  std::vector<std::string> zygote{folder + "/nightjar-worker",
                                  "--zygote",
                                  "--control-fd",
                                  "3",
                                  "--uid",
                                  std::to_string(booted.identity.supervisor)};
  std::vector<std::string> exec_zygote = zygote;
  const Options& options = booted.options;
  exec_zygote.emplace_back(options.exec_root.empty() ? "--exec" : "--exec-root");
  if (options.exec_root.empty())
    exec_zygote.insert(exec_zygote.end(), options.exec_paths.begin(), options.exec_paths.end());
  else
    exec_zygote.push_back(options.exec_root);
  std::vector<std::string> storage{folder + "/nightjar-writer",
                                   "--control-fd",
                                   "3",
                                   "--state",
                                   booted.state->path(),
                                   "--uid",
                                   writer,
                                   "--gid",
                                   writer};
  if (!options.store.empty())
    storage.insert(storage.end(),
                   {"--store", std::filesystem::absolute(options.store).lexically_normal()});
  if (!options.index.empty())
    storage.insert(storage.end(),
                   {"--index", std::filesystem::absolute(options.index).lexically_normal()});
  return {std::move(zygote), std::move(storage), std::move(exec_zygote)};
}

Result<Identity> ChooseIdentity(const Options& options, const Privilege& privilege) {
  switch (privilege.kind) {
    case Privilege::Kind::kRoot:
      return Identity(options.uid_base.value_or(Identity::kDefaultBase));
    case Privilege::Kind::kUserNamespace:
      if (!options.uid_base) return Identity(Identity::kBaseInNamespace);
      return Fail(ErrorCode::kInvalid,
                  "--uid-base is root's: another user's ids are those of /etc/subuid");
    case Privilege::Kind::kNone:
      break;
  }
  return Fail(ErrorCode::kPermission,
              "nightjard starts as root, which it gives up at once (run it with sudo), or in a "
              "user namespace, which did not work: " +
                  privilege.refused);
}

Result<std::vector<std::string>> ShownToPrograms(const Options& options) {
  if (!options.exec_root.empty()) return CheckExecRoot(options.exec_root, options.state);
  NJ_TRY(CheckExecPaths(options.exec_paths, options.state));
  return options.exec_paths;
}

// What the storage writer will read, looked at before anything is started: a mistake is told in one
// line. The keys themselves are not read here.
Status CheckStore(const std::string& path) {
  if (path.empty()) return {};
  NJ_ASSIGN(std::string text, ReadFileAt(AT_FDCWD, path.c_str(), bounds::kStoreFileBytes));
  std::vector<policy::PolicyError> errors;
  auto settings = ParseStoreSettings(text, &errors);
  if (!settings) return Fail(ErrorCode::kInvalid, policy::ErrorLines(path, errors));
  auto keys = OpenSecretFile(settings->credentials_file);
  if (keys) return {};
  policy::Place at = settings->credentials_at;
  return Fail(keys.error().code,
              policy::ErrorLines(path, {{at.line, at.column, keys.error().ToString()}}));
}

// Likewise.
Status CheckIndex(const std::string& path) {
  if (path.empty()) return {};
  NJ_ASSIGN(std::string text, ReadFileAt(AT_FDCWD, path.c_str(), bounds::kStoreFileBytes));
  std::vector<policy::PolicyError> errors;
  auto settings = ParseIndexSettings(text, &errors);
  if (!settings) return Fail(ErrorCode::kInvalid, policy::ErrorLines(path, errors));
  if (settings->password_file.empty()) return {};
  auto password = OpenSecretFile(settings->password_file);
  if (password) return {};
  policy::Place at = settings->password_at;
  return Fail(password.error().code,
              policy::ErrorLines(path, {{at.line, at.column, password.error().ToString()}}));
}

UserKiller KillerOf(Launcher& launcher) {
  return {[&launcher](uint32_t uid) { return launcher.KillUser(uid); },
          [&launcher] { return launcher.kills_done(); }};
}

// A socket that was passed is never left alone in favour of an address: whoever connected to it
// would wait forever.
Result<Fd> CanvasListener(const std::string& listen, std::vector<Fd> passed) {
  if (passed.empty() && listen == kListenOnPassed)
    return Fail(ErrorCode::kInvalid,
                "--listen systemd, and no socket was passed: start nightjar.socket, or have an "
                "address there");
  if (passed.empty()) return http::ListenTcp(listen.empty() ? kDefaultListen : listen);
  if (listen.empty() || listen == kListenOnPassed) return TheListener(std::move(passed));
  return Fail(ErrorCode::kInvalid, "--listen " + listen +
                                       ", and the service manager passed a socket too: have the "
                                       "address in ListenStream= of the socket unit, and no "
                                       "--listen");
}

Status Listen(Booted& booted) {
  NJ_ASSIGN(booted.canvas_listener,
            CanvasListener(booted.options.listen, booted.manager.TakeSockets()));
  NJ_ASSIGN(booted.canvas_address, http::BoundAddress(booted.canvas_listener));
  NJ_ASSIGN(booted.control_listener, http::ListenUnix(booted.state->control_socket()));
  return {};
}

// A directory above may be closed to everyone but root: found out now, not at the first deploy.
Status CheckReach(const StateDir& state) {
  if (access((state.path() + "/version").c_str(), R_OK) == 0) return {};
  return Fail(ErrorCode::kPermission,
              "the supervisor gives up root and then cannot enter " + state.path() +
                  ": a directory above it is closed to others; choose another --state");
}

// As the one whose file it is. Without it all goes on, and runs can be lost when this process and
// the storage writer are both killed.
std::unique_ptr<RunLedger> OpenLedger(const StateDir& state) {
  auto path = RunLedger::PathFor(state.path());
  auto ledger = path ? RunLedger::Create(*path)
                     : Result<std::unique_ptr<RunLedger>>(tl::unexpect, path.error());
  if (ledger) return std::move(*ledger);
  LogError("run_ledger_off", {{"error", ledger.error().ToString()}});
  return nullptr;
}

}  // namespace

Result<Booted> Boot(const Options& options, const Privilege& privilege,
                    std::function<void()> launcher_lost) {
  Booted booted;
  // Clients may wait for the successor of one that fell, on a machine as busy as it was then; and
  // the host is looked at by a dozen children, one after the other.
  Status real_time = RaiseToRealTime();
  NJ_ASSIGN(booted.manager, ServiceManager::Meet());
  booted.options = options;
  NJ_ASSIGN(booted.identity, ChooseIdentity(options, privilege));
  NJ_ASSIGN(std::vector<std::string> shown, ShownToPrograms(options));
  NJ_ASSIGN(booted.policy, LoadPolicy(options.policy, PolicyState::kAtOnce));
  NJ_ASSIGN(booted.rules, LoadRules(options.rules, PolicyState::kAtOnce));
  NJ_TRY(CheckStore(options.store));
  NJ_TRY(CheckIndex(options.index));
  booted.doctor = Probe(privilege);
  NJ_TRY(Require(booted.doctor, options.without));
  NJ_ASSIGN(StateDir state, StateDir::Open(options.state, booted.identity.supervisor));
  booted.state = std::make_unique<StateDir>(std::move(state));
  NJ_ASSIGN(booted.redaction_key, OpenRedactionKey(options.state));
  NJ_TRY(Listen(booted));
  RaiseDescriptorLimit();
  CellTree::Options tree;
  tree.top = options.cgroup;
  tree.owner_uid = booted.identity.supervisor;
  tree.owner_gid = booted.identity.supervisor;
  booted.disks = FindExecDisks(shown);
  tree.disks = booted.disks.disks;
  NJ_ASSIGN(booted.cells, CellTree::Create(tree));
  NJ_ASSIGN(booted.loop, Loop::Create());
  NJ_ASSIGN(std::string self, OwnPath());
  std::vector<int> doors;
  for (const CellDoor& door : booted.cells->HelperDoors()) doors.push_back(door.dir_fd);
  LauncherPlan plan = PlanFor(self, booted);
  if (booted.cells->NeedsUserKiller()) plan.nest = NestDuty::kWatchAndKill;
  NJ_ASSIGN(booted.launcher,
            Launcher::Start(*booted.loop, self, plan, doors, std::move(launcher_lost)));
  if (booted.cells->NeedsUserKiller()) booted.cells->SetUserKiller(KillerOf(*booted.launcher));
  if (!real_time) {
    LogWarning("real_time_refused", {{"error", real_time.error().ToString()}});
    RaisePriority(bounds::kSupervisorNice);
  }
  NJ_TRY(DropPrivileges(booted.identity.supervisor, booted.identity.supervisor));
  booted.metrics = std::make_unique<Metrics>();
  Durations& woken_late = booted.metrics->host().guard_wake_ups;
  booted.guard =
      std::make_unique<DeadlineGuard>([&woken_late](Nanos late) { woken_late.Add(late); });
  KeepRealTimeToItself();
  NJ_TRY(CheckReach(*booted.state));
  booted.ledger = OpenLedger(*booted.state);
  return booted;
}

}  // namespace nightjar
