#include "supervisor/metrics/prometheus_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <vector>

namespace nightjar {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double Seconds(Nanos time) {
  return std::chrono::duration<double>(time).count();
}

class Families {
 public:
  void Counter(const char* name, const char* help, uint64_t value) {
    ClientMetric metric;
    metric.counter.value = static_cast<double>(value);
    Family(name, help, MetricType::Counter).metric.push_back(std::move(metric));
  }
  void Gauge(const char* name, const char* help, size_t value) {
    ClientMetric metric;
    metric.gauge.value = static_cast<double>(value);
    Family(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
  }
  void Info(const char* name, const char* help, const char* label, const std::string& value) {
    ClientMetric metric;
    metric.label.push_back({label, value});
    metric.gauge.value = 1;
    Family(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
  }
  void Counters(const char* name, const char* help, const char* label,
                const std::map<std::string, uint64_t>& values) {
    MetricFamily& family = Family(name, help, MetricType::Counter);
    for (const auto& [which, value] : values) {
      ClientMetric metric;
      metric.label.push_back({label, which});
      metric.counter.value = static_cast<double>(value);
      family.metric.push_back(std::move(metric));
    }
  }
  // Of each canvas that has figures of its own, and of all others.
  template <typename Add>
  void OfCanvases(const CanvasSeries& series, const char* name, const char* help, const Add& add) {
    MetricFamily& family = Family(name, help, MetricType::Counter);
    auto of = [&](const std::string& canvas, const CanvasFigures& figures) {
      add(figures, [&](const char* label, const std::string& which, double value) {
        ClientMetric metric;
        metric.label.push_back({"canvas", canvas});
        if (label != nullptr) metric.label.push_back({label, which});
        metric.counter.value = value;
        family.metric.push_back(std::move(metric));
      });
    };
    for (const auto& [canvas, shown] : series.shown()) of(canvas, shown.figures);
    of(CanvasSeries::kOthers, series.others());
  }
  void Histogram(const char* name, const char* help, const Durations& durations) {
    ClientMetric metric;
    uint64_t so_far = 0;
    for (size_t bucket = 0; bucket <= Durations::kEdges.size(); ++bucket) {
      so_far += durations.InBucket(bucket);
      double edge = bucket < Durations::kEdges.size() ? Seconds(Durations::kEdges[bucket])
                                                      : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({so_far, edge});
    }
    metric.histogram.sample_count = so_far;
    metric.histogram.sample_sum = Seconds(durations.sum());
    Family(name, help, MetricType::Histogram).metric.push_back(std::move(metric));
  }
  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  MetricFamily& Family(const char* name, const char* help, MetricType type) {
    MetricFamily& family = families_.emplace_back();
    family.name = std::string("nightjar_") + name;
    family.help = help;
    family.type = type;
    return family;
  }

  std::vector<MetricFamily> families_;
};

void AddStore(Families& families, const StoreLevels& store) {
  families.Gauge("store_available", "1 while uploads of traces to the store go well.",
                 store.available ? 1 : 0);
  families.Gauge("store_spooled_bytes", "Traces on this machine's disk that wait for the store.",
                 store.spooled_bytes);
  families.Gauge("store_spooled_objects", "The same, as objects.", store.spooled_objects);
  families.Counter("store_dropped_total", "Traces lost because the spool was full.", store.dropped);
  families.Counter("store_uploads_total", "Objects uploaded.", store.uploaded_objects);
  families.Counter("store_uploaded_bytes_total", "Bytes of them.", store.uploaded_bytes);
  families.Counter("store_packs_total", "Of them, those that hold several traces of a canvas.",
                   store.packs);
  families.Counters("store_failures_total", "Uploads that failed, and are tried again, by how.",
                    "kind", store.failed);
}

void AddCanvases(Families& families, const CanvasSeries& series) {
  families.OfCanvases(series, "canvas_cpu_seconds_total",
                      "Processor time of a canvas's processes; \"_other\": of those without a "
                      "figure of their own.",
                      [](const CanvasFigures& figures, const auto& add) {
                        add(nullptr, "", static_cast<double>(figures.cpu_us) / 1e6);
                      });
  families.OfCanvases(series, "canvas_runs_total", "Runs that had a worker, by how they ended.",
                      [](const CanvasFigures& figures, const auto& add) {
                        for (const auto& [ended, count] : figures.runs)
                          add("ended", ended, static_cast<double>(count));
                      });
  families.OfCanvases(series, "canvas_refused_total", "Requests that policy refused.",
                      [](const CanvasFigures& figures, const auto& add) {
                        add(nullptr, "", static_cast<double>(figures.refused));
                      });
}

void AddSharedIndex(Families& families, const SharedIndexLevels& index) {
  families.Gauge("shared_index_available", "1 while the index that machines share can be told.",
                 index.available ? 1 : 0);
  families.Gauge("shared_index_rows_behind",
                 "Changes that it has not been told; more than 100,000 count as so many.",
                 index.rows_behind);
  families.Gauge("shared_index_behind_seconds",
                 "Since the oldest trace that it has not been told of was received.",
                 static_cast<size_t>(Seconds(index.oldest_behind)));
  families.Counter("shared_index_told_total", "Changes that it was told.", index.told);
  families.Counter("shared_index_left_untold_total",
                   "Traces whose day was over before it could be told.", index.left_untold);
  families.Counter("shared_index_refused_total", "Changes that it will never take.", index.refused);
  families.Counters("shared_index_failures_total",
                    "Tellings that failed, and are tried again, by how.", "kind", index.failed);
}

}  // namespace

std::string PrometheusText(const HostCounts& counts, const HostLevels& levels) {
  Families families;
  families.Counters("runs_ended_total", "Admitted runs that ended, by verdict.", "verdict",
                    counts.runs_ended);
  families.Counter("requests_refused_total",
                   "Requests that admission refused: no run came of them.", counts.refused);
  families.Gauge("canvases", "Canvases that are served.", levels.canvases);
  families.Gauge("runs_running", "Runs that have a worker.", levels.runs_running);
  families.Gauge("runs_queued", "Runs that wait for one.", levels.runs_queued);
  families.Gauge("workers", "Worker processes, those too that wait for a run.", levels.workers);
  families.Gauge("workers_quarantined",
                 "Cells in which a process does not die; each takes a place from its canvas.",
                 levels.quarantined);
  families.Histogram("kill_overshoot_seconds",
                     "From the instant that a limit was reached to the decision to kill.",
                     counts.overshoots);
  families.Histogram("loop_turn_seconds",
                     "What one turn of the supervisor's loop took: how long an event can have "
                     "waited for it.",
                     counts.loop_turns);
  families.Histogram("guard_wake_up_seconds",
                     "How late the thread was woken that kills where the loop is late.",
                     counts.guard_wake_ups);
  families.Counter("guard_kills_total", "Kills at a deadline that the loop was late for.",
                   counts.guard_kills);
  families.Gauge("writer_connected", "1 while the storage writer is there.",
                 levels.writer_connected ? 1 : 0);
  families.Counter("traces_lost_total", "Traces given up because nobody stored them in time.",
                   levels.traces_lost);
  families.Counter("traces_kept_total", "Ended runs whose trace is stored, whole or in part.",
                   levels.traces_kept);
  families.Counters("traces_not_kept_total",
                    "Ended runs of which policy has only the row stored, by its reason.", "reason",
                    levels.traces_not_kept);
  families.Counter("trace_events_not_kept_total",
                   "Events left out of stored traces, as a canvas's budget was used up.",
                   levels.trace_events_not_kept);
  if (levels.trace_budgets_used_up)
    families.Gauge("trace_budgets_used_up", "Canvases that have used up a trace budget of today.",
                   *levels.trace_budgets_used_up);
  families.Counter("missed_dropped_total",
                   "Requests without a route that found no room in the list of 404s.",
                   levels.missed_dropped);
  families.Gauge("controls", "Operators' controls in force.", levels.controls);
  families.Counters("rule_hits_total", "Canvases that an abuse rule began to hit.", "rule",
                    levels.rule_hits);
  families.Gauge("rule_hits_open", "Hits of abuse rules that go on.", levels.rule_hits_open);
  families.Gauge("audit_unwritten", "Entries of the audit log that could not be written so far.",
                 levels.audit_unwritten);
  families.Counter("audit_lost_total",
                   "Entries of the audit log that are only in the supervisor's log.",
                   levels.audit_lost);
  families.Gauge("audit_broken", "1 when the audit log was found changed at the last start.",
                 levels.audit_broken ? 1 : 0);
  families.Info("policy_info", "The version of the policy in force, as its label.", "version",
                levels.policy_version);
  families.Counter("policy_loads_total", "Policies taken, the one of the start included.",
                   levels.policy_loads);
  families.Counter("policies_rejected_total", "Policies that were read again and not taken.",
                   levels.policies_rejected);
  families.Gauge("policy_loaded_timestamp_seconds", "When the policy in force was taken.",
                 static_cast<size_t>(levels.policy_loaded_unix_s));
  families.Counter("usage_lost_total",
                   "Counts of what canvases use that found no room while the writer was away.",
                   levels.usage_lost);
  if (levels.canvas_series != nullptr) AddCanvases(families, *levels.canvas_series);
  if (levels.store) AddStore(families, *levels.store);
  if (levels.shared_index) AddSharedIndex(families, *levels.shared_index);
  return families.Text();
}

}  // namespace nightjar
