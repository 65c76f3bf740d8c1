// Layers, by a model that looks up each limit by itself; several files as one; versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "policies/contradictions.h"
#include "policies/explain.h"
#include "policies/policy_diff.h"
#include "policies/urgent.h"

namespace nightjar::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const Policy> MustParse(std::vector<PolicyFile> files) {
  std::vector<PolicyError> errors;
  auto policy = Policy::Parse(files, &errors);
  for (const PolicyError& error : errors)
    ADD_FAILURE() << error.file << ":" << error.line << ": " << error.message;
  return policy;
}

std::shared_ptr<const Policy> MustParse(std::string text) {
  return MustParse(std::vector<PolicyFile>{{"p.toml", "p.toml", std::move(text)}});
}

std::vector<std::string> ErrorsOf(std::vector<PolicyFile> files) {
  std::vector<PolicyError> errors;
  EXPECT_EQ(Policy::Parse(files, &errors), nullptr);
  std::vector<std::string> lines;
  for (const PolicyError& error : errors)
    lines.push_back(error.file + ":" + std::to_string(error.line) + ":" +
                    std::to_string(error.column) + ": " + error.message);
  return lines;
}

std::vector<std::string> WarningsOf(std::string text) {
  std::vector<std::string> lines;
  auto policy = MustParse(std::move(text));
  for (const PolicyError& warning : policy->layers().warnings)
    lines.push_back(std::to_string(warning.line) + ": " + warning.message);
  return lines;
}

// What a policy says, and nothing of how it is read: a value of `depth` and one of `rate` for each
// section that has one.
struct Model {
  struct Section {
    std::map<std::string, std::string> values;
  };
  Section defaults;
  std::map<std::string, Section> plans;
  struct Canvas {
    std::string plan;
    Section own;
    std::map<std::string, Section> handlers;
  };
  std::map<std::string, Canvas> canvases;

  std::string Value(const std::string& limit, const std::string& canvas, const std::string& handler,
                    const std::string& built_in) const {
    std::string value = built_in;
    auto look = [&](const Section& section) {
      if (section.values.contains(limit)) value = section.values.at(limit);
    };
    look(defaults);
    if (!canvases.contains(canvas)) return value;
    const Canvas& own = canvases.at(canvas);
    if (!own.plan.empty()) look(plans.at(own.plan));
    look(own.own);
    if (own.handlers.contains(handler)) look(own.handlers.at(handler));
    return value;
  }
};

class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}

  Model Make() {
    Model model;
    model.defaults = Section(true);
    for (size_t i = 0; i < Below(3); ++i) model.plans["p" + std::to_string(i)] = Section(true);
    for (size_t i = 0; i < Below(4); ++i) {
      Model::Canvas& canvas = model.canvases["c" + std::to_string(i)];
      if (!model.plans.empty() && Below(2) == 0) canvas.plan = model.plans.begin()->first;
      canvas.own = Section(true);
      for (size_t j = 0; j < Below(3); ++j)
        canvas.handlers["GET /" + std::to_string(j)] = Section(false);
    }
    return model;
  }

  // Its sections in one file or two, in any order.
  std::vector<PolicyFile> Write(const Model& model) {
    std::vector<std::string> sections{"[default]\n" + Text(model.defaults)};
    for (const auto& [name, plan] : model.plans)
      sections.push_back("[plan." + name + "]\n" + Text(plan));
    for (const auto& [name, canvas] : model.canvases) {
      sections.push_back("[canvas." + name + "]\n" +
                         (canvas.plan.empty() ? "" : "plan = \"" + canvas.plan + "\"\n") +
                         Text(canvas.own));
      for (const auto& [handler, section] : canvas.handlers)
        sections.push_back("[canvas." + name + ".handler.\"" + handler + "\"]\n" + Text(section));
    }
    std::shuffle(sections.begin(), sections.end(), random_);
    std::vector<PolicyFile> files{{"a.toml", "a.toml", ""}, {"b.toml", "b.toml", ""}};
    for (const std::string& section : sections) files[Below(2)].text += section;
    return files;
  }

 private:
  size_t Below(size_t bound) { return random_() % bound; }

  Model::Section Section(bool canvas) {
    Model::Section section;
    if (Below(2) == 0) section.values["depth"] = std::to_string(1 + Below(100));
    if (Below(2) == 0) section.values["wall"] = std::to_string(1 + Below(59)) + "s";
    if (canvas && Below(2) == 0) section.values["rate"] = std::to_string(1 + Below(59)) + "/s";
    return section;
  }

  static std::string Text(const Model::Section& section) {
    std::string text;
    for (const auto& [name, value] : section.values)
      text += name + " = " + (name == "depth" ? value : "\"" + value + "\"") + "\n";
    return text;
  }

  std::mt19937 random_;
};

