// The division of privileges as it is in production: the supervisor is an unprivileged owner, the
// zygote has the owner's uid and three capabilities, the worker has a uid of its own, and root is
// only there at the start.
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/kernel/cell/cell_fixture.h"
#include "tests/support/send_packet.h"

namespace nightjar {
namespace {

constexpr uid_t kOwner = 65534;
constexpr uid_t kWorker = 71'001;
constexpr size_t kDoors = 4;

bool DropTo(uid_t uid) {
  return syscall(SYS_setgroups, 0, nullptr) == 0 && setresgid(uid, uid, uid) == 0 &&
         setresuid(uid, uid, uid) == 0;
}

// The owner's uid with the zygote's three capabilities and no other, DAC_OVERRIDE above all.
bool BecomeZygote() {
  if (prctl(PR_SET_KEEPCAPS, 1) != 0 || !DropTo(kOwner)) return false;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  uint32_t three = 1u << CAP_SYS_ADMIN | 1u << CAP_SETUID | 1u << CAP_SETGID;
  __user_cap_data_struct data[2]{{three, three, 0}, {0, 0, 0}};
  return syscall(SYS_capset, &header, data) == 0;
}

// The doors as descriptors, born_into first, beside one byte each that says which they are.
bool SendDoors(int socket, const std::vector<CellDoor>& doors) {
  char born[kDoors];
  int fds[kDoors];
  for (size_t i = 0; i < doors.size(); ++i) {
    born[i] = doors[i].born_into ? 'b' : 'e';
    fds[i] = doors[i].dir_fd;
  }
  return SendPacket(socket, {born, doors.size()}, {fds, doors.size()}, 0) ==
         static_cast<ssize_t>(doors.size());
}

std::vector<CellDoor> ReceiveDoors(int socket) {
  char born[kDoors];
  int fds[kDoors];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)];
  iovec text{born, sizeof born};
  msghdr message{nullptr, 0, &text, 1, control, sizeof control, 0};
  ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  std::vector<CellDoor> doors;
  if (got <= 0 || CMSG_FIRSTHDR(&message) == nullptr) return doors;
  memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int) * got);
  for (ssize_t i = 0; i < got; ++i) doors.push_back({fds[i], born[i] == 'b'});
  return doors;
}

// The worker, between its birth in the cell and its end: what is not its birth place it enters
// while it still is the owner.
[[noreturn]] void LiveAsWorker(const std::vector<CellDoor>& doors, int socket) {
  std::vector<CellDoor> others(doors.begin() + 1, doors.end());
  if (!EnterDoors(others)) _exit(21);
  if (!DropTo(kWorker)) _exit(22);
  if (send(socket, "w", 1, 0) != 1) _exit(23);
  for (;;) pause();
}

// Says "w" when the worker is in its place and "d" when it died of SIGKILL.
[[noreturn]] void LiveAsZygote(int socket, const std::vector<CellDoor>& helper_doors) {
  if (!EnterDoors(helper_doors)) _exit(11);
  if (!BecomeZygote()) _exit(12);
  std::vector<CellDoor> doors = ReceiveDoors(socket);
  if (doors.empty() || !doors[0].born_into) _exit(13);
  clone_args args{};
  int pidfd = -1;
  args.flags =
      CLONE_INTO_CGROUP | CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<uint64_t>(doors[0].dir_fd);
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) LiveAsWorker(doors, socket);
  if (pid < 0) _exit(14);
  int status = 0;
  if (waitpid(static_cast<pid_t>(pid), &status, 0) != pid) _exit(15);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 16);
  if (send(socket, "d", 1, 0) != 1) _exit(17);
  _exit(0);
}

bool Hears(int socket, char word) {
  char byte = 0;
  return recv(socket, &byte, 1, 0) == 1 && byte == word;
}

// 0: everything went as it should; else the number of the step that did not.
int LiveAsSupervisor(CellTree& tree, int socket, const std::function<bool()>& canvas_exists) {
  if (!DropTo(kOwner) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 1;
  auto cell = tree.Acquire("split", {256 << 20, 64, 2, 100}, {64 << 20, 8}, kWorker);
  if (!cell) return fprintf(stderr, "%s\n", cell.error().ToString().c_str()), 2;
  if (!SendDoors(socket, (*cell)->doors())) return 3;
  if (!Hears(socket, 'w')) return 4;
  auto usage = (*cell)->ReadUsage();
  if (!usage || usage->pids != 1 || usage->memory_bytes == 0) return 5;
  if (!(*cell)->LiftCpuThrottle() || !(*cell)->Freeze() || !(*cell)->Kill()) return 6;
  if (!WaitEmpty(**cell)) return 7;
  if (!Hears(socket, 'd')) return 8;
  tree.Release(std::move(*cell));
  auto again = tree.Acquire("split", {256 << 20, 64, 1, 200}, {32 << 20, 4}, kWorker);
  if (!again || (*again)->name() != "canvas-split/cell-1") return 9;
  tree.Release(std::move(*again));
  tree.RemoveAll();
  return canvas_exists() ? 10 : 0;
}

class SplitTest : public CellTest {};

TEST_P(SplitTest, AnUnprivilegedOwnerKillsAWorkerOfAnotherUid) {
  tree_->RemoveAll();
  tree_.reset();
  CellTree::Options options{TestTop(), kOwner, kOwner};
  auto tree = CellTree::Create(options);
  ASSERT_TRUE(tree) << tree.error().ToString();
  tree_ = std::move(*tree);
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  auto doors = tree_->HelperDoors();
  pid_t zygote = fork();
  if (zygote == 0) {
    close(ends[0]);
    LiveAsZygote(ends[1], doors);
  }
  close(ends[1]);
  std::string canvas = hierarchies_.unified_mount + "/" + TestTop() + "/canvas-split";
  pid_t supervisor = fork();
  if (supervisor == 0)
    _exit(LiveAsSupervisor(*tree_, ends[0], [&] { return access(canvas.c_str(), F_OK) == 0; }));
  close(ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(supervisor, &status, 0), supervisor);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the supervisor's step that failed";
  ASSERT_EQ(waitpid(zygote, &status, 0), zygote);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the zygote's step that failed";
}

// With v1 alone the kill takes the nest: tests/kernel/proc.
INSTANTIATE_TEST_SUITE_P(Host, SplitTest, testing::Values(Shape::kAsItIs), ShapeName);

}  // namespace
}  // namespace nightjar
