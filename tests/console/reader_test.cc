// The console's reader of stored traces (supervisor/console) beside the writer's own, on the same
// objects: whole ones, damaged ones, and hundreds of broken ones. node runs it, and a page in
// Chromium.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <sstream>

#include "ipc/proto/container.pb.h"
#include "supervisor/writer/container_format.h"
#include "supervisor/writer/trace_builder.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

namespace fs = std::filesystem;
using google::protobuf::FieldDescriptor;

constexpr char kConsole[] = NIGHTJAR_SOURCE_DIR "/supervisor/console";

RunId RunNumber(int64_t number) {
  return *RunId::Parse("fe6c1a2b-0000-4000-8000-00000000000" + std::to_string(number));
}

enum class Engine { kNode, kChromium };

class ConsoleReaderTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    std::vector<const char*> needed = {"node", "zstd"};
    if (GetParam() == Engine::kChromium) needed.push_back("chromium");
    for (const char* program : needed)
      if (system((std::string("command -v ") + program + " >/dev/null").c_str()) != 0)
        GTEST_SKIP() << "this host has no " << program;
    char folder[] = "/tmp/nightjar-console-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // What the engine prints, by lines.
  std::vector<std::string> RunReader(const std::string& arguments) const {
    std::string command = "node " NIGHTJAR_SOURCE_DIR "/tests/console/";
    command += GetParam() == Engine::kNode ? "read.mjs " : "browse.mjs " + folder_.string() + "/b ";
    command += kConsole + arguments;
    FILE* out = popen(command.c_str(), "r");
    if (out == nullptr) return {};
    std::string text;
    char part[4096];
    for (size_t got; (got = fread(part, 1, sizeof part, out)) > 0;) text.append(part, got);
    EXPECT_EQ(pclose(out), 0) << command;
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
    return lines;
  }

  // Each into a file; their names as arguments.
  std::string WriteFiles(const std::vector<std::string>& objects) const {
    std::string arguments;
    for (size_t i = 0; i < objects.size(); ++i) {
      fs::path file = folder_ / std::to_string(i);
      std::ofstream(file, std::ios::binary) << objects[i];
      arguments += " " + file.string();
    }
    return arguments;
  }

  // What the console's reader makes of each object, as JSON.
  std::vector<std::string> ReadAll(const RunId& run, const std::vector<std::string>& objects,
                                   const std::string& how = "given") {
    std::string arguments = " " + how + " " + run.ToString() + WriteFiles(objects);
    std::vector<std::string> lines = RunReader(arguments);
    EXPECT_EQ(lines.size(), objects.size());
    lines.resize(objects.size());
    return lines;
  }

  // Both readers on one object. Returns what they agreed on.
  static proto::TraceDocument Compare(const RunId& run, const std::string& object,
                                      const std::string& json) {
    proto::TraceRow row;
    row.set_run_id(run.ToString());
    auto encoded = EncodeTraceAnswer(5, row, object, bounds::kTraceAnswerBytes);
    if (!encoded) {
      EXPECT_EQ(nlohmann::json::parse(json).value("error", ""), encoded.error().context);
      return {};
    }
    proto::TraceDocument expected = Document(row, object);
    proto::TraceDocument got;
    auto parsed = google::protobuf::util::JsonStringToMessage(json, &got);
    EXPECT_TRUE(parsed.ok()) << parsed << json.substr(0, 2000);
    proto::TraceRow stored = got.row();
    expected.clear_row();
    got.clear_row();
    EXPECT_EQ(got.SerializeAsString(), expected.SerializeAsString())
        << got.ShortDebugString().substr(0, 2000) << "\n"
        << expected.ShortDebugString().substr(0, 2000);
    *got.mutable_row() = stored;
    return got;
  }
  // Of the first object with the others as its patches.
  nlohmann::json ReadPatched(const RunId& run, const std::vector<std::string>& objects) {
    std::string arguments = " patched " + run.ToString() + WriteFiles(objects);
    std::vector<std::string> lines = RunReader(arguments);
    EXPECT_EQ(lines.size(), 1u);
    return lines.empty() ? nlohmann::json() : nlohmann::json::parse(lines[0]);
  }
  static proto::TraceDocument ToDocument(const nlohmann::json& json) {
    proto::TraceDocument document;
    auto parsed = google::protobuf::util::JsonStringToMessage(json.dump(), &document);
    EXPECT_TRUE(parsed.ok()) << parsed;
    return document;
  }
  proto::TraceDocument Read(const RunId& run, const std::string& object) {
    return Compare(run, object, ReadAll(run, {object})[0]);
  }

  fs::path folder_;
};

