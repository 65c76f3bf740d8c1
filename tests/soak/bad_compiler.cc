// What a scoundrel says of a canvas file that it is to compile.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "tests/soak/scoundrel.h"

namespace nightjar::soak {
namespace {

Fd ProgramOf(off_t bytes, int seals) {
  Fd fd(memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CHECK(fd.valid() && ftruncate(fd.get(), bytes) == 0);
  CHECK(fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}

proto::HandlerEntry Handler(uint64_t tlid, const std::string& route) {
  proto::HandlerEntry handler;
  handler.set_tlid(tlid);
  handler.set_kind(proto::HANDLER_KIND_HTTP);
  handler.set_method("GET");
  handler.set_route(route);
  handler.set_name("GET " + route);
  return handler;
}

// Each strange in a way of its own; the router and the control plane take what they can.
void AddNonsense(proto::Manifest& manifest) {
  for (const char* route : {"/", "//", "/:", "/::/:", "/deed/:seed/:number", "/%00/%zz", "/a\r\nb"})
    *manifest.add_handlers() = Handler(7, route);  // all of one id
  proto::HandlerEntry other = Handler(0, "/other");
  other.set_kind(static_cast<proto::HandlerKind>(99));
  other.set_engine(static_cast<proto::EngineKind>(99));
  other.set_name("\x1b[2J\u202e");
  *manifest.add_handlers() = other;
  manifest.set_functions(UINT32_MAX);
  manifest.mutable_cors()->add_origins("*\r\nX-Forged: yes");
}

}  // namespace

void Scoundrel::DoInsteadOfCompile(std::string_view deed) {
  constexpr int kImmutable = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL;
  if (BadPackets(deed) || BadMessages(deed, {}) || BadProcess(deed, {})) AwaitEnd();
  proto::FromWorker message;
  proto::Compiled& compiled = *message.mutable_compiled();
  *compiled.mutable_manifest()->add_handlers() = Handler(1, "/deed/:seed/:number");
  compiled.set_program_bytes(100);
  Fd program = ProgramOf(100, kImmutable);
  if (deed == "neither_program_nor_reason") {
    compiled.set_program_bytes(0);
  } else if (deed == "program_that_is_not_there") {
    program.Close();
  } else if (deed == "program_that_can_change") {
    program = ProgramOf(100, F_SEAL_SHRINK);
  } else if (deed == "program_beyond_the_limit") {
    program = ProgramOf(bounds::kProgramBytes + 1, kImmutable);
  } else if (deed == "empty_program") {
    program = ProgramOf(0, kImmutable);
  } else if (deed == "too_many_handlers") {
    for (size_t i = 0; i < bounds::kHandlersPerCanvas; ++i)
      *compiled.mutable_manifest()->add_handlers() = Handler(i, "/" + std::to_string(i));
  } else if (deed == "more_than_can_be_saved") {
    compiled.mutable_manifest()->mutable_cors()->add_origins(
        std::string(bounds::kManifestBytes, 'o'));
  } else if (deed == "handlers_of_nonsense") {
    AddNonsense(*compiled.mutable_manifest());
  } else if (deed == "many_diagnostics") {
    compiled.set_program_bytes(0);
    for (int i = 0; i < 2000; ++i)
      compiled.add_diagnostics()->set_message("\x1b[31m" + std::to_string(random_()));
  } else if (deed == "compiles_twice") {
    Say(message, {program.get()});
  } else {
    CHECK(deed == "program_of_zeros");
  }
  std::vector<int> fds;
  if (program.valid()) fds.push_back(program.get());
  Say(message, fds);
  AwaitEnd();
}

}  // namespace nightjar::soak