TEST(PolicyLayersTest, RandomPoliciesGiveEverybodyWhatASimpleModelGives) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    Maker maker(seed);
    Model model = maker.Make();
    auto files = maker.Write(model);
    auto policy = MustParse(files);
    ASSERT_NE(policy, nullptr) << seed << "\n" << files[0].text << "---\n" << files[1].text;
    for (const char* canvas : {"c0", "c1", "c2", "other"}) {
      for (const char* handler : {"", "GET /0", "GET /1", "GET /9"}) {
        for (const LimitText& limit : Describe(policy->For(canvas, handler))) {
          std::string built_in = FindLimitKey(limit.name)->TextIn(Limits()).value;
          EXPECT_EQ(limit.value, model.Value(limit.name, canvas, handler, built_in))
              << "seed " << seed << ": " << limit.name << " of " << canvas << " " << handler;
        }
        // What is explained ends with what holds.
        for (const LimitSaid& said : Explain(policy->layers(), canvas, handler)) {
          LimitText holds = FindLimitKey(said[0].name)->TextIn(policy->For(canvas, handler));
          EXPECT_EQ(said.back().value, holds.value);
          EXPECT_EQ(said.back().origin.source, holds.origin.source);
        }
      }
    }
  }
}

// Whatever changes for a canvas is told, and nothing else is.
TEST(PolicyLayersTest, ADiffOfRandomPoliciesTellsEachChangeOnce) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    Maker maker(seed);
    Model old_model = maker.Make();
    Model new_model = maker.Make();
    auto from = MustParse(maker.Write(old_model));
    auto to = MustParse(maker.Write(new_model));
    auto changes = Compare(from->layers(), to->layers());
    EXPECT_TRUE(Compare(from->layers(), from->layers()).empty());
    for (const char* canvas : {"c0", "c1", "c2"}) {
      if (!old_model.canvases.contains(canvas) && !new_model.canvases.contains(canvas)) continue;
      std::map<std::string, std::string> told;
      for (const PolicyChange& change : changes)
        if (std::count(change.who.begin(), change.who.end(), "canvas " + std::string(canvas)) == 1)
          for (const LimitChange& limit : change.limits)
            told[limit.to.name] = limit.from.value + " " + limit.to.value;
      std::map<std::string, std::string> changed;
      for (const char* limit : {"depth", "wall", "rate"}) {
        std::string built_in = FindLimitKey(limit)->TextIn(Limits()).value;
        std::string before = old_model.Value(limit, canvas, "", built_in);
        std::string after = new_model.Value(limit, canvas, "", built_in);
        if (before != after) changed[limit] = before + " " + after;
      }
      EXPECT_EQ(told, changed) << "seed " << seed << ", canvas " << canvas;
    }
  }
}

TEST(PolicyLayersTest, SaysWhichChangesAreTighter) {
  auto from = MustParse("[default]\nwall = \"2s\"\nrate = \"5/s\"\ndepth = 10\nexec = true\n");
  auto to = MustParse("[default]\nwall = \"1s\"\nrate = \"none\"\ndepth = 10\nsuspended = true\n");
  auto changes = Compare(from->layers(), to->layers());
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_THAT(changes[0].who, ElementsAre("every other canvas"));
  std::map<std::string, Direction> directions;
  for (const LimitChange& limit : changes[0].limits) directions[limit.to.name] = limit.direction;
  EXPECT_EQ(directions, (std::map<std::string, Direction>{{"wall", Direction::kTighter},
                                                          {"rate", Direction::kLooser},
                                                          {"suspended", Direction::kTighter},
                                                          {"exec", Direction::kTighter}}));
}

