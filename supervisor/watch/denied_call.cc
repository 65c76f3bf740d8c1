#include "supervisor/watch/denied_call.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string_view>

#include "ipc/core/syscall_name.h"
#include "policies/limit_table.h"

namespace nightjar {
namespace {

enum class Form { kSigned, kHex };  // kSigned: an int of the C library's, such as a pid

struct Argument {
  int at = -1;  // -1: no more of them
  std::string_view name;
  Form form = Form::kSigned;
};

struct Telling {
  std::string_view call;
  std::array<Argument, 3> arguments;
};

constexpr Argument kNone;

constexpr Telling kTelling[] = {
    {"socket", {{{0, "domain"}, {1, "type", Form::kHex}, {2, "protocol"}}}},
    {"socketpair", {{{0, "domain"}, {1, "type", Form::kHex}, {2, "protocol"}}}},
    {"clone", {{{0, "flags", Form::kHex}, kNone, kNone}}},
    {"unshare", {{{0, "flags", Form::kHex}, kNone, kNone}}},
    {"setns", {{{0, "fd"}, {1, "type", Form::kHex}, kNone}}},
    {"kill", {{{0, "pid"}, {1, "signal"}, kNone}}},
    {"tkill", {{{0, "tid"}, {1, "signal"}, kNone}}},
    {"tgkill", {{{0, "pid"}, {1, "tid"}, {2, "signal"}}}},
    {"rt_sigqueueinfo", {{{0, "pid"}, {1, "signal"}, kNone}}},
    {"pidfd_open", {{{0, "pid"}, {1, "flags", Form::kHex}, kNone}}},
    {"prctl", {{{0, "option"}, kNone, kNone}}},
    {"arch_prctl", {{{0, "code", Form::kHex}, kNone, kNone}}},
    {"ptrace", {{{0, "request"}, {1, "pid"}, kNone}}},
    {"process_vm_readv", {{{0, "pid"}, kNone, kNone}}},
    {"process_vm_writev", {{{0, "pid"}, kNone, kNone}}},
    {"fcntl", {{{0, "fd"}, {1, "command"}, kNone}}},
    {"ioctl", {{{0, "fd"}, {1, "request", Form::kHex}, kNone}}},
    {"mmap", {{{2, "protection", Form::kHex}, {3, "flags", Form::kHex}, kNone}}},
    {"mprotect", {{{2, "protection", Form::kHex}, kNone, kNone}}},
    {"open", {{{1, "flags", Form::kHex}, kNone, kNone}}},
    {"openat", {{{0, "directory"}, {2, "flags", Form::kHex}, kNone}}},
    {"mount", {{{3, "flags", Form::kHex}, kNone, kNone}}},
    {"umount2", {{{1, "flags", Form::kHex}, kNone, kNone}}},
    {"setuid", {{{0, "uid"}, kNone, kNone}}},
    {"setgid", {{{0, "gid"}, kNone, kNone}}},
    {"setresuid", {{{0, "real"}, {1, "effective"}, {2, "saved"}}}},
    {"setresgid", {{{0, "real"}, {1, "effective"}, {2, "saved"}}}},
    {"setrlimit", {{{0, "resource"}, kNone, kNone}}},
    {"prlimit64", {{{0, "pid"}, {1, "resource"}, kNone}}},
    {"personality", {{{0, "persona", Form::kHex}, kNone, kNone}}},
    {"bpf", {{{0, "command"}, kNone, kNone}}},
    {"keyctl", {{{0, "operation"}, kNone, kNone}}},
    {"io_uring_setup", {{{0, "entries"}, kNone, kNone}}},
    {"userfaultfd", {{{0, "flags", Form::kHex}, kNone, kNone}}},
    {"seccomp", {{{0, "operation"}, {1, "flags", Form::kHex}, kNone}}},
};

// All of them are of 32 bits for the kernel, whatever the registers held above.
std::string Value(uint64_t argument, Form form) {
  if (form == Form::kSigned) return std::to_string(static_cast<int32_t>(argument));
  char hex[16];
  snprintf(hex, sizeof hex, "0x%x", static_cast<uint32_t>(argument));
  return hex;
}

std::string Arguments(const DeniedCall& call, const Telling& telling) {
  std::string list;
  for (const Argument& argument : telling.arguments) {
    if (argument.at < 0) break;
    if (!list.empty()) list += ", ";
    list += std::string(argument.name) + " " +
            Value(call.arguments[static_cast<size_t>(argument.at)], argument.form);
  }
  return "(" + list + ")";
}

std::string Called(const DeniedCall& call) {
  std::string number = "system call " + std::to_string(call.number);
  std::string name = SyscallName(call.number);
  if (name.empty()) return number + ", which has no name here and which";
  auto at = std::find_if(std::begin(kTelling), std::end(kTelling),
                         [&](const Telling& telling) { return telling.call == name; });
  if (at != std::end(kTelling)) name += Arguments(call, *at);
  return name + ", " + number + ", which";
}

}  // namespace

KillCause CauseOf(const DeniedCall& call, const policy::Limits& limits) {
  constexpr std::string_view kLimit = "denied_calls";
  const policy::Names& taken = limits.denied_calls.value;
  const bool by_policy =
      std::find(taken.begin(), taken.end(), SyscallName(call.number)) != taken.end();
  const std::string by =
      by_policy ? "limit " + policy::WithOrigin(policy::FindLimitKey(kLimit)->TextIn(limits))
                : "its profile";
  std::string sentence = "it called " + Called(call) + " " + by + " does not allow";
  if (call.tid != 0) sentence += ", in thread " + std::to_string(call.tid);
  if (!call.thread.empty()) sentence += " (" + call.thread + ")";
  return {proto::VERDICT_DENIED_SYSCALL, std::move(sentence), std::string(by_policy ? kLimit : ""),
          Nanos(0)};
}

}  // namespace nightjar
