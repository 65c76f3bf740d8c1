// nightjar-writer: the program that owns everything on the disk. nightjard's launcher starts it as
// root; it prepares its directory, becomes its own user for good, and serves the socket it was
// given until that is closed.
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/core/privileges.h"
#include "ipc/proto/no_log.h"
#include "supervisor/writer/s3/s3_store.h"
#include "supervisor/writer/s3/spooled_store.h"
#include "supervisor/writer/s3/store_file.h"
#include "supervisor/writer/s3/uploader.h"
#include "supervisor/writer/service.h"
#include "supervisor/writer/shared/index_file.h"
#include "supervisor/writer/shared/shared_thread.h"
#include "supervisor/writer/store_dir.h"

namespace nightjar {
namespace {

struct Options {
  int control_fd = -1;
  std::string state;
  uint32_t uid = UINT32_MAX;
  uint32_t gid = UINT32_MAX;
  std::string store;  // file with a store for traces; empty: they stay in the state directory
  std::string index;  // file with an index that machines share; empty: there is none
};

template <typename T>
bool ParseNumber(const char* text, T& value) {
  const char* end = text + strlen(text);
  auto [stop, error] = std::from_chars(text, end, value);
  return error == std::errc() && stop == end;
}

bool ParseOptions(int argc, char** argv, Options& options) {
  constexpr option kLong[] = {{"control-fd", required_argument, nullptr, 'c'},
                              {"state", required_argument, nullptr, 's'},
                              {"uid", required_argument, nullptr, 'u'},
                              {"gid", required_argument, nullptr, 'g'},
                              {"store", required_argument, nullptr, 'S'},
                              {"index", required_argument, nullptr, 'I'},
                              {nullptr, 0, nullptr, 0}};
  for (int choice; (choice = getopt_long(argc, argv, "", kLong, nullptr)) != -1;) {
    bool good = true;
    switch (choice) {
      case 'c':
        good = ParseNumber(optarg, options.control_fd);
        break;
      case 's':
        options.state = optarg;
        break;
      case 'u':
        good = ParseNumber(optarg, options.uid);
        break;
      case 'g':
        good = ParseNumber(optarg, options.gid);
        break;
      case 'S':
        options.store = optarg;
        break;
      case 'I':
        options.index = optarg;
        break;
      default:
        good = false;
    }
    if (!good) return false;
  }
  return optind == argc && options.control_fd >= 0 && !options.state.empty() &&
         options.uid != UINT32_MAX && options.gid != UINT32_MAX;
}

Status BecomeWriter(const Options& options, const std::string& store) {
  NJ_TRY(StoreDir::Prepare(store, options.uid, options.gid));
  if (geteuid() == 0) {
    RaisePriority(bounds::kWriterNice);
    return DropPrivileges(options.uid, options.gid);
  }
  if (geteuid() != options.uid)
    return Fail(ErrorCode::kPermission, "only root can become uid " + std::to_string(options.uid));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return FailErrno("no_new_privs");
  return {};
}

// Null: nothing is shared, and nothing is written down for anybody.
using SharedPtr = std::unique_ptr<shared::SharedThread>;
using SharedWhere = std::optional<shared::SharedFeed::Where>;

Status PrepareShared(Archive& archive, const SharedWhere& where) {
  return archive.index().SetOutbox(where.has_value());
}

// It goes before the service does, whose archive's thread it asks.
SharedPtr StartShared(WriterService& service, const Clock& clock, SharedWhere where) {
  if (!where) return nullptr;
  auto thread = std::make_unique<shared::SharedThread>(
      std::move(*where), [&service](const auto& call) { return service.WaitForArchive(call); },
      clock);
  shared::SharedThread::Handles handles = thread->MakeHandles();
  service.SetShared({std::move(handles.figures), std::move(handles.list), std::move(handles.get)});
  (void)service.WaitForArchive(
      [waker = thread->Waker()](Archive& archive) { archive.index().OnCommitted(waker); });
  LogInfo("shared_index_ready", {{"machine", thread->machine()}});
  return thread;
}

// With traces that go to a store beyond the network, through a spool below the store's directory.
Status ServeRemote(Channel supervisor, const std::string& store, const Clock& clock,
                   s3::StoreFile file, SharedWhere where) {
  NJ_ASSIGN(auto spool, Spool::Create(store + "/traces", file.settings.spool_bytes_max));
  s3::S3Client::Options options;
  options.http.ca_file = file.settings.ca_file;
  options.credentials = std::move(file.credentials);
  options.store = std::move(file.settings);
  const std::string host = options.store.endpoint.host;
  NJ_ASSIGN(auto remote, s3::S3Store::Create(clock, std::move(options)));
  NJ_ASSIGN(auto archive,
            Archive::Open(store, clock, std::make_unique<SpooledStore>(spool, *remote)));
  NJ_ASSIGN(auto records, OperatorRecords::Open(store));
  NJ_TRY(PrepareShared(*archive, where));
  NJ_ASSIGN(auto loop, Loop::Create());
  WriterService service(*loop, clock, std::move(supervisor), std::move(archive),
                        std::move(records));
  Uploader uploader(spool, *remote, clock,
                    [&service](auto task) { return service.AtArchive(std::move(task)); }, {});
  service.SetRemote({[&uploader] { return uploader.figures(); },
                     [&spool, &remote](const std::string& key) {
                       return spool->Has(key) ? std::string() : remote->SignedUrl(key);
                     }});
  SharedPtr shared = StartShared(service, clock, std::move(where));
  LogInfo("writer_ready", {{"store", store}, {"traces", host}, {"spooled_bytes", spool->bytes()}});
  loop->Run();
  // Whoever reads a trace from there now is not waited for.
  remote->End();
  return {};
}

Status Serve(const Options& options) {
  Fd control(options.control_fd);
  if (fcntl(control.get(), F_SETFD, FD_CLOEXEC) != 0) return FailErrno("--control-fd");
  // The supervisor stops the writer by closing the socket. A signal for the whole process group, as
  // a terminal's Ctrl-C, must not take away what seals the traces that the others leave open; and
  // neither must the supervisor's death. SIGQUIT is what the service's watchdog ends a stuck
  // supervisor with (nightjard.service), and it goes to all as well.
  for (int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGXFSZ}) signal(number, SIG_IGN);
  if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0) return FailErrno("PR_SET_PDEATHSIG");