TEST(PolicyLayersTest, ExplainsWhatEachLayerSays) {
  auto policy = MustParse(
      "[default]\nwall = \"3s\"\n[plan.free]\nwall = \"2s\"\n[canvas.a]\nplan = \"free\"\n"
      "[canvas.a.handler.\"GET /\"]\nwall = \"9s\"\n");
  auto said = Explain(policy->layers(), "a", "GET /")[0];
  std::vector<std::string> lines;
  for (const LimitText& limit : said)
    lines.push_back(limit.value + " " + limit.origin.source + ", " + limit.origin.layer);
  EXPECT_THAT(lines, ElementsAre("5s built in, default", "3s p.toml:2, default",
                                 "2s p.toml:4, plan free", "9s p.toml:8, handler GET /"));
}

TEST(PolicyFilesAsOneTest, NothingIsSetTwice) {
  EXPECT_THAT(ErrorsOf({{"a.toml", "d/a.toml", "[default]\nwall = \"1s\"\n"},
                        {"b.toml", "d/b.toml", "[default]\ncpu = \"1s\"\n wall = \"1s\"\n"}}),
              ElementsAre("d/b.toml:3:2: `wall` of default stands in a.toml:2 already"));
  EXPECT_THAT(ErrorsOf({{"a.toml", "a.toml", "[plan.x]\n[canvas.c]\nplan = \"x\"\n"},
                        {"b.toml", "b.toml", "[canvas.c]\nplan = \"x\"\n"}}),
              ElementsAre("b.toml:2:1: `plan` of [canvas.c] stands in a.toml:3 already"));
}

TEST(PolicyFilesAsOneTest, AFileThatCannotBeReadIsAllThatIsTold) {
  EXPECT_THAT(ErrorsOf({{"a.toml", "a.toml", "[canvas.c]\nplan = \"x\"\n"},
                        {"b.toml", "b.toml", "[plan.x\n"}}),
              ElementsAre("b.toml:1:8: the section's `]` is missing"));
}

TEST(PolicyVersionTest, IsOfTheContentAlone) {
  auto one = MustParse("[default]\nwall = \"1s\"\n");
  EXPECT_EQ(one->layers().version.size(), 12u);
  EXPECT_EQ(one->layers().version, MustParse("[default]\nwall = \"1s\"\n")->layers().version);
  EXPECT_NE(one->layers().version, MustParse("[default]\nwall = \"2s\"\n")->layers().version);
  EXPECT_EQ(one->For("a", "").policy, one->layers().version);
  EXPECT_EQ(Policy::BuiltIn()->For("a", "").policy, "built-in");
  // The same text cut elsewhere is another policy.
  EXPECT_NE(MustParse({{"a", "a", "#1\n"}, {"b", "b", "#2\n"}})->layers().version,
            MustParse({{"a", "a", "#1\n#2\n"}, {"b", "b", ""}})->layers().version);
}

TEST(ContradictionsTest, WhatIsOnlyUselessIsAWarning) {
  EXPECT_THAT(
      WarningsOf("[default]\ncpu = \"60s\"\nwall = \"2s\"\n"),
      ElementsAre("3: cpu = 1m (p.toml:2) is never reached: within wall = 2s (p.toml:3) and "
                  "pids = 8 (built in) a run can use 16s"));
  EXPECT_THAT(WarningsOf("[plan.x]\ncanvas_cpus = 0.1\n"),
              ElementsAre(HasSubstr("2: cpu = 2s (built in) is never reached")));
  EXPECT_THAT(WarningsOf("[canvas.a]\nwall = \"2s\"\nsoft_stop = \"3s\"\n"),
              ElementsAre(HasSubstr("3: soft_stop = 3s (p.toml:3) is not less than wall = 2s")));
  EXPECT_THAT(WarningsOf("[canvas.a]\nexec = true\ntmp = \"128MiB\"\n"),
              ElementsAre(HasSubstr("3: tmp = 128MiB (p.toml:3) is never full")));
  EXPECT_TRUE(WarningsOf("[canvas.a]\ntmp = \"128MiB\"\n").empty());
  EXPECT_THAT(WarningsOf("[canvas.a]\nburst = 5\n"),
              ElementsAre("2: burst = 5 (p.toml:2) bounds nothing without a `rate`"));
}

