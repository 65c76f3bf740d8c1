#include "supervisor/cli/export_otlp.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <unordered_set>
#include <vector>

#include "ipc/core/ids.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/trace_spans.h"

namespace nightjar::cli {
namespace {

using Json = nlohmann::ordered_json;

// Numbers of the protocol's enums: its JSON never has their names.
constexpr int kSpanInternal = 1;
constexpr int kSpanServer = 2;
constexpr int kStatusError = 2;
constexpr char kOpenCall[] = "still open when the run was killed";

std::string Hex(std::string_view bytes) {
  std::string text;
  char digits[3];
  for (char c : bytes) {
    snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
    text += digits;
  }
  return text;
}

std::string Hex(uint64_t number) {
  char digits[17];
  snprintf(digits, sizeof digits, "%016" PRIx64, number);
  return digits;
}

// splitmix64's last steps: neighbouring numbers become far ones, and no two become the same.
uint64_t Mix(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

// By node; a worker may have used a call's id twice.
std::vector<uint64_t> SpanIds(const RunId& run, const TraceSpans& spans) {
  uint64_t random_half = 0;  // of the run's id; its first bytes are a time
  std::memcpy(&random_half, run.bytes().data() + 8, sizeof random_half);
  std::unordered_set<uint64_t> used = {0};  // which the protocol calls invalid
  std::vector<uint64_t> ids(spans.size());
  for (size_t node = 0; node < spans.size(); ++node) {
    if (!spans.IsSpan(node)) continue;
    uint64_t id = Mix(random_half + spans.call_id(node));
    while (!used.insert(id).second) id = Mix(id + 1);
    ids[node] = id;
  }
  return ids;
}

Json ValueOf(const Attributes& value) {
  if (value.is_string()) return {{"stringValue", value}};
  if (value.is_boolean()) return {{"boolValue", value}};
  if (value.is_number()) return {{"intValue", std::to_string(value.get<uint64_t>())}};
  Json items = Json::array();
  for (const auto& item : value) items.push_back(ValueOf(item));
  return {{"arrayValue", {{"values", std::move(items)}}}};
}

Json AttributeList(const Attributes& attributes) {
  Json list = Json::array();
  for (const auto& [name, value] : attributes.items())
    list.push_back({{"key", name}, {"value", ValueOf(value)}});
  return list;
}

// One run's spans.
class Exporter {
 public:
  // `link`: of its root; null: none.
  Exporter(const proto::TraceRow& row, const RunId& run, const TraceSpans& spans, Json link)
      : row_(row),
        spans_(spans),
        link_(std::move(link)),
        trace_id_(Hex(run.bytes())),
        ids_(SpanIds(run, spans)),
        received_ns_(static_cast<uint64_t>(std::max<int64_t>(row.received_unix_us(), 0)) * 1000) {}

  // A member of `resourceSpans`.
  std::string Text() const {
    std::string text = "{\"resource\":";
    text +=
        Json{{"attributes", AttributeList({{"service.name", Printable(row_.canvas())},
                                           {"service.version", std::to_string(row_.revision())}})}}
            .dump();
    text += ",\"scopeSpans\":[{\"scope\":{\"name\":\"nightjar\"},\"spans\":[";
    for (size_t node = 0; node < spans_.size(); ++node) {
      if (!spans_.IsSpan(node)) continue;
      if (node > 0) text += ",";
      text += SpanOf(node).dump();
    }
    return text + "]}]}";
  }

  // To the span of the call that was run alone as `patch`.
  Json LinkOf(const proto::PatchOf& patch) const {
    size_t call = 0;
    for (size_t node = 1; node < spans_.size() && call == 0 && patch.call() > 0; ++node)
      if (spans_.IsSpan(node) && spans_.call_id(node) == patch.call_id()) call = node;
    Attributes kind = {{"nightjar.link", call != 0           ? "patched call"
                                         : patch.call() == 0 ? "patched run"
                                                             : "patched run: its call is missing"}};
    return {
        {"traceId", trace_id_}, {"spanId", Hex(ids_[call])}, {"attributes", AttributeList(kind)}};
  }

 private:
  // 64-bit numbers are decimal text in protobuf's JSON.
  std::string Unix(uint64_t at_ns) const { return std::to_string(received_ns_ + at_ns); }

  Json SpanOf(size_t node) const {
    Span span = spans_.At(node);
    Json json = {{"traceId", trace_id_}, {"spanId", Hex(ids_[node])}};
    if (node != 0) json["parentSpanId"] = Hex(ids_[spans_.parent(node)]);
    json["name"] = span.name;
    bool request = node == 0 && link_.is_null() && span.attributes.contains("http.request.method");
    json["kind"] = request ? kSpanServer : kSpanInternal;
    json["startTimeUnixNano"] = Unix(span.time.start_ns);
    json["endTimeUnixNano"] = Unix(span.time.end_ns);
    json["attributes"] = AttributeList(span.attributes);
    if (!span.moments.empty()) json["events"] = Events(span.moments);
    if (node == 0 && !link_.is_null()) json["links"] = Json::array({link_});
    bool failed = node == 0 ? row_.verdict() != proto::VERDICT_FINISHED
                            : span.time.end == CallTime::End::kKilled;
    if (failed)
      json["status"] = {{"message", node == 0 ? WhyTheRunFailed() : kOpenCall},
                        {"code", kStatusError}};
    return json;
  }

  Json Events(const std::vector<Moment>& moments) const {
    Json events = Json::array();
    for (const Moment& moment : moments)
      events.push_back({{"timeUnixNano", Unix(moment.at_ns)},
                        {"name", moment.name},
                        {"attributes", AttributeList(moment.attributes)}});
    return events;
  }

  std::string WhyTheRunFailed() const {
    std::string verdict = VerdictText(row_.verdict());
    return row_.detail().empty() ? verdict : verdict + ": " + Printable(row_.detail());
  }

  const proto::TraceRow& row_;
  const TraceSpans& spans_;
  Json link_;
  std::string trace_id_;
  std::vector<uint64_t> ids_;
  uint64_t received_ns_;
};

Result<RunId> RunOf(const proto::TraceRow& row, const char* what) {
  auto run = RunId::Parse(row.run_id());
  if (run && !run->none()) return *run;
  return Fail(ErrorCode::kInvalid,
              std::string(what) + " names no run: a trace of OpenTelemetry needs one");
}

}  // namespace

Result<std::string> ExportOtlp(const proto::TraceDocument& document, Detail detail) {
  NJ_ASSIGN(RunId run, RunOf(document.row(), "the trace"));
  TraceSpans spans(document, detail);
  Exporter base(document.row(), run, spans, nullptr);
  std::string text = "{\"resourceSpans\":[" + base.Text();
  for (const proto::TraceDocument& patch : document.patches()) {
    NJ_ASSIGN(RunId patch_run, RunOf(patch.row(), "a patch"));
    TraceSpans of_patch(patch, detail, &document);
    text +=
        "," + Exporter(patch.row(), patch_run, of_patch, base.LinkOf(patch.row().patch())).Text();
  }
  return text + "]}\n";
}

}  // namespace nightjar::cli
