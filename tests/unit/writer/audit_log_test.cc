// The audit log as files: what is appended is there, and whatever is done to it shows.

#include "supervisor/writer/audit_log.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "supervisor/writer/control_store.h"
#include "supervisor/writer/operator_records.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

class AuditLogTest : public ::testing::Test {
 protected:
  // Some six entries a file.
  static constexpr size_t kFileBytes = 2500;

  AuditLogTest() { Open(); }

  void Open() {
    log_.reset();
    auto log = AuditLog::Open(dir_ / "audit", kFileBytes);
    ASSERT_TRUE(log) << log.error().ToString();
    log_ = std::move(*log);
  }
  static proto::AuditEntry Entry(int number) {
    proto::AuditEntry entry;
    entry.set_id("id " + std::to_string(number));
    entry.set_at_unix_us(1'000'000 * number);
    entry.set_actor("uid 0 pid " + std::to_string(number));
    entry.set_user("root");
    entry.set_action(number % 2 == 0 ? "suspend" : "kill");
    entry.set_canvas(number % 3 == 0 ? "three" : "demo");
    entry.set_reason("a line\nand \"another\"");
    return entry;
  }
  void Add(int first, int last) {
    for (int number = first; number <= last; ++number) {
      auto added = log_->Append(Entry(number));
      ASSERT_TRUE(added) << added.error().ToString();
      EXPECT_EQ(*added, static_cast<uint64_t>(number));
    }
  }
  proto::ChainAnswer Verify(uint64_t head = 0, const std::string& head_hash = "") {
    proto::ChainAnswer answer;
    for (int parts = 0; parts < 100; ++parts) {
      proto::VerifyIncidents question;
      question.set_after(answer.link());
      question.set_hash(answer.hash());
      question.set_head(head);
      question.set_head_hash(head_hash);
      auto part = log_->Verify(question);
      EXPECT_TRUE(part) << part.error().ToString();
      if (!part) break;
      answer = std::move(*part);
      if (answer.whole() || !answer.broken().empty()) return answer;
    }
    ADD_FAILURE() << "the walk does not end";
    return answer;
  }
  void ExpectBroken(uint64_t link, const std::string& words) {
    proto::ChainAnswer answer = Verify();
    EXPECT_EQ(answer.broken_link(), link) << answer.broken();
    EXPECT_THAT(answer.broken(), HasSubstr(words));
  }
  std::vector<std::string> Files() {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(dir_ / "audit"))
      if (file.path().extension() == ".log") files.push_back(file.path());
    std::sort(files.begin(), files.end());
    return files;
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
  }
  // `edit` gets the file's lines.
  static void Edit(const std::string& path,
                   const std::function<void(std::vector<std::string>&)>& edit) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    edit(lines);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    Write(path, text);
  }
  proto::AuditList List(const proto::ListAudit& question) {
    auto list = log_->List(question);
    EXPECT_TRUE(list);
    return list ? *list : proto::AuditList();
  }

  TempDir dir_;
  std::unique_ptr<AuditLog> log_;
};

TEST_F(AuditLogTest, WhatWasWrittenIsThereAndSoundAcrossFilesAndStarts) {
  EXPECT_TRUE(Verify().whole());
  Add(1, 20);
  Open();
  Add(21, 40);
  EXPECT_GT(Files().size(), 3u);
  for (const std::string& file : Files()) EXPECT_LE(std::filesystem::file_size(file), kFileBytes);
  proto::ChainAnswer answer = Verify();
  EXPECT_EQ(answer.broken(), "");
  EXPECT_EQ(answer.link(), 40u);
  EXPECT_EQ(answer.first_at_unix_us(), 1'000'000);
  EXPECT_EQ(answer.last_at_unix_us(), 40'000'000);
  proto::AuditList all = List({});
  ASSERT_EQ(all.entries_size(), 40);
  EXPECT_EQ(all.entries(0).number(), 40u);
  EXPECT_EQ(all.entries(0).reason(), "a line\nand \"another\"");
  EXPECT_EQ(all.entries(0).hash(), answer.hash());
  EXPECT_EQ(all.entries(0).previous(), all.entries(1).hash());
}

