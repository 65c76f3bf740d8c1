#include "worker/trace/value_writer.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <functional>
#include <random>
#include <string>

#include "ipc/proto/value.pb.h"

namespace nightjar::testing {
namespace {

// What `write` writes into `capacity` bytes, as bytes and parsed.
struct Written {
  std::string bytes;
  proto::Value value;
};

Written Write(const std::function<void(ValueWriter&)>& write,
              size_t capacity = bounds::kTraceValueBytes) {
  std::string buffer(capacity + 8, '#');
  ValueWriter writer(buffer.data(), capacity);
  write(writer);
  size_t size = writer.Finish();
  EXPECT_LE(size, capacity);
  EXPECT_EQ(buffer.substr(capacity), "########");
  Written written{buffer.substr(0, size), {}};
  EXPECT_TRUE(written.value.ParseFromString(written.bytes));
  return written;
}

TEST(ValueWriterTest, WritesEachScalar) {
  EXPECT_EQ(Write([](auto& out) { out.Int(INT64_MIN); }).value.int_(), INT64_MIN);
  EXPECT_EQ(Write([](auto& out) { out.Float(-0.5); }).value.float_(), -0.5);
  EXPECT_TRUE(Write([](auto& out) { out.Bool(true); }).value.bool_());
  EXPECT_TRUE(Write([](auto& out) { out.Null(); }).value.has_null());
  EXPECT_EQ(Write([](auto& out) { out.String("h\u00e9"); }).value.string(), "h\u00e9");
  EXPECT_EQ(Write([](auto& out) { out.Character("x"); }).value.character(), "x");
  EXPECT_EQ(Write([](auto& out) { out.Function("Int::add_v0"); }).value.function(), "Int::add_v0");
  EXPECT_TRUE(Write([](auto& out) { out.Incomplete(); }).value.has_incomplete());
  EXPECT_EQ(Write([](auto& out) { out.Datastore("Users"); }).value.datastore(), "Users");
  EXPECT_EQ(Write([](auto& out) { out.DateMs(-5); }).value.date_ms(), -5);
  EXPECT_TRUE(Write([](auto& out) { out.Password(); }).value.has_password());
  EXPECT_EQ(Write([](auto& out) { out.Uuid("0123456789abcdef"); }).value.uuid(),
            "0123456789abcdef");
  EXPECT_TRUE(Write([](auto& out) { out.Nothing(); }).value.has_nothing());
  EXPECT_EQ(Write([](auto& out) { out.Bytes("\xff\x01"); }).value.bytes(), "\xff\x01");
  proto::Value error = Write([](auto& out) { out.Error("no", 9); }).value;
  EXPECT_EQ(error.error().message(), "no");
  EXPECT_EQ(error.error().expr_id(), 9u);
  EXPECT_FALSE(error.has_truncated());
}

TEST(ValueWriterTest, NestsContainers) {
  proto::Value value = Write([](ValueWriter& out) {
                         out.BeginObject();
                         out.Key("a");
                         out.BeginList();
                         out.Int(1);
                         out.BeginTuple();
                         out.String("two");
                         out.End();
                         out.End();
                         out.Key("b");
                         out.BeginJust();
                         out.BeginOk();
                         out.Int(3);
                         out.End();
                         out.End();
                         out.Key("c");
                         out.BeginErrorRail();
                         out.BeginErrorResult();
                         out.Null();
                         out.End();
                         out.End();
                         out.End();
                       }).value;
  ASSERT_EQ(value.object().fields_size(), 3);
  EXPECT_EQ(value.object().fields(0).key(), "a");
  const auto& list = value.object().fields(0).value().list();
  EXPECT_EQ(list.items(0).int_(), 1);
  EXPECT_EQ(list.items(1).tuple().items(0).string(), "two");
  EXPECT_EQ(value.object().fields(1).value().just().ok().int_(), 3);
  EXPECT_TRUE(value.object().fields(2).value().error_rail().error_result().has_null());
  EXPECT_FALSE(value.has_truncated());
}

TEST(ValueWriterTest, WritesResponses) {
  proto::Value value = Write([](ValueWriter& out) {
                         out.BeginResponse(201, "");
                         out.Header("content-type", "text/plain");
                         out.Header("x", "");
                         out.String("body");
                         out.End();
                       }).value;
  EXPECT_EQ(value.response().status(), 201u);
  ASSERT_EQ(value.response().headers_size(), 2);
  EXPECT_EQ(value.response().headers(0).name(), "content-type");
  EXPECT_EQ(value.response().headers(0).value(), "text/plain");
  EXPECT_EQ(value.response().body().string(), "body");
  value = Write([](ValueWriter& out) {
            out.BeginResponse(302, "/there");
            out.End();
          }).value;
  EXPECT_EQ(value.response().redirect(), "/there");
}

TEST(ValueWriterTest, CutsTextBetweenCharactersAndSaysSo) {
  std::string text;
  while (text.size() < 10000) text += "\u20ac";  // three bytes each
  for (size_t capacity = 1000; capacity < 1004; ++capacity) {
    Written written = Write([&](auto& out) { out.String(text); }, capacity);
    EXPECT_GT(written.value.string().size(), capacity - 48);
    EXPECT_EQ(written.value.string().size() % 3, 0u);
    EXPECT_GE(written.value.truncated().bytes(), text.size());
    EXPECT_LT(written.value.truncated().bytes(), text.size() + 8);
    // The hash is of what stands before the mark.
    size_t mark = 2 + 2 + 1 + 2 + 1 + 8;
    EXPECT_EQ(written.value.truncated().hash(),
              XXH64(written.bytes.data(), written.bytes.size() - mark, 0));
  }
}

TEST(ValueWriterTest, EndsTextThatIsNotUtf8WhereItStopsBeingSo) {
  proto::Value value = Write([](auto& out) { out.String("good \xc3 bad"); }).value;
  EXPECT_EQ(value.string(), "good ");
  EXPECT_EQ(value.truncated().bytes(), 10u + 2u);
}

TEST(ValueWriterTest, GoesDeafAndStillClosesWhatIsOpen) {
  int written = 0;
  proto::Value value = Write(
                           [&](ValueWriter& out) {
                             out.BeginJust();
                             out.BeginList();
                             for (; !out.full(); ++written) out.Int(written);
                             out.Int(1);
                             out.BeginObject();
                             out.Key("ignored");
                             out.BeginList();
                             out.End();
                             out.End();
                             out.End();
                             out.End();
                           },
                           500)
                           .value;
  ASSERT_TRUE(value.has_truncated());
  EXPECT_GT(value.just().list().items_size(), 50);
  EXPECT_EQ(value.just().list().items_size(), written - 1);
}

TEST(ValueWriterTest, StopsBeforeItIsTooDeepForReaders) {
  constexpr int kDepth = 1000;
  for (auto begin : {&ValueWriter::BeginList, &ValueWriter::BeginObject, &ValueWriter::BeginJust}) {
    Written written = Write([&](ValueWriter& out) {
      for (int i = 0; i < kDepth; ++i) {
        (out.*begin)();
        if (begin == &ValueWriter::BeginObject) out.Key("k");
      }
      for (int i = 0; i < kDepth; ++i) out.End();
    });
    EXPECT_TRUE(written.value.has_truncated());
    EXPECT_GT(written.bytes.size(), 20u * 3);
  }
}

// A random value, written until done or full.
void WriteRandom(ValueWriter& out, std::mt19937& random, int depth) {
  switch (random() % (depth > 6 ? 5 : 10)) {
    case 0:
      return out.Int(static_cast<int64_t>(random()) << 20);
    case 1:
      return out.String(std::string(random() % 100, 's'));
    case 2:
      return out.Float(1.5);
    case 3:
      return out.Error(std::string(random() % 60, 'e'), random());
    case 4:
      return out.Bytes(std::string(random() % 100, '\xfe'));
    case 5:
      out.BeginJust();
      break;
    case 6:
      out.BeginResponse(200, std::string(random() % 30, 'u'));
      out.Header("name", std::string(random() % 60, 'h'));
      break;
    case 7:
      out.BeginObject();
      for (auto fields = random() % 5; fields > 0 && !out.full(); --fields) {
        out.Key(std::string(random() % 20, 'k'));
        WriteRandom(out, random, depth + 1);
      }
      return out.End();
    default:
      out.BeginList();
      for (auto items = random() % 5; items > 0 && !out.full(); --items)
        WriteRandom(out, random, depth + 1);
      return out.End();
  }
  WriteRandom(out, random, depth + 1);
  out.End();
}

TEST(ValueWriterTest, FitsAndParsesWhateverComes) {
  for (uint32_t seed = 1; seed <= 1500; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 whole_random(seed), cut_random(seed);
    Written whole = Write([&](auto& out) { WriteRandom(out, whole_random, 0); }, 16000);
    size_t capacity = ValueWriter::kLeastCapacity + seed % 400;
    Written cut = Write([&](auto& out) { WriteRandom(out, cut_random, 0); }, capacity);
    EXPECT_TRUE(cut.value.has_truncated() || cut.bytes == whole.bytes);
    EXPECT_TRUE(cut.value.has_truncated() || whole.bytes.size() <= capacity);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace nightjar::testing
