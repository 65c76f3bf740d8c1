#include "supervisor/cli/export_chrome.h"

#include <algorithm>
#include <map>
#include <vector>

#include "supervisor/cli/patches_in_force.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/trace_spans.h"

namespace nightjar::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBaseProcess = 1;
constexpr size_t kThreadsMax = 16;  // what fits none of them is left out and counted

double Micros(uint64_t nanos) {
  return static_cast<double>(nanos) / 1000;
}

// Gives each span a thread on which it overlaps nothing but its callers and its calls.
class Threads {
 public:
  static constexpr int kNone = 0;

  explicit Threads(const TraceSpans& spans)
      : spans_(spans), thread_(spans.size(), kNone), busy_until_(spans.size()) {
    for (size_t node = 0; node < spans.size(); ++node) {
      if (!spans.IsSpan(node)) continue;
      thread_[node] = Place(node);
      busy_until_[node] = spans.time(node).start_ns;
      if (thread_[node] == kNone) ++left_out_;
    }
  }

  int of(size_t node) const { return thread_[node]; }
  int count() const { return static_cast<int>(free_from_.size()); }
  uint64_t left_out() const { return left_out_; }

 private:
  int Place(size_t node) {
    const CallTime& time = spans_.time(node);
    if (node == 0) return FreeThread(time);
    size_t parent = spans_.parent(node);
    if (thread_[parent] == kNone) return kNone;
    if (time.start_ns < busy_until_[parent]) return FreeThread(time);
    busy_until_[parent] = time.end_ns;
    return thread_[parent];
  }

  int FreeThread(const CallTime& time) {
    auto free = std::find_if(free_from_.begin(), free_from_.end(),
                             [&](uint64_t from) { return from <= time.start_ns; });
    if (free == free_from_.end()) {
      if (free_from_.size() == kThreadsMax) return kNone;
      free = free_from_.insert(free, 0);
    }
    *free = time.end_ns;
    return static_cast<int>(free - free_from_.begin()) + 1;
  }

  const TraceSpans& spans_;
  std::vector<int> thread_;           // by node
  std::vector<uint64_t> busy_until_;  // by node: the end of its last call on its own thread
  std::vector<uint64_t> free_from_;   // by thread
  uint64_t left_out_ = 0;
};

// One run as a process.
class Exporter {
 public:
  struct Process {
    int number;
    std::string name;
    std::string thread_name;
  };
  Exporter(Process process, const TraceSpans& spans)
      : process_(std::move(process)), spans_(spans), threads_(spans) {}

  std::string Text() {
    PutNames();
    for (size_t node = 0; node < spans_.size(); ++node)
      if (spans_.IsSpan(node) && threads_.of(node) != Threads::kNone) PutSpan(node);
    return std::move(events_);
  }
  uint64_t left_out() const { return threads_.left_out(); }

 private:
  void Put(const Json& event) {
    if (!events_.empty()) events_ += ",\n";
    events_ += event.dump();
  }

  void PutName(const char* what, int thread, const std::string& name) {
    Put({{"name", what},
         {"ph", "M"},
         {"pid", process_.number},
         {"tid", thread},
         {"args", {{"name", name}}}});
  }

  void PutNames() {
    PutName("process_name", 1, process_.name);
    PutName("thread_name", 1, process_.thread_name);
    for (int thread = 2; thread <= threads_.count(); ++thread)
      PutName("thread_name", thread, process_.thread_name + ", calls whose place is missing");
  }

  void PutSpan(size_t node) {
    Span span = spans_.At(node);
    int thread = threads_.of(node);
    Put({{"name", span.name},
         {"cat", node == 0 ? "run" : "call"},
         {"ph", "X"},
         {"ts", Micros(span.time.start_ns)},
         {"dur", Micros(span.time.end_ns - span.time.start_ns)},
         {"pid", process_.number},
         {"tid", thread},
         {"args", span.attributes}});
    for (const Moment& moment : span.moments)
      Put({{"name", moment.name},
           {"cat", "event"},
           {"ph", "i"},
           {"s", "t"},
           {"ts", Micros(moment.at_ns)},
           {"pid", process_.number},
           {"tid", thread},
           {"args", moment.attributes}});
  }

  Process process_;
  const TraceSpans& spans_;
  Threads threads_;
  std::string events_;
};

Json About(const proto::TraceRow& row, uint64_t left_out) {
  Json about = {{"program", "nightjar"},
                {"trace", Printable(row.run_id())},
                {"received", ClockText(row.received_unix_us())},
                {"received_unix_us", row.received_unix_us()}};
  if (left_out > 0) about["calls_left_out"] = left_out;
  return about;
}

// "Patch 1: call 2 of f, replaced by patch 3".
std::string NameOfPatch(const proto::TraceDocument& base, const std::map<uint64_t, int>& in_force,
                        int at) {
  const proto::PatchOf& patch = base.patches(at).row().patch();
  std::string name = PatchTitle(patch, at + 1);
  if (patch.call() == 0) return name;
  const int newest = in_force.at(patch.call_id());
  return newest == at ? name : name + ", replaced by patch " + std::to_string(newest + 1);
}

}  // namespace

std::string ExportChrome(const proto::TraceDocument& document, Detail detail) {
  const proto::TraceRow& row = document.row();
  TraceSpans spans(document, detail);
  Exporter base({kBaseProcess, Printable(row.canvas()), Printable(row.handler())}, spans);
  std::string events = base.Text();
  uint64_t left_out = base.left_out();
  const std::map<uint64_t, int> in_force = PatchesInForce(document);
  for (int i = 0; i < document.patches_size(); ++i) {
    const proto::TraceDocument& patch = document.patches(i);
    TraceSpans of_patch(patch, detail, &document);
    Exporter exporter({kBaseProcess + 1 + i, NameOfPatch(document, in_force, i),
                       Printable(patch.row().patch().function())},
                      of_patch);
    events += ",\n" + exporter.Text();
    left_out += exporter.left_out();
  }
  return "{\"traceEvents\":[\n" + events +
         "\n],\"displayTimeUnit\":\"ns\",\"otherData\":" + About(row, left_out).dump() + "}\n";
}

}  // namespace nightjar::cli
