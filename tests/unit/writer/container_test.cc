#include <gmock/gmock.h>

#include <functional>

#include "supervisor/writer/trace_builder.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

proto::TraceEvent MakeEvent(uint64_t seq, size_t text_bytes) {
  proto::TraceEvent event;
  event.set_seq(seq);
  event.set_at_ns(seq * 100);
  event.mutable_call()->set_fn("f" + std::to_string(seq));
  event.mutable_call()->add_args()->set_string(std::string(text_bytes, 'x'));
  return event;
}

struct Stored {
  proto::TraceRow row;
  std::string object;
};

Stored Store(size_t events, size_t text_bytes, const RunId& run = RunAt(0)) {
  Compressor compressor;
  TraceBuilder builder(compressor);
  for (size_t i = 1; i <= events; ++i)
    builder.Append(MakeEvent(i, text_bytes).SerializeAsString(), i);
  proto::StoredRun stored;
  stored.mutable_row()->set_run_id(run.ToString());
  stored.mutable_row()->set_canvas("demo");
  return {stored.row(), builder.Seal(stored)};
}

TEST(ContainerTest, ShowsAgainWhatWasStored) {
  Stored stored = Store(1000, 300);
  proto::TraceDocument document = Document(stored.row, stored.object);
  ASSERT_EQ(document.events_size(), 1000);
  EXPECT_FALSE(document.incomplete_object());
  EXPECT_EQ(document.row().canvas(), "demo");
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(document.events(i).SerializeAsString(),
              MakeEvent(static_cast<uint64_t>(i) + 1, 300).SerializeAsString());
}

// As a worker writes it: a container opens while all its messages are within the bound.
struct Nesting {
  const char* name;
  size_t messages;  // of one step
  std::function<proto::Value*(proto::Value*)> step;
};
const Nesting kNestings[] = {
    {"list", 2, [](proto::Value* value) { return value->mutable_list()->add_items(); }},
    {"object", 3,
     [](proto::Value* value) { return value->mutable_object()->add_fields()->mutable_value(); }},
    {"just", 1, [](proto::Value* value) { return value->mutable_just(); }},
    {"response", 2, [](proto::Value* value) { return value->mutable_response()->mutable_body(); }},
};

// A call whose argument is nested in so many messages, with `innermost` in the last.
proto::TraceEvent NestedEvent(const Nesting& nesting, size_t messages, const char* innermost) {
  proto::TraceEvent event = MakeEvent(1, 1);
  proto::Value* value = event.mutable_call()->mutable_args(0);
  value->Clear();
  for (size_t deep = nesting.messages; deep <= messages; deep += nesting.messages)
    value = nesting.step(value);
  value->set_string(innermost);
  return event;
}

// What is shown of a trace with that event, which was open at the end as well, and a plain one.
proto::TraceDocument ShowBesideAPlainOne(const proto::TraceEvent& event, bool open_at_end) {
  Compressor compressor;
  TraceBuilder builder(compressor);
  builder.Append(event.SerializeAsString(), 1);
  builder.Append(MakeEvent(2, 1).SerializeAsString(), 2);
  proto::StoredRun stored;
  stored.mutable_row()->set_run_id(RunAt(0).ToString());
  if (open_at_end) *stored.add_open_calls()->mutable_call() = event.call();
  proto::TraceRow row = stored.row();
  return Document(row, builder.Seal(stored));
}

TEST(ContainerTest, ShowsTheDeepestValuesThatAWorkerWrites) {
  for (const Nesting& nesting : kNestings) {
    proto::TraceDocument document =
        ShowBesideAPlainOne(NestedEvent(nesting, bounds::kTraceValueLevels, "here"), true);
    ASSERT_EQ(document.events_size(), 2) << nesting.name;
    EXPECT_FALSE(document.incomplete_object());
    EXPECT_NE(document.events(0).SerializeAsString().find("here"), std::string::npos);
    ASSERT_EQ(document.open_calls_size(), 1);
    EXPECT_NE(document.open_calls(0).SerializeAsString().find("here"), std::string::npos);
  }
}