proto::TraceEvent CallEvent(uint64_t seq) {
  proto::TraceEvent event;
  event.set_seq(seq);
  event.set_at_ns(seq * 1000);
  proto::Call& call = *event.mutable_call();
  call.set_call_id(seq);
  call.set_parent(seq / 2);
  call.set_kind(proto::CALL_KIND_FUNCTION);
  call.set_fn("f" + std::to_string(seq));
  call.set_expr_id(~uint64_t{0} - seq);
  call.add_args()->set_int_(-static_cast<int64_t>(seq));
  return event;
}

// One value of each kind, and those that JSON has trouble with.
proto::TraceEvent EveryValue(uint64_t seq) {
  proto::TraceEvent event = CallEvent(seq);
  auto add = [&] { return event.mutable_call()->add_args(); };
  add()->set_int_(std::numeric_limits<int64_t>::min());
  add()->set_int_(0);
  for (double number : {0.0, 1.5, 1e300, std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(), std::nan("")})
    add()->set_float_(number);
  add()->set_bool_(true);
  add()->set_bool_(false);
  add()->mutable_null();
  add()->set_string("");
  add()->mutable_object()->add_fields()->set_key("0");
  add()->set_string("\xef\xbb\xbfmark \xc3\xa4 \xf0\x9f\x98\x80 \"\\\n\x01");
  add()->set_character("\xc3\xa9");
  add()->mutable_list()->add_items()->mutable_tuple()->add_items()->set_string("x");
  proto::ValueField& field = *add()->mutable_object()->add_fields();
  field.set_key("k");
  field.mutable_value()->mutable_nothing();
  add()->set_function("lambda");
  add()->mutable_error()->set_message("no");
  add()->mutable_incomplete();
  add()->mutable_error_rail()->mutable_just()->mutable_ok()->mutable_error_result()->set_int_(1);
  proto::ResponseValue& response = *add()->mutable_response();
  response.set_status(404);
  response.add_headers()->set_name("n");
  response.mutable_body()->set_datastore("db");
  add()->set_date_ms(-1);
  add()->mutable_password();
  add()->set_uuid(std::string("\0\x01\xfe\xff", 4));
  proto::Value& cut = *add();
  cut.set_bytes(std::string("\xff\0", 2));
  cut.mutable_truncated()->set_bytes(1 << 20);
  cut.mutable_truncated()->set_hash(~uint64_t{0});
  return event;
}

std::vector<proto::TraceEvent> SomeEvents(uint64_t count) {
  std::vector<proto::TraceEvent> events;
  for (uint64_t seq = 1; seq <= count; ++seq) events.push_back(CallEvent(seq));
  return events;
}

proto::StoredRun RunOf(const RunId& run) {
  proto::StoredRun stored;
  proto::TraceRow& row = *stored.mutable_row();
  row.set_run_id(run.ToString());
  row.set_canvas("demo");
  row.set_tlid(~uint64_t{0});
  row.set_received_unix_us(1732448403123456);
  row.set_verdict(proto::VERDICT_STEPS);
  row.set_http_status(500);
  row.mutable_usage()->set_steps(7);
  return stored;
}

std::string Stored(const proto::StoredRun& run, const std::vector<std::string>& events) {
  Compressor compressor;
  TraceBuilder builder(compressor);
  uint64_t seq = 0;
  for (const std::string& event : events) builder.Append(event, ++seq);
  return builder.Seal(run);
}

