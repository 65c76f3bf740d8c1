#include "supervisor/cli/export_chrome.h"

#include <algorithm>
#include <vector>

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/trace_spans.h"

namespace nightjar::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kProcess = 1;
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

class Exporter {
 public:
  Exporter(const proto::TraceRow& row, const TraceSpans& spans)
      : row_(row), spans_(spans), threads_(spans) {}

  std::string Text() {
    PutNames();
    for (size_t node = 0; node < spans_.size(); ++node)
      if (spans_.IsSpan(node) && threads_.of(node) != Threads::kNone) PutSpan(node);
    return "{\"traceEvents\":[\n" + events_ +
           "\n],\"displayTimeUnit\":\"ns\",\"otherData\":" + About().dump() + "}\n";
  }

 private:
  void Put(const Json& event) {
    if (!events_.empty()) events_ += ",\n";
    events_ += event.dump();
  }

  void PutName(const char* what, int thread, const std::string& name) {
    Put({{"name", what},
         {"ph", "M"},
         {"pid", kProcess},
         {"tid", thread},
         {"args", {{"name", name}}}});
  }

  void PutNames() {
    std::string handler = Printable(row_.handler());
    PutName("process_name", 1, Printable(row_.canvas()));
    PutName("thread_name", 1, handler);
    for (int thread = 2; thread <= threads_.count(); ++thread)
      PutName("thread_name", thread, handler + ", calls whose place is missing");
  }

  void PutSpan(size_t node) {
    Span span = spans_.At(node);
    int thread = threads_.of(node);
    Put({{"name", span.name},
         {"cat", node == 0 ? "run" : "call"},
         {"ph", "X"},
         {"ts", Micros(span.time.start_ns)},
         {"dur", Micros(span.time.end_ns - span.time.start_ns)},
         {"pid", kProcess},
         {"tid", thread},
         {"args", span.attributes}});
    for (const Moment& moment : span.moments)
      Put({{"name", moment.name},
           {"cat", "event"},
           {"ph", "i"},
           {"s", "t"},
           {"ts", Micros(moment.at_ns)},
           {"pid", kProcess},
           {"tid", thread},
           {"args", moment.attributes}});
  }

  Json About() const {
    Json about = {{"program", "nightjar"},
                  {"trace", Printable(row_.run_id())},
                  {"received", ClockText(row_.received_unix_us())},
                  {"received_unix_us", row_.received_unix_us()}};
    if (threads_.left_out() > 0) about["calls_left_out"] = threads_.left_out();
    return about;
  }

  const proto::TraceRow& row_;
  const TraceSpans& spans_;
  Threads threads_;
  std::string events_;
};

}  // namespace

std::string ExportChrome(const proto::TraceDocument& document, Detail detail) {
  TraceSpans spans(document, detail);
  return Exporter(document.row(), spans).Text();
}

}  // namespace nightjar::cli
