#include "supervisor/writer/operator_answers.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/writer/id_prefix.h"
#include "supervisor/writer/incident_code.h"
#include "supervisor/writer/trace_document.h"
#include "supervisor/writer/trace_keeping.h"
#include "supervisor/writer/upload_text.h"

namespace nightjar {
namespace {

constexpr size_t kNamesTold = 2;  // of runs that a cut id may mean
constexpr int64_t kHourS = 3600;

Result<TraceDays::Found> FindOne(TraceIndex& index, const std::string& id) {
  auto range = RangeOfPrefix(id);
  if (!range)
    return Fail(ErrorCode::kInvalid, "`" + id + "` is no id: give " +
                                         std::to_string(kShortestIdPrefix) +
                                         " or more of its first characters (0-9, a-f, -)");
  NJ_ASSIGN(auto found, index.InRange(*range, kNamesTold));
  if (found.size() > 1)
    return Fail(ErrorCode::kExists, "`" + id + "` is the start of several ids, among them " +
                                        found[0].run.ToString() + " and " +
                                        found[1].run.ToString() + ": give more of it");
  if (found.size() == 1) return std::move(found[0]);
  return Fail(ErrorCode::kNotFound,
              "no run is known by `" + id +
                  "`: its trace is over, was deleted, or there never was one. A run's id is in its "
                  "answer's header x-nightjar-trace; `nightjar incidents` and `nightjar traces "
                  "CANVAS` list them");
}

// Why there is nothing to read but its row; empty: there is.
std::string WhyOnlyARow(const IndexedTrace& trace) {
  if (Status kept = CheckKept(trace.row); !kept) return kept.error().ToString();
  return trace.object_key.empty() ? "nothing of this trace could be stored but its row" : "";
}

class TimelineBuilder {
 public:
  explicit TimelineBuilder(const proto::TimelineWanted& wanted) : wanted_(wanted) {}

  // nullptr: it was not in that time.
  proto::TimelineEvent* Add(int64_t at_unix_us, proto::TimelineKind kind) {
    if (at_unix_us < wanted_.since_unix_us() || at_unix_us >= wanted_.until_unix_us())
      return nullptr;
    proto::TimelineEvent& event = events_.emplace_back();
    event.set_at_unix_us(at_unix_us);
    event.set_kind(kind);
    return &event;
  }
  // Of one kind older ones were not looked at: then nothing that is older than this is shown.
  void CutBefore(int64_t at_unix_us) { cut_us_ = std::max(cut_us_, at_unix_us); }

  proto::Timeline Take() {
    const size_t all = events_.size();
    std::erase_if(events_, [&](const auto& event) { return event.at_unix_us() < cut_us_; });
    std::stable_sort(events_.begin(), events_.end(),
                     [](const auto& a, const auto& b) { return a.at_unix_us() < b.at_unix_us(); });
    const size_t rows = std::min<size_t>(wanted_.rows_max(), events_.size());
    proto::Timeline timeline;
    timeline.set_canvas(wanted_.canvas());
    timeline.set_since_unix_us(wanted_.since_unix_us());
    timeline.set_until_unix_us(wanted_.until_unix_us());
    timeline.set_more(rows < all || cut_us_ > 0);
    for (size_t i = events_.size() - rows; i < events_.size(); ++i)
      *timeline.add_events() = std::move(events_[i]);
    return timeline;
  }