// A program must not be able to hide what it did behind one value that cannot be shown.
TEST(ContainerTest, AnEventThatIsNestedTooDeepHidesNothingButItself) {
  for (const Nesting& nesting : kNestings)
    for (size_t messages : {60ul, 70ul, 90ul}) {
      proto::TraceDocument document =
          ShowBesideAPlainOne(NestedEvent(nesting, messages, "hidden"), false);
      ASSERT_EQ(document.events_size(), 1) << nesting.name << " " << messages;
      EXPECT_EQ(document.events(0).seq(), 2u);
      EXPECT_TRUE(document.incomplete_object());
    }
}

TEST(ContainerTest, ShowsItsTopWithoutItsEvents) {
  RunId run = RunAt(0);
  Stored stored = Store(1000, 300, run);
  auto reader = TraceReader::Open(stored.object);
  ASSERT_TRUE(reader);
  const proto::StoredRun* top = reader->Find(run);
  ASSERT_NE(top, nullptr);
  EXPECT_EQ(top->events(), 1000u);
  EXPECT_GT(top->blocks_size(), 3);
  EXPECT_EQ(top->blocks(0).first_seq(), 1u);
  EXPECT_EQ(reader->Find(RunAt(1)), nullptr);
}

TEST(ContainerTest, HasNewestEventsAcrossBlocks) {
  Compressor compressor;
  TraceBuilder builder(compressor);
  EXPECT_TRUE(builder.Newest(5).empty());
  for (uint64_t i = 1; i <= 100; ++i) builder.Append(MakeEvent(i, 15'000).SerializeAsString(), i);
  std::vector<std::string> newest = builder.Newest(16);
  ASSERT_EQ(newest.size(), 16u);
  for (uint64_t i = 0; i < 16; ++i)
    EXPECT_EQ(newest[i], MakeEvent(85 + i, 15'000).SerializeAsString());
}

TEST(ContainerTest, SaysIncompleteWhereverItIsCut) {
  Stored stored = Store(40, 20);
  for (size_t size = 0; size < stored.object.size(); ++size) {
    proto::TraceDocument document = Document(stored.row, stored.object.substr(0, size));
    EXPECT_TRUE(document.incomplete_object()) << "cut at " << size;
    EXPECT_EQ(document.row().canvas(), "demo");
  }
}

TEST(ContainerTest, ShowsWholeBlocksOfACutObject) {
  Stored stored = Store(1000, 300);
  auto reader = TraceReader::Open(stored.object);
  size_t cut = reader->Find(*RunId::Parse(stored.row.run_id()))->blocks(2).offset() + 5;
  proto::TraceDocument document = Document(stored.row, stored.object.substr(0, cut));
  EXPECT_GT(document.events_size(), 100);
  EXPECT_TRUE(document.incomplete_object());
}

TEST(ContainerTest, NeverShowsAWrongEventWhicheverByteIsChanged) {
  Stored stored = Store(40, 20);
  // The header's reserved word is nobody's, and its version is refused, which is tested apart.
  for (size_t at = 0; at < stored.object.size(); ++at) {
    if (at >= 8 && at < 16) continue;
    std::string damaged = stored.object;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    proto::TraceDocument document = Document(stored.row, damaged);
    EXPECT_TRUE(document.incomplete_object()) << "changed at " << at;
    for (int i = 0; i < document.events_size(); ++i)
      EXPECT_EQ(document.events(i).SerializeAsString(),
                MakeEvent(static_cast<uint64_t>(i) + 1, 20).SerializeAsString());
  }
}

TEST(ContainerTest, FindsTheBlocksBehindADamagedOne) {
  Stored stored = Store(1000, 300);
  std::string damaged = stored.object;
  damaged[100] = static_cast<char>(damaged[100] ^ 1);
  proto::TraceDocument with_footer = Document(stored.row, damaged);
  EXPECT_TRUE(with_footer.incomplete_object());
  EXPECT_GT(with_footer.events_size(), 500);
  damaged.resize(damaged.size() - 1);
  proto::TraceDocument without_footer = Document(stored.row, damaged);
  EXPECT_EQ(without_footer.events_size(), with_footer.events_size());
}

TEST(ContainerTest, RefusesAnotherVersion) {
  Stored stored = Store(1, 1);
  stored.object[8] = 2;
  auto encoded = EncodeTraceAnswer(1, stored.row, stored.object, 1 << 20);
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().code, ErrorCode::kUnsupported);
}

TEST(ContainerTest, ShowsABaseWithItsPatches) {
  Stored base = Store(40, 20), patch = Store(3, 20), large = Store(1000, 300);
  patch.row.mutable_patch()->set_run_id(base.row.run_id());
  patch.row.mutable_patch()->set_call_id(7);
  auto encoded =
      EncodeTraceAnswer(1, base.row, base.object, 64 * bounds::kKiB,
                        {{patch.row, patch.object}, {patch.row, ""}, {large.row, large.object}});
  ASSERT_TRUE(encoded) << encoded.error().ToString();
  proto::FromWriter answer;
  ASSERT_TRUE(answer.ParseFromString(*encoded));
  proto::TraceDocument document;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(answer.trace_json(), &document).ok());
  EXPECT_EQ(document.events_size(), 40);
  ASSERT_EQ(document.patches_size(), 3);
  EXPECT_EQ(document.patches(0).events_size(), 3);
  EXPECT_EQ(document.patches(0).row().patch().call_id(), 7u);
  EXPECT_FALSE(document.patches(0).incomplete_object());
  EXPECT_TRUE(document.patches(1).incomplete_object()) << "its row is there all the same";
  EXPECT_GT(document.patches(2).events_left_out(), 0u);
  EXPECT_EQ(static_cast<uint64_t>(document.patches(2).events_size()) +
                document.patches(2).events_left_out(),
            1000u);
}

TEST(ContainerTest, LeavesOutWhatAnAnswerCannotHoldAndCountsIt) {
  Stored stored = Store(1000, 300);
  proto::TraceDocument document = Document(stored.row, stored.object, 64 * bounds::kKiB);
  EXPECT_GT(document.events_size(), 100);
  EXPECT_EQ(document.events_left_out(), 1000u - static_cast<uint64_t>(document.events_size()));
  EXPECT_FALSE(document.incomplete_object());
}

// Bytes that parse are not yet what this program would write: JSON has no place for a field that
// comes twice, for both of two that exclude each other, or for one of another type.
TEST(ContainerTest, ShowsAnOddlyEncodedEventAsWhatItMeans) {
  const std::string returns("\x2a\x02\x08\x01\x2a\x02\x18\x05", 8);  // call 1, then elapsed 5
  const std::string end("\x42\x00", 2);
  const std::string of_another_type("\xb0\x00\x3a", 3);
  Compressor compressor;
  TraceBuilder builder(compressor);
  for (const std::string& odd : {returns, end + returns, of_another_type + returns})
    builder.Append("\x08\x01" + odd, 1);
  proto::StoredRun stored;
  stored.mutable_row()->set_run_id(RunAt(0).ToString());
  proto::TraceRow row = stored.row();
  proto::TraceDocument document = Document(row, builder.Seal(std::move(stored)));
  ASSERT_EQ(document.events_size(), 3);
  for (const proto::TraceEvent& event : document.events()) {
    EXPECT_EQ(event.seq(), 1u);
    EXPECT_EQ(event.return_().call_id(), 1u);
    EXPECT_EQ(event.return_().elapsed_ns(), 5u);
  }
}

TEST(ContainerTest, SkipsAnEventThatDoesNotParse) {
  Compressor compressor;
  TraceBuilder builder(compressor);
  builder.Append(MakeEvent(1, 1).SerializeAsString(), 1);
  builder.Append("\x1a\x02\xff\xff", 2);
  builder.Append(MakeEvent(3, 1).SerializeAsString(), 3);
  proto::StoredRun stored;
  stored.mutable_row()->set_run_id(RunAt(0).ToString());
  proto::TraceRow row = stored.row();
  proto::TraceDocument document = Document(row, builder.Seal(stored));
  EXPECT_EQ(document.events_size(), 2);
  EXPECT_TRUE(document.incomplete_object());
}

}  // namespace
}  // namespace nightjar::testing
