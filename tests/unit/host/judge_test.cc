#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervisor/host/host_facts.h"
#include "supervisor/host/probe.h"

namespace nightjar {
namespace {

using proto::DOCTOR_DEGRADED;
using proto::DOCTOR_MISSING;
using proto::DOCTOR_OK;
using testing::HasSubstr;

HostFacts GoodHost() {
  HostFacts facts;
  facts.privilege.kind = Privilege::Kind::kRoot;
  facts.kernel = "6.1.0-28-amd64";
  facts.hierarchies.unified_mount = "/sys/fs/cgroup";
  for (ControllerPlace* place : {&facts.hierarchies.memory, &facts.hierarchies.pids,
                                 &facts.hierarchies.cpu, &facts.hierarchies.io})
    place->home = ControllerHome::kUnified;
  for (Trial* trial :
       {&facts.cgroup_make, &facts.cgroup_clone, &facts.cgroup_kill, &facts.user_namespace,
        &facts.seccomp, &facts.seccomp_listener, &facts.pidfd, &facts.memfd_seals, &facts.realtime})
    trial->error = 0;
  for (auto& space : facts.namespaces) space.trial.error = 0;
  facts.time_namespace = true;
  facts.landlock_abi = 2;
  facts.pressure = true;
  return facts;
}

const proto::DoctorCheck& CheckOf(const proto::DoctorAnswer& answer, std::string_view name) {
  for (const auto& check : answer.checks())
    if (check.name() == name) return check;
  ADD_FAILURE() << "no check " << name;
  return proto::DoctorCheck::default_instance();
}

TEST(JudgeTest, AGoodHostIsOkThroughout) {
  auto answer = Judge(GoodHost());
  EXPECT_TRUE(answer.can_serve());
  for (const auto& check : answer.checks()) {
    EXPECT_EQ(check.state(), DOCTOR_OK) << check.name();
    EXPECT_FALSE(check.found().empty()) << check.name();
    EXPECT_TRUE(check.means().ends_with('.')) << check.name();
    EXPECT_TRUE(check.fix().empty()) << check.name();
  }
  EXPECT_TRUE(Require(answer, {}));
}

TEST(JudgeTest, AUserNamespaceIsAStartToo) {
  HostFacts facts = GoodHost();
  facts.privilege = {Privilege::Kind::kUserNamespace, 1000};
  facts.hierarchies.cpu = {ControllerHome::kNone, "",
                           "v1, at /c/cpu, and not this user's to write"};
  auto answer = Judge(facts);
  EXPECT_EQ(CheckOf(answer, "start").state(), DOCTOR_OK);
  EXPECT_EQ(CheckOf(answer, "start").found(), "as root of a user namespace of uid 1000");
  EXPECT_EQ(CheckOf(answer, "cpu").found(), "v1, at /c/cpu, and not this user's to write");
  EXPECT_FALSE(answer.can_serve());
}

TEST(JudgeTest, AMissingControllerIsTheOperatorsToAccept) {
  HostFacts facts = GoodHost();
  facts.hierarchies.memory = {};
  facts.hierarchies.cpu = {};
  auto answer = Judge(facts);
  EXPECT_FALSE(answer.can_serve());
  EXPECT_EQ(CheckOf(answer, "memory").state(), DOCTOR_MISSING);
  EXPECT_FALSE(CheckOf(answer, "memory").fix().empty());
  Status refused = Require(answer, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().context,
            "this host cannot enforce memory (no controller), cpu (no controller); `nightjar "
            "doctor` says what to do, "
            "or serve unprotected with --without memory --without cpu");
  std::vector<std::string> one{"memory"}, both{"memory", "cpu"};
  EXPECT_THAT(Require(answer, one).error().context, HasSubstr("cannot enforce cpu"));
  EXPECT_TRUE(Require(answer, both));
}

TEST(JudgeTest, NoFlagHelpsWhereNoRunCouldBeKilled) {
  HostFacts facts = GoodHost();
  facts.cgroup_kill.error = ENOENT;
  auto answer = Judge(facts);
  EXPECT_EQ(CheckOf(answer, "cgroup-kill").state(), DOCTOR_MISSING);
  EXPECT_THAT(Require(answer, {}).error().context,
              HasSubstr("this host lacks cgroup-kill (refused: No such file"));
  std::vector<std::string> named{"cgroup-kill"};
  EXPECT_EQ(Require(answer, named).error().code, ErrorCode::kUnsupported);
}

TEST(JudgeTest, AWordThatIsNoCheckIsSaidSo) {
  std::vector<std::string> wrong{"memroy"};
  Status refused = Require(Judge(GoodHost()), wrong);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().context, HasSubstr("memroy"));
}

TEST(JudgeTest, WithoutRootItSaysWhatItCouldNotTry) {
  HostFacts facts = GoodHost();
  facts.privilege = {Privilege::Kind::kNone, 1000, "user app has no range"};
  facts.cgroup_make = facts.cgroup_clone = facts.cgroup_kill = Trial{};
  for (auto& space : facts.namespaces) space.trial = Trial{};
  auto answer = Judge(facts);
  EXPECT_FALSE(answer.can_serve());
  EXPECT_EQ(CheckOf(answer, "start").state(), DOCTOR_MISSING);
  EXPECT_THAT(CheckOf(answer, "start").found(), HasSubstr("user app has no range"));
  for (const char* name : {"cgroup", "cgroup-clone", "cgroup-kill", "namespaces"}) {
    EXPECT_EQ(CheckOf(answer, name).state(), DOCTOR_DEGRADED) << name;
    EXPECT_THAT(CheckOf(answer, name).found(), HasSubstr("needs root")) << name;
  }
}

TEST(JudgeTest, OneRefusedNamespaceIsNamed) {
  HostFacts facts = GoodHost();
  facts.namespaces[2].trial.error = EPERM;
  auto answer = Judge(facts);
  EXPECT_EQ(CheckOf(answer, "namespaces").state(), DOCTOR_MISSING);
  EXPECT_EQ(CheckOf(answer, "namespaces").found(), "pid, mnt, ipc, uts; refused: net");
}

TEST(JudgeTest, WhatOnlyHelpsNeverStopsTheServer) {
  HostFacts facts = GoodHost();
  facts.landlock_abi = 0;
  facts.pressure = false;
  facts.realtime.error = EPERM;
  facts.user_namespace.error = EPERM;
  facts.seccomp_listener.error = EBUSY;
  facts.swap = true;
  auto answer = Judge(facts);
  EXPECT_TRUE(answer.can_serve());
  for (const char* name :
       {"landlock", "denied-calls", "pressure", "realtime", "user-namespaces", "swap"})
    EXPECT_EQ(CheckOf(answer, name).state(), DOCTOR_DEGRADED) << name;
}

TEST(JudgeTest, WithoutIoItServesAndSaysThatDiskReadsAreNotLimited) {
  HostFacts facts = GoodHost();
  facts.hierarchies.io = {ControllerHome::kV1, "/c/blkio"};
  EXPECT_EQ(CheckOf(Judge(facts), "io").state(), DOCTOR_OK);
  EXPECT_EQ(CheckOf(Judge(facts), "io").found(), "v1, at /c/blkio");
  facts.hierarchies.io = {ControllerHome::kNone, "", "in the unified tree, and not delegated"};
  auto answer = Judge(facts);
  EXPECT_TRUE(answer.can_serve());
  EXPECT_EQ(CheckOf(answer, "io").state(), DOCTOR_DEGRADED);
  EXPECT_EQ(CheckOf(answer, "io").found(), "in the unified tree, and not delegated");
  EXPECT_THAT(CheckOf(answer, "io").means(), HasSubstr("canvas_disk_read is not enforced"));
  // A hierarchy is of no use where no cell is built.
  facts.hierarchies = {};
  facts.hierarchies.io = {ControllerHome::kV1, "/c/blkio"};
  EXPECT_EQ(CheckOf(Judge(facts), "io").state(), DOCTOR_DEGRADED);
}

HostFacts V1Alone() {
  HostFacts facts = GoodHost();
  Hierarchies& h = facts.hierarchies;
  h.unified_mount.clear();
  h.memory = {ControllerHome::kV1, "/c/memory"};
  h.pids = {ControllerHome::kV1, "/c/pids"};
  h.cpu = {ControllerHome::kV1, "/c/cpu"};
  h.cpuacct = {ControllerHome::kV1, "/c/cpuacct"};
  h.freezer = {ControllerHome::kV1, "/c/freezer"};
  facts.cgroup_clone = facts.cgroup_kill = Trial{};
  return facts;
}

TEST(JudgeTest, V1AloneServesAndSaysWhatIsLess) {
  auto answer = Judge(V1Alone());
  EXPECT_TRUE(answer.can_serve());
  EXPECT_EQ(CheckOf(answer, "cgroup").state(), DOCTOR_OK);
  for (const char* name : {"cgroup-clone", "cgroup-kill"}) {
    EXPECT_EQ(CheckOf(answer, name).state(), DOCTOR_DEGRADED) << name;
    EXPECT_THAT(CheckOf(answer, name).fix(), HasSubstr("mount -t cgroup2")) << name;
  }
  EXPECT_EQ(CheckOf(answer, "freeze").found(), "v1, at /c/freezer");
  EXPECT_EQ(CheckOf(answer, "cpu-time").found(), "v1, at /c/cpuacct");
}

TEST(JudgeTest, V1WithoutFreezerAndCpuacctSaysSoByName) {
  HostFacts facts = V1Alone();
  facts.hierarchies.freezer = facts.hierarchies.cpuacct = {};
  auto answer = Judge(facts);
  EXPECT_EQ(CheckOf(answer, "freeze").state(), DOCTOR_DEGRADED);
  EXPECT_EQ(CheckOf(answer, "cpu-time").state(), DOCTOR_MISSING);
  EXPECT_THAT(Require(answer, {}).error().context,
              HasSubstr("cannot enforce cpu-time (no cpuacct)"));
  std::vector<std::string> named{"cpu-time"};
  EXPECT_TRUE(Require(answer, named));
}

TEST(JudgeTest, AHostWithoutCgroupsIsToldHowToMountThem) {
  HostFacts facts = GoodHost();
  facts.hierarchies = {};
  facts.cgroup_make = facts.cgroup_clone = facts.cgroup_kill = Trial{};
  auto answer = Judge(facts);
  EXPECT_EQ(CheckOf(answer, "cgroup").state(), DOCTOR_DEGRADED);
  EXPECT_THAT(CheckOf(answer, "cgroup").fix(), HasSubstr("mount -t cgroup2"));
  EXPECT_EQ(CheckOf(answer, "cpu-time").found(), "in /proc, process by process");
  // Each limit that is not enforced is the operator's to accept, by its name.
  EXPECT_THAT(Require(answer, {}).error().context,
              HasSubstr("with --without memory --without pids --without cpu"));
  facts.privilege = {Privilege::Kind::kUserNamespace, 1000};
  EXPECT_THAT(CheckOf(Judge(facts), "cgroup").fix(), HasSubstr("Delegate="));
}

TEST(JudgeTest, ReadsKernelVersions) {
  EXPECT_EQ(KernelVersion("6.1.0-28-amd64"), std::pair(6, 1));
  EXPECT_EQ(KernelVersion("5.13"), std::pair(5, 13));
  EXPECT_EQ(KernelVersion("unknown"), std::pair(0, 0));
  HostFacts facts = GoodHost();
  facts.kernel = "5.10.0-8-amd64";
  EXPECT_EQ(CheckOf(Judge(facts), "kernel").state(), DOCTOR_MISSING);
}

}  // namespace
}  // namespace nightjar