  // The keys to it are not for the user that this becomes.
  std::optional<s3::StoreFile> remote_file;
  if (!options.store.empty()) {
    NJ_ASSIGN(remote_file, s3::ReadStoreFile(options.store));
  }
  SharedWhere where;
  if (!options.index.empty()) {
    NJ_ASSIGN(where, shared::ReadIndexFile(options.index));
  }
  const std::string store = options.state + "/store";
  NJ_TRY(BecomeWriter(options, store));
  StartLog("nightjar-writer", LogMode::kAsync);
  EndProtobufLog();
  NJ_ASSIGN(StoreDir dir, StoreDir::Open(store));
  SystemClock clock;
  Channel supervisor(std::move(control), Channel::Waiting::kNo);
  if (remote_file)
    return ServeRemote(std::move(supervisor), store, clock, std::move(*remote_file),
                       std::move(where));
  NJ_ASSIGN(auto archive, Archive::Open(store, clock));
  NJ_TRY(PrepareShared(*archive, where));
  NJ_ASSIGN(auto records, OperatorRecords::Open(store));
  NJ_ASSIGN(auto loop, Loop::Create());
  WriterService service(*loop, clock, std::move(supervisor), std::move(archive),
                        std::move(records));
  SharedPtr shared = StartShared(service, clock, std::move(where));
  LogInfo("writer_ready", {{"store", store}});
  loop->Run();
  return {};
}

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  nightjar::Options options;
  if (!nightjar::ParseOptions(argc, argv, options)) {
    fprintf(stderr,
            "usage: nightjar-writer --control-fd N --state DIR --uid U --gid G [--store FILE] "
            "[--index FILE]\n");
    return 2;
  }
  nightjar::Status served = nightjar::Serve(options);
  if (!served) nightjar::LogError("writer_failed", {{"error", served.error().ToString()}});
  nightjar::FlushLog();
  return served ? 0 : 1;
}
