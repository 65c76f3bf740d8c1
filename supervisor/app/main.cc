// nightjard: the supervisor. Started by a service manager or by `nightjar serve`, as root or as an
// ordinary user; `nightjard --doctor` only looks at the host.
#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <cstring>

#include "ipc/core/log.h"
#include "ipc/proto/no_log.h"
#include "supervisor/app/identity.h"
#include "supervisor/app/supervisor.h"
#include "supervisor/host/probe.h"
#include "supervisor/proc/launcher.h"

namespace nightjar {
namespace {

int PrintDoctor(const Privilege& privilege) {
  google::protobuf::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  print.always_print_primitive_fields = true;
  proto::DoctorAnswer answer = Probe(privilege);
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(answer, &json, print).ok()) return 1;
  printf("%s\n", json.c_str());
  return answer.can_serve() ? 0 : 1;
}

int Serve(const Options& options, const Privilege& privilege) {
  // The launcher's end can come at any time, the supervisor's start takes a moment.
  Supervisor* supervisor = nullptr;
  auto booted = Boot(options, privilege, [&supervisor] {
    if (supervisor != nullptr) supervisor->LauncherLost();
  });
  if (!booted) {
    fprintf(stderr, "nightjar: %s\n", booted.error().ToString().c_str());
    return 1;
  }
  StartLog("nightjard", LogMode::kAsync);
  EndProtobufLog();
  Supervisor whole(std::move(*booted));
  supervisor = &whole;
  int exit_code = whole.Run();
  supervisor = nullptr;
  return exit_code;
}

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  using namespace nightjar;
  if (argc > 1 && strcmp(argv[1], kLauncherFlag) == 0) return LauncherMain(argc, argv);
  Options options = ParseOptions(argc, argv);
  Privilege privilege = GainPrivilege(Identity::kIdsInNamespace);
  if (options.doctor) return PrintDoctor(privilege);
  int exit_code = Serve(options, privilege);
  FlushLog();
  return exit_code;
}