 private:
  const proto::TimelineWanted& wanted_;
  std::vector<proto::TimelineEvent> events_;
  int64_t cut_us_ = 0;
};

Status AddDeploys(Catalog& catalog, const proto::TimelineWanted& wanted, TimelineBuilder* builder) {
  NJ_ASSIGN(auto deploys, catalog.DeployedSince(wanted.canvas(), wanted.since_unix_us() / 1000,
                                                bounds::kDeploysLooked));
  if (deploys.size() == bounds::kDeploysLooked) builder->CutBefore(deploys.back().unix_ms * 1000);
  for (const Catalog::Deployed& deploy : deploys) {
    proto::TimelineEvent* event = builder->Add(deploy.unix_ms * 1000, proto::TIMELINE_DEPLOY);
    if (event == nullptr) continue;
    event->set_revision(deploy.revision);
    event->set_by(deploy.by);
  }
  return {};
}

Status AddIncidents(TraceIndex& index, const proto::TimelineWanted& wanted,
                    TimelineBuilder* builder) {
  proto::ListIncidents question;
  question.set_canvas(wanted.canvas());
  question.set_since_unix_us(wanted.since_unix_us());
  question.set_until_unix_us(wanted.until_unix_us());
  question.set_rows_max(static_cast<uint32_t>(bounds::kListRows));
  NJ_ASSIGN(proto::IncidentList list, index.ListIncidents(question));
  if (list.more()) builder->CutBefore(list.incidents().rbegin()->at_unix_us());
  for (proto::IncidentRow& row : *list.mutable_incidents()) {
    bool refused = row.verdict() == proto::VERDICT_REFUSED;
    proto::TimelineEvent* event = builder->Add(
        row.at_unix_us(), refused ? proto::TIMELINE_REFUSAL : proto::TIMELINE_INCIDENT);
    if (event != nullptr) *event->mutable_incident() = std::move(row);
  }
  return {};
}

Status AddMissed(MissedIndex& missed, const proto::TimelineWanted& wanted,
                 TimelineBuilder* builder) {
  proto::ListMissed question;
  question.set_canvas(wanted.canvas());
  NJ_ASSIGN(proto::MissedList list, missed.List(question));
  for (proto::MissedRoute& route : *list.mutable_routes())
    if (auto* event = builder->Add(route.last_unix_us(), proto::TIMELINE_MISSED))
      *event->mutable_missed() = std::move(route);
  return {};
}

Status AddHolds(TraceHolds& holds, const proto::TimelineWanted& wanted, TimelineBuilder* builder) {
  NJ_ASSIGN(proto::HoldList list, holds.List(wanted.canvas()));
  for (proto::Hold& hold : *list.mutable_holds()) {
    proto::TimelineEvent* event = builder->Add(hold.held_unix_us(), proto::TIMELINE_HOLD);
    if (event == nullptr) continue;
    event->set_by(hold.by());
    hold.clear_trace();
    *event->mutable_hold() = std::move(hold);
  }
  return {};
}

Status AddUsage(UsageStore& usage, const proto::TimelineWanted& wanted, TimelineBuilder* builder) {
  constexpr int64_t kSecondUs = 1'000'000;
  proto::UsageWanted question;
  question.set_canvas(wanted.canvas());
  question.set_by(proto::USAGE_BY_HOUR);
  question.set_since_unix_s(wanted.since_unix_us() / kSecondUs / kHourS * kHourS);
  question.set_until_unix_s(wanted.until_unix_us() / kSecondUs);
  question.set_rows_max(static_cast<uint32_t>(bounds::kUsageListRows));
  NJ_ASSIGN(proto::UsageList list, usage.Sum(question));
  for (proto::UsageRow& row : *list.mutable_rows()) {
    int64_t begins_us = std::max(row.begins_unix_s() * kSecondUs, wanted.since_unix_us());
    if (auto* event = builder->Add(begins_us, proto::TIMELINE_USAGE)) {
      event->set_at_unix_us(row.begins_unix_s() * kSecondUs);
      *event->mutable_used() = std::move(*row.mutable_used());
    }
  }
  return {};
}

}  // namespace

Result<proto::WhyAnswer> ExplainRun(TraceIndex& index, const proto::ExplainRun& question) {
  NJ_ASSIGN(TraceDays::Found found, FindOne(index, question.id()));
  proto::WhyAnswer answer;
  answer.set_run_id(found.run.ToString());
  auto incident = index.GetIncident(found.run);
  if (incident) {
    *answer.mutable_incident() = std::move(*incident);
    NJ_ASSIGN(*answer.mutable_similar(), index.incidents().SimilarTo(answer.incident()));
    NJ_ASSIGN(auto deleted, index.deletions().Find(found.canvas, found.run));
    if (deleted)
      answer.mutable_incident()->set_trace_deleted("deleted on " + DeletedText(*deleted));
  } else if (incident.error().code != ErrorCode::kNotFound) {
    return tl::unexpected<Error>(incident.error());
  }
  auto trace = index.Get(found.canvas, found.run);
  if (trace) {
    answer.set_no_trace(WhyOnlyARow(*trace));
    *answer.mutable_trace() = std::move(trace->row);
  } else {
    answer.set_no_trace(trace.error().ToString());
  }
  return answer;
}

Result<proto::Timeline> TimelineOf(Archive& archive, const proto::TimelineWanted& wanted) {
  TimelineBuilder builder(wanted);
  NJ_TRY(AddUsage(archive.usage(), wanted, &builder));
  NJ_TRY(AddDeploys(archive.catalog(), wanted, &builder));
  NJ_TRY(AddIncidents(archive.index(), wanted, &builder));
  NJ_TRY(AddMissed(archive.missed(), wanted, &builder));
  NJ_TRY(AddHolds(archive.index().holds(), wanted, &builder));
  return builder.Take();
}

Result<proto::RevisionSource> SourceWithoutSecrets(Catalog& catalog,
                                                   const proto::GetRevisionSource& question) {
  const std::string& canvas = question.canvas();
  const RevisionNumber revision = question.revision();
  NJ_ASSIGN(Catalog::Deployed deployed, catalog.WhenDeployed(canvas, revision));
  NJ_ASSIGN(std::string source, catalog.Source(canvas, revision));
  auto program = catalog.Program(canvas, revision);
  auto secrets = program ? SecretsIn(*program) : std::nullopt;
  if (!secrets)
    return Fail(ErrorCode::kNotKept,
                "what the secrets of revision " + std::to_string(revision) + " of " + canvas +
                    " are is not known any more (of the newest " +
                    std::to_string(bounds::kProgramsKept) +
                    " revisions it is), so that they cannot be left out of its source");
  proto::RevisionSource answer;
  answer.set_canvas(canvas);
  answer.set_revision(revision);
  answer.set_deployed_unix_ms(deployed.unix_ms);
  answer.set_deployed_by(deployed.by);
  answer.set_upload(IsUpload(source));
  answer.set_secrets_hidden(!secrets->empty());
  if (!answer.secrets_hidden()) {
    answer.set_source(std::move(source));
    return answer;
  }
  if (!answer.upload()) {
    NJ_ASSIGN(*answer.mutable_source(), MaskAllSecrets(source, *secrets));
    return answer;
  }
  NJ_ASSIGN(proto::Upload upload, ReadUpload(source));
  NJ_ASSIGN(*upload.mutable_source(), MaskAllSecrets(upload.source(), *secrets));
  for (proto::CanvasFile& file : *upload.mutable_files()) {
    NJ_ASSIGN(*file.mutable_content(), MaskAllSecrets(file.content(), *secrets));
  }
  NJ_ASSIGN(*answer.mutable_source(), WriteUpload(upload));
  return answer;
}

}  // namespace nightjar
