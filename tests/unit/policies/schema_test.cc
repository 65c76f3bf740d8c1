// The schema that editors use, held against files by an independent reader of schemas.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "policies/policy.h"
#include "policies/policy_schema.h"

namespace nightjar::policy {
namespace {

class SchemaTest : public testing::Test {
 protected:
  SchemaTest() {
    char name[] = "/tmp/nightjar-schema-XXXXXX";
    dir_ = mkdtemp(name);
    Write("schema.json", PolicySchema());
  }
  ~SchemaTest() override { std::filesystem::remove_all(dir_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ + "/" + name) << text;
    return dir_ + "/" + name;
  }

  bool Holds(const std::string& file) {
    std::string source = NIGHTJAR_SOURCE_DIR;
    std::string command = "python3 " + source + "/tests/unit/policies/schema_check.py " + dir_ +
                          "/schema.json " + file + " > " + dir_ + "/out 2> " + dir_ + "/err";
    int status = system(command.c_str());
    std::ifstream err(dir_ + "/err");
    std::string said(std::istreambuf_iterator<char>(err), {});
    EXPECT_EQ(said, "") << file;
    return status == 0;
  }

  std::string dir_;
};

TEST_F(SchemaTest, TakesTheFilesThatComeWithIt) {
  EXPECT_TRUE(Holds(NIGHTJAR_SOURCE_DIR "/policies/default.toml"));
  EXPECT_TRUE(Holds(NIGHTJAR_SOURCE_DIR "/docs/examples/policy.toml"));
  std::string all = Write("all.toml",
                          "[plan.free]\nrate = \"20/s\"\ncanvas_cpus = 0.5\nsteps = \"none\"\n"
                          "[canvas.shop]\nplan = \"free\"\ndomains = \"a.example\"\n"
                          "urgent = [\"wall\"]\n"
                          "[canvas.shop.handler.\"GET /x\"]\nwall = \"1.5s\"\n");
  EXPECT_TRUE(Holds(all));
}

// What the schema refuses the policy's own reader refuses too.
TEST_F(SchemaTest, RefusesWhatIsWrong) {
  const char* const kWrong[] = {
      "[default]\nwal = \"2s\"\n",
      "[default]\nwall = 2\n",
      "[default]\nwall = \"64MiB\"\n",
      "[default]\nmemory = \"64MB\"\n",
      "[default]\npids = 0\n",
      "[default]\npids = \"8\"\n",
      "[default]\nsteps = \"many\"\n",
      "[default]\ntrace_overflow = \"stop\"\n",
      "[default]\nurgent = [\"depth\"]\n",
      "[default]\nplan = \"free\"\n",
      "[limits]\n",
      "[canvas.Demo]\n",
      "[canvas.a.handler.\"GET /\"]\nrate = \"5/s\"\n",
      "[canvas]\nwall = \"2s\"\n",
  };
  for (const char* text : kWrong) {
    EXPECT_FALSE(Holds(Write("wrong.toml", text))) << text;
    std::vector<PolicyError> errors;
    EXPECT_EQ(Policy::Parse(text, "wrong.toml", &errors), nullptr) << text;
  }
}

}  // namespace
}  // namespace nightjar::policy