std::string Stored(const proto::StoredRun& run, const std::vector<proto::TraceEvent>& events) {
  std::vector<std::string> encoded;
  for (const proto::TraceEvent& event : events) encoded.push_back(event.SerializeAsString());
  return Stored(run, encoded);
}

TEST_P(ConsoleReaderTest, ReadsASmallRunWithEachKindOfEventAndValue) {
  std::vector<proto::TraceEvent> events = {EveryValue(1)};
  for (uint64_t seq = 2; seq < 9; ++seq) events.emplace_back().set_seq(seq);
  events[1].mutable_run_start()->set_run_id(std::string(16, '\xaa'));
  events[2].mutable_return_()->set_elapsed_ns(5);
  events[3].mutable_branch()->set_arm(std::numeric_limits<uint32_t>::max());
  events[4].mutable_gap()->set_dropped(3);
  events[5].mutable_output()->set_data("line\n\xff");
  events[6].mutable_run_end()->mutable_result()->set_string("end");
  proto::StoredRun run = RunOf(RunNumber(0));
  proto::TraceDocument document = Read(RunNumber(0), Stored(run, events));
  EXPECT_EQ(document.events_size(), 8);
  EXPECT_FALSE(document.incomplete_object());
  EXPECT_EQ(document.row().SerializeAsString(), run.row().SerializeAsString());
}

TEST_P(ConsoleReaderTest, UsesThePlatformsZstdWhereItHasOne) {
  std::string object = Stored(RunOf(RunNumber(0)), SomeEvents(3));
  proto::TraceDocument document =
      Compare(RunNumber(0), object, ReadAll(RunNumber(0), {object}, "platform")[0]);
  EXPECT_EQ(document.events_size(), 3);
  // A lack of it is not taken for damage.
  EXPECT_EQ(nlohmann::json::parse(ReadAll(RunNumber(0), {object}, "none")[0])["error"],
            "this browser cannot undo zstd by itself");
}

TEST_P(ConsoleReaderTest, ReadsAKilledRunWithItsTailAndOpenCalls) {
  proto::StoredRun run = RunOf(RunNumber(0));
  *run.add_tail() = CallEvent(9000);
  *run.add_tail() = EveryValue(9001);
  proto::OpenCall& open = *run.add_open_calls();
  *open.mutable_call() = CallEvent(1).call();
  open.set_open_ns(123);
  open.set_calls(4);
  run.set_stream_refused("a record of 0 bytes");
  proto::TraceDocument document = Read(RunNumber(0), Stored(run, SomeEvents(5000)));
  EXPECT_EQ(document.events_size(), 5000);  // some blocks, and more than one request
  EXPECT_EQ(document.tail_size(), 2);
  EXPECT_EQ(document.open_calls_size(), 1);
  EXPECT_EQ(document.stream_refused(), "a record of 0 bytes");
}

TEST_P(ConsoleReaderTest, LeavesADamagedBlockOut) {
  std::string object = Stored(RunOf(RunNumber(0)), SomeEvents(5000));
  object[object.size() / 2] ^= 1;
  proto::TraceDocument document = Read(RunNumber(0), object);
  EXPECT_GT(document.events_size(), 1000);
  EXPECT_LT(document.events_size(), 5000);
  EXPECT_TRUE(document.incomplete_object());
}

TEST_P(ConsoleReaderTest, ReadsWhatIsWholeOfACutOffObject) {
  std::string object = Stored(RunOf(RunNumber(0)), SomeEvents(5000));
  std::vector<std::string> cut;
  for (size_t bytes :
       {object.size() - 1, object.size() * 2 / 3, size_t{60}, size_t{16}, size_t{3}, size_t{0}})
    cut.push_back(object.substr(0, bytes));
  std::vector<std::string> lines = ReadAll(RunNumber(0), cut);
  for (size_t i = 0; i < cut.size(); ++i) {
    SCOPED_TRACE(cut[i].size());
    proto::TraceDocument document = Compare(RunNumber(0), cut[i], lines[i]);
    EXPECT_TRUE(document.incomplete_object());
    if (i == 0) {
      EXPECT_EQ(document.events_size(), 5000);
    }
  }
}

