// What the catalog adds to an incident: the code's hash, and masks over secrets.
#include "supervisor/writer/incident_code.h"

#include <gmock/gmock.h>

#include "ipc/core/bounds.h"
#include "ipc/proto/program.pb.h"
#include "supervisor/writer/sha256.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SecretsInTest, ReadsNothingElse) {
  proto::Program program;
  program.set_format(1);
  program.add_functions()->set_name("f");
  program.add_secrets()->set_value("one");
  program.add_secrets()->set_value("");
  program.add_files()->set_content("s3cret");
  program.add_secrets()->set_value("two");
  auto secrets = SecretsIn(program.SerializeAsString());
  ASSERT_TRUE(secrets);
  EXPECT_THAT(*secrets, ElementsAre("one", "two"));
  EXPECT_THAT(*SecretsIn(""), ElementsAre());
}

TEST(SecretsInTest, WhatIsNoProgramHasNoSecretsToTell) {
  proto::Program program;
  program.add_secrets()->set_value("one");
  std::string bytes = program.SerializeAsString();
  for (size_t size = 1; size < bytes.size(); ++size)
    EXPECT_FALSE(SecretsIn(bytes.substr(0, size))) << size;
  EXPECT_FALSE(SecretsIn("\xff\xff\xff\xff\xff\xff\xff"));
}

TEST(MaskSecretsTest, MasksEachOfThemEverywhere) {
  EXPECT_EQ(MaskSecrets("curl -u key -H key1 kekey", {"key", "key1"}, TextEnd::kWhole),
            "curl -u <secret> -H <secret> ke<secret>");
  EXPECT_EQ(MaskSecrets("nothing", {}, TextEnd::kCut), "nothing");
}

TEST(MaskSecretsTest, OneThatTheEndCutThroughDoesNotShow) {
  EXPECT_EQ(MaskSecrets("curl -u passw", {"password"}, TextEnd::kCut), "curl -u ");
  EXPECT_EQ(MaskSecrets("curl -u passw", {"password"}, TextEnd::kWhole), "curl -u passw");
  EXPECT_EQ(MaskSecrets("curl -u password", {"password"}, TextEnd::kCut), "curl -u <secret>");
}

class IncidentCodeTest : public ::testing::Test {
 protected:
  IncidentCodeTest() {
    auto catalog = Catalog::Create(dir_ / "catalog.db", clock_);
    EXPECT_TRUE(catalog);
    catalog_ = std::move(*catalog);
    code_.emplace(*catalog_);
    incident_.set_canvas("demo");
    incident_.set_revision(1);
  }
  void Save(const std::string& program) {
    Catalog::Revision revision;
    revision.canvas = "demo";
    revision.number = 1;
    revision.source = "abc";
    revision.program = program;
    ASSERT_TRUE(catalog_->Save(revision));
  }
  void SaveWithSecret() {
    proto::Program program;
    program.add_secrets()->set_value("hunter2");
    Save(program.SerializeAsString());
  }
  proto::ProcessSeen& Process(const std::string& command) {
    proto::ProcessSeen& process = *incident_.add_processes();
    process.set_command(command);
    process.set_name("hunter2");
    process.add_threads()->set_name("my hunter2");
    return process;
  }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<Catalog> catalog_;
  std::optional<IncidentCode> code_;
  proto::Incident incident_;
};

TEST_F(IncidentCodeTest, NamesTheHashOfWhatWasDeployed) {
  code_->Finish(&incident_);
  EXPECT_EQ(incident_.code_sha256(), "");
  Save("");
  for (int i = 0; i < 2; ++i) {
    code_->Finish(&incident_);
    EXPECT_EQ(incident_.code_sha256(), HashText(Sha256({"abc"})));
  }
  EXPECT_EQ(incident_.left_out_size(), 0);
}

TEST_F(IncidentCodeTest, MasksAndCutsWhatProcessesSayOfThemselves) {
  SaveWithSecret();
  Process("/bin/sh -c hunter2");
  Process(std::string(bounds::kCommandShownBytes - 2, 'x') + "hunter2");
  // Masking makes room: what the reader had cut must not move into it half.
  std::string many;
  while (many.size() < bounds::kCommandReadBytes) many += "hunter2hunter2hunter2";
  Process(many.substr(0, bounds::kCommandReadBytes));
  code_->Finish(&incident_);
  EXPECT_EQ(incident_.processes(0).command(), "/bin/sh -c <secret>");
  EXPECT_EQ(incident_.processes(0).name(), "<secret>");
  EXPECT_EQ(incident_.processes(0).threads(0).name(), "my <secret>");
  EXPECT_EQ(incident_.processes(1).command(),
            std::string(bounds::kCommandShownBytes - 2, 'x') + "<s...");
  EXPECT_THAT(incident_.SerializeAsString(), Not(HasSubstr("hunt")));
}

// The supervisor has made it shorter since: its length no longer says that it was cut.
TEST_F(IncidentCodeTest, ACommandThatWasCutAndThenMaskedShowsNoBeginningOfASecret) {
  SaveWithSecret();
  Process("curl <redacted> hunte").set_command_cut(true);
  code_->Finish(&incident_);
  EXPECT_EQ(incident_.processes(0).command(), "curl <redacted> ...");
  EXPECT_FALSE(incident_.processes(0).command_cut());
}

TEST_F(IncidentCodeTest, ShowsNothingThatItCannotMask) {
  Save("\xff\xff no program");
  Process("/bin/sh -c hunter2").set_pid(7);
  code_->Finish(&incident_);
  EXPECT_THAT(incident_.SerializeAsString(), Not(HasSubstr("hunter2")));
  EXPECT_EQ(incident_.processes(0).pid(), 7);
  ASSERT_EQ(incident_.left_out_size(), 1);
  EXPECT_THAT(incident_.left_out(0), HasSubstr("names and command lines"));
}

}  // namespace
}  // namespace nightjar::testing