TEST_F(AuditLogTest, ListsWhatIsAskedFor) {
  Add(1, 12);
  proto::ListAudit question;
  question.set_action("kill");
  question.set_canvas("three");
  EXPECT_EQ(List(question).entries_size(), 2);  // 3 and 9
  question = {};
  question.set_since_unix_us(11'000'000);
  EXPECT_EQ(List(question).entries_size(), 2);
  question = {};
  question.set_actor("root");
  question.set_rows_max(5);
  EXPECT_EQ(List(question).entries_size(), 5);
  question.set_actor("uid 0");
  EXPECT_EQ(List(question).entries_size(), 5);
  question.set_actor("uid 0 pid 7");
  EXPECT_EQ(List(question).entries_size(), 1);
  question.set_actor("ro");
  EXPECT_EQ(List(question).entries_size(), 0);
}

TEST_F(AuditLogTest, AnEntryThatIsToldAgainIsWrittenOnce) {
  Add(1, 3);
  EXPECT_EQ(*log_->Append(Entry(2)), 2u);
  Open();
  EXPECT_EQ(*log_->Append(Entry(2)), 2u);
  EXPECT_EQ(Verify().link(), 3u);
}

TEST_F(AuditLogTest, TellsAChangedEntry) {
  Add(1, 20);
  Edit(Files()[1], [](auto& lines) { lines[1].replace(lines[1].find("root"), 4, "toor"); });
  proto::ChainAnswer answer = Verify();
  EXPECT_THAT(answer.broken(), HasSubstr("it was changed"));
  EXPECT_EQ(answer.broken_link(), answer.link() + 1);
}

TEST_F(AuditLogTest, TellsARemovedAnInsertedAndAMovedEntry) {
  Add(1, 20);
  const std::string file = Files()[0], before = Read(file);
  Edit(file, [](auto& lines) { lines.erase(lines.begin() + 2); });
  ExpectBroken(3, "1 entry removed: link 4 comes next");
  Write(file, before);
  Edit(file, [](auto& lines) { lines.insert(lines.begin() + 2, lines[1]); });
  ExpectBroken(3, "link 2 stands in its place");
  Write(file, before);
  Edit(file, [](auto& lines) { lines.insert(lines.begin() + 2, "not an entry"); });
  ExpectBroken(3, "it cannot be read");
  Write(file, before);
  Edit(file, [](auto& lines) { std::swap(lines[1], lines[2]); });
  ExpectBroken(2, "link 3 comes next");
  Write(file, before);
  EXPECT_EQ(Verify().broken(), "");
}

TEST_F(AuditLogTest, TellsARemovedFile) {
  Add(1, 20);
  ASSERT_GE(Files().size(), 3u);
  const std::string middle = Files()[1], text = Read(middle);
  std::filesystem::remove(middle);
  EXPECT_THAT(Verify().broken(), HasSubstr("removed"));
  Write(middle, text);
  EXPECT_EQ(Verify().broken(), "");
  std::filesystem::remove(Files()[0]);
  ExpectBroken(1, "removed");
}

TEST_F(AuditLogTest, TellsACutEndAndGoesOnBehindIt) {
  Add(1, 20);
  proto::ChainAnswer earlier = Verify();
  log_.reset();
  const std::string last = Files().back();
  std::string number;
  Edit(last, [&](auto& lines) { lines.pop_back(); });
  Open();
  ExpectBroken(20, "1 entry removed from the end: there were 20");
  Add(21, 22);
  ExpectBroken(20, "1 entry removed: link 21 comes next");
  // Somebody who knows the log's own record too: what was noted elsewhere tells it.
  log_.reset();
  Edit(last, [&](auto& lines) {
    lines.resize(lines.size() - 2);
    number = lines.back().substr(0, lines.back().find(' '));
    std::string hash = lines.back().substr(number.size() + 66, 64);
    Write(dir_ / "audit/head", std::string(20 - number.size(), '0') + number + " " + hash + "\n");
  });
  Open();
  EXPECT_EQ(Verify().broken(), "");
  EXPECT_THAT(Verify(20, earlier.hash()).broken(), HasSubstr("removed from the end"));
}