TEST(ContradictionsTest, EachIsToldInTheLayerThatBringsItAbout) {
  EXPECT_THAT(
      ErrorsOf({{"p.toml", "p.toml",
                 "[plan.small]\ncanvas_memory = \"64MiB\"\n"
                 "[canvas.a]\nplan = \"small\"\n"
                 "[canvas.a.handler.\"GET /big\"]\nmemory = \"128MiB\"\n"
                 "[canvas.b]\nplan = \"small\"\nmemory = \"65MiB\"\n"}}),
      ElementsAre(HasSubstr("p.toml:6:1: memory = 128MiB (p.toml:6) of one run is more than "
                            "canvas_memory = 64MiB (p.toml:2)"),
                  HasSubstr("p.toml:9:1: memory = 65MiB")));
}

TEST(ContradictionsTest, ABurstIsASecondsWorthAtLeast) {
  EXPECT_THAT(
      ErrorsOf({{"p.toml", "p.toml", "[default]\nrate = \"50/s\"\n[canvas.a]\nburst = 10\n"}}),
      ElementsAre(
          "p.toml:4:1: burst = 10 (p.toml:4) is less than rate = 50/s (p.toml:2) lets in in "
          "one second"));
  EXPECT_TRUE(WarningsOf("[default]\nrate = \"50/s\"\nburst = 50\n").empty());
}

TEST(ContradictionsTest, AMachineHasOnlySoMuch) {
  auto policy = MustParse(
      "[default]\ncanvas_memory = \"8GiB\"\n[canvas.a]\ncanvas_cpus = 3\ncanvas_pids = 9000\n");
  std::vector<std::string> lines;
  for (const PolicyError& odd : BeyondMachine(policy->layers(), {uint64_t{4} << 30, 2, 8000}))
    lines.push_back(std::to_string(odd.line) + ": " + odd.message);
  EXPECT_THAT(
      lines, ElementsAre("2: canvas_memory = 8GiB is more than this machine's memory, 4GiB",
                         "4: canvas_cpus = 3 is more than this machine's processors, 2",
                         "5: canvas_pids = 9000 is more than processes that this machine can have, "
                         "8000"));
  EXPECT_TRUE(BeyondMachine(policy->layers(), {uint64_t{8} << 30, 3, 9000}).empty());
  EXPECT_TRUE(BeyondMachine(policy->layers(), {}).empty());
}

TEST(UrgentTest, OnlyWhatIsNamedAndTighterIsTakenOver) {
  Limits running =
      MustParse("[default]\nwall = \"9s\"\ncpu = \"4s\"\noutput = \"1MiB\"\n")->For("a", "");
  std::string old_version = running.policy;
  Limits now = MustParse(
                   "[default]\nwall = \"3s\"\ncpu = \"5s\"\noutput = \"1KiB\"\n"
                   "urgent = [\"wall\", \"cpu\"]\n")
                   ->For("a", "");
  EXPECT_THAT(Tighten(&running, now), ElementsAre("wall"));
  EXPECT_EQ(running.wall.value, std::chrono::seconds(3));
  EXPECT_EQ(running.wall.origin.source, "p.toml:2");
  EXPECT_EQ(running.cpu.value, std::chrono::seconds(4));
  EXPECT_EQ(running.output_bytes.value, 1u << 20);
  EXPECT_EQ(running.policy, old_version + "+" + now.policy);
  EXPECT_TRUE(Tighten(&running, now).empty());
  Limits still = MustParse("[default]\nwall = \"1s\"\nurgent = [\"wall\"]\n")->For("a", "");
  EXPECT_THAT(Tighten(&running, still), ElementsAre("wall"));
  EXPECT_EQ(running.policy, old_version + "+" + still.policy);
}

}  // namespace
}  // namespace nightjar::policy