// The format allows it, though nothing writes such an object. `forge` changes its index.
std::string TwoRuns(const std::function<void(proto::TraceFooter&)>& forge = [](auto&) {}) {
  static Compressor compressor;
  container::FileHeader head{{}, container::kVersion, 0};
  container::kMagic.copy(head.magic, sizeof head.magic);
  std::string object;
  container::Put(object, head);
  proto::TraceFooter footer;
  *footer.add_runs() = RunOf(RunNumber(0));
  *footer.add_runs() = RunOf(RunNumber(1));
  auto append = [&](uint32_t kind, uint32_t run, uint32_t events, const std::string& raw) {
    container::BlockHeader header{};
    header.mark = container::kBlockMark;
    header.kind = kind;
    header.run = run;
    header.events = events;
    header.raw_bytes = static_cast<uint32_t>(raw.size());
    std::string stored;
    header.stored_bytes = static_cast<uint32_t>(compressor.Append(raw, stored));
    header.checksum = container::BlockChecksum(header, stored);
    container::Put(object, header);
    object += stored;
  };
  for (uint32_t block = 0; block < 4; ++block) {
    proto::StoredRun& run = *footer.mutable_runs(static_cast<int>(block % 2));
    std::string event = CallEvent(block + 1).SerializeAsString();
    proto::StoredBlock& entry = *run.add_blocks();
    entry.set_offset(object.size());
    run.set_events(run.events() + 1);
    append(container::kEvents, block % 2, 1, static_cast<char>(event.size()) + event);
  }
  forge(footer);
  container::Trailer trailer{object.size(), {}};
  container::kEndMagic.copy(trailer.magic, sizeof trailer.magic);
  append(container::kFooter, 0, 0, footer.SerializeAsString());
  container::Put(object, trailer);
  return object;
}

TEST_P(ConsoleReaderTest, TellsTheRunsOfOneObjectApart) {
  std::string object = TwoRuns();
  for (int64_t run : {0, 1}) {
    proto::TraceDocument document = Read(RunNumber(run), object);
    ASSERT_EQ(document.events_size(), 2);
    EXPECT_FALSE(document.incomplete_object());
    EXPECT_EQ(document.events(0).seq(), static_cast<uint64_t>(run) + 1);
    EXPECT_EQ(document.events(1).seq(), static_cast<uint64_t>(run) + 3);
  }
  EXPECT_TRUE(Read(RunNumber(2), object).incomplete_object());
}

TEST_P(ConsoleReaderTest, TakesNoBlockTwiceAndNoneOfAnotherRun) {
  proto::TraceDocument document = Read(RunNumber(0), TwoRuns([](proto::TraceFooter& footer) {
                                         proto::StoredBlock first = footer.runs(0).blocks(0);
                                         *footer.mutable_runs(0)->add_blocks() = first;
                                       }));
  EXPECT_EQ(document.events_size(), 2);
  EXPECT_TRUE(document.incomplete_object());
  document = Read(RunNumber(0), TwoRuns([](proto::TraceFooter& footer) {
                    *footer.mutable_runs(0)->mutable_blocks(1) = footer.runs(1).blocks(1);
                  }));
  EXPECT_EQ(document.events_size(), 1);
  EXPECT_TRUE(document.incomplete_object());
}

// Two bytes before the end of what is looked through at once.
TEST_P(ConsoleReaderTest, FindsAMarkThatLiesAcrossTwoPieces) {
  std::string object =
      std::string(64 * 1024 - 2, 'x') + TwoRuns().substr(sizeof(container::FileHeader));
  EXPECT_EQ(Read(RunNumber(0), object).events_size(), 4);
}