TEST_F(AuditLogTest, AnEntryThatACrashLeftUnfinishedIsNobodys) {
  Add(1, 3);
  log_.reset();
  std::ofstream(Files().back(), std::ios::app) << "4 0123";
  Open();
  Add(4, 5);
  EXPECT_EQ(Verify().broken(), "");
  EXPECT_EQ(Verify().link(), 5u);
}

TEST_F(AuditLogTest, AnEntryThatACrashLeftBeforeTheRecordIsSound) {
  Add(1, 3);
  const std::string head = Read(dir_ / "audit/head");
  Add(4, 4);
  log_.reset();
  Write(dir_ / "audit/head", head);
  Open();
  EXPECT_EQ(Verify().broken(), "");
  Add(5, 5);
  EXPECT_EQ(Verify().link(), 5u);
}

TEST_F(AuditLogTest, ALostRecordShows) {
  Add(1, 3);
  std::filesystem::remove(dir_ / "audit/head");
  ExpectBroken(1, "inserted behind the end");
}

TEST_F(AuditLogTest, WhatCannotBeWrittenIsAnErrorAndIsWrittenLater) {
  Add(1, 2);
  // In the place of the next file, when the newest is full.
  while (Files().size() == 1) {
    auto entry = Entry(static_cast<int>(Verify().link()) + 1);
    std::string next = std::to_string(Verify().link() + 1);
    std::string name = std::string(20 - next.size(), '0') + next + ".log";
    std::filesystem::create_directory(dir_ / ("audit/" + name));
    auto added = log_->Append(entry);
    std::filesystem::remove(dir_ / ("audit/" + name));
    if (added) continue;
    EXPECT_EQ(Verify().broken(), "");
    EXPECT_TRUE(log_->Append(entry));
    EXPECT_EQ(Verify().broken(), "");
    return;
  }
  ADD_FAILURE() << "the file never was full";
}

TEST(OperatorRecordsTest, ControlsOutliveTheWriterAndIdsTheirControls) {
  TempDir dir;
  auto ask = [&](const proto::ToWriter& question) {
    auto records = OperatorRecords::Open(dir.path());
    EXPECT_TRUE(records);
    auto answer = (*records)->Answer(question);
    EXPECT_TRUE(answer) << answer.error().ToString();
    return answer ? *answer : proto::FromWriter();
  };
  proto::ToWriter save, remove, load;
  save.mutable_control_work()->mutable_save()->set_id(7);
  save.mutable_control_work()->mutable_save()->set_canvas("demo");
  remove.mutable_control_work()->set_remove(7);
  load.mutable_control_work();
  EXPECT_EQ(ask(load).controls().last_id(), 0u);
  ask(save);
  ask(save);
  proto::FromWriter loaded = ask(load);
  ASSERT_EQ(loaded.controls().controls_size(), 1);
  EXPECT_EQ(loaded.controls().controls(0).canvas(), "demo");
  ask(remove);
  ask(remove);
  loaded = ask(load);
  EXPECT_EQ(loaded.controls().controls_size(), 0);
  EXPECT_EQ(loaded.controls().last_id(), 7u);
}

TEST(OperatorRecordsTest, AnAuditLogThatCannotBeOpenedIsAnErrorOfEachEntryUntilItCan) {
  TempDir dir;
  std::ofstream(dir / "audit") << "a file";
  auto records = OperatorRecords::Open(dir.path());
  ASSERT_TRUE(records);
  proto::ToWriter append;
  append.mutable_append_audit()->mutable_entry()->set_action("kill");
  EXPECT_FALSE((*records)->Answer(append));
  std::filesystem::remove(dir / "audit");
  EXPECT_TRUE((*records)->Answer(append));
}

}  // namespace
}  // namespace nightjar::testing