TEST_P(ConsoleReaderTest, CountsTheEventsThatAreTooMany) {
  std::string object = Stored(RunOf(RunNumber(0)), SomeEvents(5));
  nlohmann::json answer = nlohmann::json::parse(ReadAll(RunNumber(0), {object}, "few")[0]);
  EXPECT_EQ(answer["events"].size(), 2u);
  EXPECT_EQ(answer["events_left_out"], "3");
  EXPECT_FALSE(answer.contains("incomplete_object"));
}

TEST_P(ConsoleReaderTest, RefusesAnotherVersion) {
  std::string object = Stored(RunOf(RunNumber(0)), SomeEvents(1));
  object[8] = 2;
  nlohmann::json answer = nlohmann::json::parse(ReadAll(RunNumber(0), {object})[0]);
  EXPECT_EQ(answer["error"], "the stored trace is of format version 2; this program reads 1");
}

TEST_P(ConsoleReaderTest, LeavesOutEventsThatAreNone) {
  // Nested in up to 61 messages, of which 57 are read.
  std::vector<std::string> events;
  for (int messages = 52; messages <= 61; ++messages) {
    proto::TraceEvent deep = CallEvent(1);
    proto::Value* value = deep.mutable_call()->add_args();
    for (int level = 2; level < messages; ++level) value = value->mutable_just();
    value->set_int_(1);
    events.push_back(deep.SerializeAsString());
  }
  // A call's kind again, fields of no kind, groups, text that is not UTF-8, numbers that are long.
  proto::TraceEvent branch;
  branch.mutable_branch()->set_arm(2);
  std::string call = CallEvent(7).SerializeAsString();
  for (const std::string& event :
       {call + branch.SerializeAsString(), call + call, call + "\x7f",
        call + "\xe8\xbb\xbf\xbf\x6d\x01",  // a tag of 35 bits, of which 32 count
        call + std::string("\xa3\x06\x08\x01\xa4\x06", 6),
        call + std::string("\xa3\x06\x08\x01", 4), std::string("\x22\x03\x22\x01\xff", 5),
        std::string("\x22\x02\x18\x63", 4),  // kind 99
        std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), std::string("\x00\x00", 2),
        call})
    events.push_back(event);
  proto::TraceDocument document = Read(RunNumber(0), Stored(RunOf(RunNumber(0)), events));
  EXPECT_TRUE(document.incomplete_object());
  EXPECT_GE(document.events_size(), 10);
}

proto::TraceEvent Returned(uint64_t call_id, int64_t result) {
  proto::TraceEvent event;
  event.mutable_return_()->set_call_id(call_id);
  event.mutable_return_()->mutable_result()->set_int_(result);
  return event;
}

// Of call 1 to 3 of the base only, or with other arguments (0). Without a result: it was killed.
PatchObject PatchOf(const RunId& base, const RunId& run, uint64_t call,
                    std::optional<int64_t> result, uint64_t calls_made = 3) {
  proto::StoredRun stored = RunOf(run);
  proto::PatchOf& patch = *stored.mutable_row()->mutable_patch();
  patch.set_run_id(base.ToString());
  patch.set_function("f");
  patch.set_call(call);
  patch.set_call_id(call);
  std::vector<proto::TraceEvent> events = SomeEvents(calls_made);
  if (result) events.emplace_back().mutable_run_end()->mutable_result()->set_int_(*result);
  return {stored.row(), Stored(stored, events)};
}

// The writer's own answer.
proto::TraceDocument DocumentOf(const proto::TraceRow& row, const std::string& base,
                                const std::vector<PatchObject>& patches) {
  auto encoded = EncodeTraceAnswer(5, row, base, bounds::kTraceAnswerBytes, patches);
  EXPECT_TRUE(encoded) << encoded.error().ToString();
  proto::FromWriter answer;
  proto::TraceDocument document;
  EXPECT_TRUE(answer.ParseFromString(encoded.value_or("")));
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(answer.trace_json(), &document).ok());
  return document;
}

// Run ids begin with the inverted time: the largest one is the oldest.
TEST_P(ConsoleReaderTest, ShowsABaseWithItsPatchesAsTheWriterDoes) {
  const RunId base = RunNumber(9);
  proto::StoredRun run = RunOf(base);
  std::vector<proto::TraceEvent> events = SomeEvents(3);
  for (int64_t call : {1, 2, 3}) events.push_back(Returned(static_cast<uint64_t>(call), 10 * call));
  const std::string object = Stored(run, events);
  const PatchObject oldest = PatchOf(base, RunNumber(8), 2, 21),
                    other = PatchOf(base, RunNumber(7), 0, 5),
                    newest = PatchOf(base, RunNumber(6), 2, 22),
                    killed = PatchOf(base, RunNumber(5), 3, std::nullopt),
                    foreign = PatchOf(RunNumber(1), RunNumber(4), 1, 99);
  PatchObject torn = PatchOf(base, RunNumber(3), 0, 1, 5000);
  const std::string whole = torn.object;
  torn.object[torn.object.size() / 2] ^= 1;
  std::string version = newest.object;
  version[8] = 2;
  nlohmann::json answer =
      ReadPatched(base, {object, newest.object, foreign.object, killed.object, object,
                         oldest.object, oldest.object.substr(0, oldest.object.size() - 1), "",
                         version, oldest.object, other.object, TwoRuns(), torn.object});
  proto::TraceDocument expected =
      DocumentOf(run.row(), object, {oldest, other, newest, killed, torn});
  ASSERT_EQ(expected.patches_size(), 5);
  EXPECT_TRUE(expected.patches(4).incomplete_object());
  EXPECT_EQ(ToDocument(answer["document"]).SerializeAsString(), expected.SerializeAsString())
      << answer["document"].dump().substr(0, 2000);
  auto refusal = [](int object, const std::string& why) {
    return nlohmann::json{{"object", object}, {"why", why}};
  };
  const std::string damaged = "its footer is damaged: it does not say what it patches";
  EXPECT_EQ(
      answer["refused"],
      (nlohmann::json{refusal(1, "it is a patch of " + RunNumber(1).ToString()),
                      refusal(3, "it is run " + base.ToString() + ", which is no patch"),
                      refusal(5, damaged), refusal(6, damaged),
                      refusal(7, "the stored trace is of format version 2; this program reads 1"),
                      refusal(8, "it is patch " + RunNumber(8).ToString() + " once more"),
                      refusal(10, "it has 2 runs, and a patch is one")}));
  // Call 1 has its own result, 2 the newest patch's, 3 a patch without one; there is no call 4.
  EXPECT_EQ(answer["in_force"], (nlohmann::json{{{"patch", ""}, {"int", "10"}},
                                                {{"patch", RunNumber(6).ToString()}, {"int", "22"}},
                                                {{"patch", RunNumber(5).ToString()}},
                                                nullptr}));
  // Of two objects of one patch the whole one counts.
  answer = ReadPatched(base, {object, torn.object, whole});
  EXPECT_EQ(ToDocument(answer["document"]).SerializeAsString(),
            DocumentOf(run.row(), object, {{torn.row, whole}}).SerializeAsString());
  EXPECT_EQ(answer["refused"],
            (nlohmann::json{refusal(0, "it is patch " + RunNumber(3).ToString() + " once more")}));
  answer = ReadPatched(base, {object});
  EXPECT_FALSE(answer["document"].contains("patches"));
}

// Bytes changed, removed and doubled at places that a seed chooses.
TEST_P(ConsoleReaderTest, ReadsBrokenObjectsAsTheWriterDoes) {
  std::string whole = Stored(RunOf(RunNumber(0)), SomeEvents(2500));
  std::string two = TwoRuns();
  std::mt19937_64 random(20);
  std::vector<std::string> objects;
  for (int i = 0; i < 150; ++i) {
    std::string object = i % 3 == 0 ? whole : two;
    for (uint64_t deeds = 1 + random() % 3; deeds > 0; --deeds) {
      size_t at = random() % object.size();
      switch (random() % 3) {
        case 0:
          object[at] = static_cast<char>(random());
          break;
        case 1:
          object.erase(at, 1 + random() % 40);
          break;
        default:
          object.insert(at, object.substr(random() % object.size(), 1 + random() % 200));
      }
      if (object.empty()) object = "N";
    }
    objects.push_back(std::move(object));
  }
  std::vector<std::string> lines = ReadAll(RunNumber(0), objects);
  for (size_t i = 0; i < objects.size(); ++i) {
    SCOPED_TRACE(i);
    Compare(RunNumber(0), objects[i], lines[i]);
  }
}

// What is in sound blocks is changed: both readers see the same messages in it, or none.
TEST_P(ConsoleReaderTest, UnderstandsBrokenMessagesAsTheWriterDoes) {
  std::mt19937_64 random(20);
  std::string every = EveryValue(1).SerializeAsString();
  std::string call = CallEvent(1).SerializeAsString();
  std::vector<std::string> objects;
  for (int i = 0; i < 30; ++i) {
    std::vector<std::string> events;
    for (int j = 0; j < 100; ++j) {
      std::string event = j % 2 == 0 ? every : call;
      for (uint64_t deeds = 1 + random() % 2; deeds > 0; --deeds) {
        size_t at = random() % event.size();
        if (random() % 3 == 0)
          event.insert(at, event.substr(random() % event.size(), 1 + random() % 20));
        else
          event[at] = static_cast<char>(random());
      }
      events.push_back(std::move(event));
    }
    objects.push_back(Stored(RunOf(RunNumber(0)), events));
  }
  std::vector<std::string> lines = ReadAll(RunNumber(0), objects);
  int understood = 0;
  for (size_t i = 0; i < objects.size(); ++i) {
    SCOPED_TRACE(i);
    understood += Compare(RunNumber(0), objects[i], lines[i]).events_size();
  }
  EXPECT_GT(understood, 200);
  EXPECT_LT(understood, 2500);
}

std::string TypeOf(const FieldDescriptor& field) {
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) return field.message_type()->name();
  if (field.type() == FieldDescriptor::TYPE_ENUM) return field.enum_type()->name();
  return field.type_name();
}

nlohmann::json Described(const FieldDescriptor& field) {
  nlohmann::json entry = {field.name(), TypeOf(field)};
  if (field.is_repeated()) entry.push_back("repeated");
  if (field.containing_oneof() != nullptr) entry.push_back(field.containing_oneof()->name());
  return entry;
}

// Everything that a footer and its events are made of, as the console's tables should say it.
void Describe(const google::protobuf::Descriptor& message, nlohmann::json& schema) {
  if (schema["messages"].contains(message.name())) return;
  nlohmann::json& fields = schema["messages"][message.name()] = nlohmann::json::object();
  for (int i = 0; i < message.field_count(); ++i)
    fields[std::to_string(message.field(i)->number())] = Described(*message.field(i));
  for (int i = 0; i < message.field_count(); ++i) {
    if (const auto* inner = message.field(i)->message_type()) Describe(*inner, schema);
    const auto* kinds = message.field(i)->enum_type();
    if (kinds == nullptr) continue;
    nlohmann::json names = nlohmann::json::array();
    for (int number = 0; number < kinds->value_count(); ++number)
      names.push_back(kinds->FindValueByNumber(number)->name());
    schema["enums"][kinds->name()] = names;
  }
}

TEST_P(ConsoleReaderTest, KnowsTheMessagesOfTheProtoFiles) {
  nlohmann::json schema;
  Describe(*proto::TraceFooter::descriptor(), schema);
  std::vector<std::string> lines = RunReader(" schema");
  ASSERT_EQ(lines.size(), 1u);
  nlohmann::json known = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(known["enums"], schema["enums"]);
  EXPECT_EQ(nlohmann::json::diff(known["messages"], schema["messages"]), nlohmann::json::array());
}

INSTANTIATE_TEST_SUITE_P(In, ConsoleReaderTest, ::testing::Values(Engine::kNode, Engine::kChromium),
                         [](const auto& engine) {
                           return engine.param == Engine::kNode ? "Node" : "Chromium";
                         });

}  // namespace
}  // namespace nightjar::testing
