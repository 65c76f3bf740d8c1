#include "supervisor/writer/answers.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/writer/operator_answers.h"
#include "supervisor/writer/replay.h"
#include "supervisor/writer/sha256.h"
#include "supervisor/writer/upload_text.h"

namespace nightjar {
namespace {

Result<proto::SourceAnswer> WithAppended(std::string source, const std::string& more) {
  proto::SourceAnswer answer;
  answer.set_upload(IsUpload(source));
  if (!answer.upload() || more.empty()) {
    answer.set_source(std::move(source) + more);
    return answer;
  }
  NJ_ASSIGN(proto::Upload upload, ReadUpload(source));
  upload.mutable_source()->append(more);
  NJ_ASSIGN(*answer.mutable_source(), WriteUpload(upload));
  return answer;
}

Result<proto::FindCode> FindCode(Archive& archive, const proto::FindCode& question) {
  proto::FindCode found;
  found.set_code_sha256(question.code_sha256());
  for (const proto::RevisionName& name : question.revisions()) {
    NJ_ASSIGN(std::string source, archive.catalog().Source(name.canvas(), name.revision()));
    if (HashText(Sha256({source})) == question.code_sha256()) *found.add_revisions() = name;
  }
  return found;
}

}  // namespace

proto::FromWriter ErrorAnswer(uint64_t ticket, const Error& error) {
  proto::FromWriter answer;
  answer.set_ticket(ticket);
  answer.set_error(error.ToString());
  switch (error.code) {
    case ErrorCode::kNotFound:
      answer.set_error_kind(proto::ERROR_KIND_NOT_FOUND);
      break;
    case ErrorCode::kInvalid:
      answer.set_error_kind(proto::ERROR_KIND_INVALID);
      break;
    case ErrorCode::kExpired:
      answer.set_error_kind(proto::ERROR_KIND_EXPIRED);
      break;
    case ErrorCode::kDeleted:
      answer.set_error_kind(proto::ERROR_KIND_DELETED);
      break;
    case ErrorCode::kExists:
      answer.set_error_kind(proto::ERROR_KIND_EXISTS);
      break;
    case ErrorCode::kNotKept:
      answer.set_error_kind(proto::ERROR_KIND_NOT_KEPT);
      break;
    default:
      answer.set_error_kind(proto::ERROR_KIND_STORAGE);
  }
  return answer;
}

proto::FromWriter Acknowledge(const StoredRun& run) {
  proto::FromWriter answer;
  answer.set_ticket(run.ticket);
  proto::TraceStored& stored = *answer.mutable_trace_stored();
  stored.set_run_id(std::string(run.run.bytes()));
  stored.set_bytes(run.bytes);
  stored.set_ring_condemned(run.condemned);
  stored.set_not_kept(run.not_kept);
  stored.set_events_not_kept(run.events_not_kept);
  if (run.error.empty()) return answer;
  answer.set_error(run.error);
  answer.set_error_kind(proto::ERROR_KIND_STORAGE);
  return answer;
}

Result<Catalog::Revision> TakeRevision(proto::SaveRevision save, const std::vector<Fd>& fds) {
  bool source_aside = save.source_memfd_bytes() > 0;
  if (fds.size() != (source_aside ? 2 : 1))
    return Fail(ErrorCode::kInvalid, "a revision came without its files");
  Catalog::Revision revision;
  NJ_ASSIGN(revision.program, ReadForeignMemfd(fds[0], bounds::kProgramBytes));
  if (source_aside) {
    NJ_ASSIGN(revision.source, ReadForeignMemfd(fds[1], bounds::kUploadBytes));
  } else {
    revision.source = std::move(*save.mutable_source());
  }
  if (revision.program.size() != save.program_bytes())
    return Fail(ErrorCode::kInvalid, "a revision's program is not as long as it says");
  revision.canvas = save.canvas();
  revision.number = save.revision();
  revision.manifest = std::move(*save.mutable_manifest());
  revision.deployed_by = save.deployed_by();
  return revision;
}

Result<proto::FromWriter> ObjectAnswer(uint64_t ticket, const proto::GetObject& question,
                                       std::string object) {
  const uint64_t size = object.size();
  uint64_t first = std::min<uint64_t>(question.first(), size);
  if (question.suffix() > 0) first = size - std::min<uint64_t>(question.suffix(), size);
  uint64_t count = size - first;
  if (question.count() > 0) count = std::min(count, question.count());
  if (count > bounds::kTraceAnswerBytes)
    return Fail(ErrorCode::kExhausted, "the object is too large for one answer: ask for ranges");
  proto::FromWriter answer;
  answer.set_ticket(ticket);
  proto::StoredObject& stored = *answer.mutable_stored_object();
  stored.set_first(first);
  stored.set_size(size);
  stored.set_content(count == size ? std::move(object) : object.substr(first, count));
  return answer;
}

proto::FromWriter ObjectElsewhere(uint64_t ticket, std::string url) {
  proto::FromWriter answer;
  answer.set_ticket(ticket);
  answer.mutable_stored_object()->set_url(std::move(url));
  return answer;
}

Result<proto::FromWriter> SaveRevision(Archive& archive, const Catalog::Revision& revision) {
  NJ_TRY(archive.SaveRevision(revision));
  proto::FromWriter answer;
  answer.mutable_revision_saved()->set_canvas(revision.canvas);
  answer.mutable_revision_saved()->set_revision(revision.number);
  return answer;
}

Result<std::string> EncodeReplayAnswer(uint64_t ticket, const proto::TraceRow& row,
                                       const Result<std::string>& object,
                                       const proto::GetReplay& question) {
  proto::FromWriter answer;
  answer.set_ticket(ticket);
  if (object) {
    const RunId run = RunOf(row);
    NJ_ASSIGN(*answer.mutable_replay(), question.has_function()
                                            ? MakeFunctionReplay(*object, run, question.function())
                                            : MakeReplay(*object, run));
  } else {
    answer.mutable_replay()->set_not_whole("its trace was lost: " + object.error().ToString());
  }
  *answer.mutable_replay()->mutable_row() = row;
  return answer.SerializeAsString();
}

Result<proto::FromWriter> AnswerFrom(Archive& archive, const proto::ToWriter& question) {
  proto::FromWriter answer;
  switch (question.kind_case()) {
    case proto::ToWriter::kListTraces: {
      NJ_ASSIGN(*answer.mutable_traces(), archive.index().List(question.list_traces()));
      return answer;
    }
    case proto::ToWriter::kListIncidents: {
      NJ_ASSIGN(*answer.mutable_incidents(),
                archive.index().ListIncidents(question.list_incidents()));
      return answer;
    }
    case proto::ToWriter::kGetIncident: {
      auto run = RunId::FromBytes(question.get_incident().run_id());
      if (!run) return Fail(ErrorCode::kInvalid, "not the id of a run");
      NJ_ASSIGN(*answer.mutable_incident(), archive.index().GetIncident(*run));
      NJ_ASSIGN(auto deleted, archive.index().deletions().Find(answer.incident().canvas(), *run));
      if (deleted)
        answer.mutable_incident()->set_trace_deleted("deleted on " + DeletedText(*deleted));
      return answer;
    }
    case proto::ToWriter::kGetIncidentLink: {
      auto run = RunId::FromBytes(question.get_incident_link().run_id());
      if (!run) return Fail(ErrorCode::kInvalid, "not the id of a run");
      NJ_ASSIGN(*answer.mutable_incident_link(), archive.index().chain().Find(*run));
      return answer;
    }
    case proto::ToWriter::kExplainRun: {
      NJ_ASSIGN(*answer.mutable_why(), ExplainRun(archive.index(), question.explain_run()));
      return answer;
    }
    case proto::ToWriter::kTimelineWanted: {
      NJ_ASSIGN(*answer.mutable_timeline(), TimelineOf(archive, question.timeline_wanted()));
      return answer;
    }
    case proto::ToWriter::kGetRevisionSource: {
      NJ_ASSIGN(*answer.mutable_revision_source(),
                SourceWithoutSecrets(archive.catalog(), question.get_revision_source()));
      return answer;
    }
    case proto::ToWriter::kVerifyIncidents: {
      NJ_ASSIGN(*answer.mutable_chain(),
                archive.index().chain().Verify(question.verify_incidents()));
      return answer;
    }
    case proto::ToWriter::kListHolds: {
      NJ_ASSIGN(*answer.mutable_holds(),
                archive.index().holds().List(question.list_holds().canvas()));
      return answer;
    }
    case proto::ToWriter::kListMissed: {
      NJ_ASSIGN(*answer.mutable_missed(), archive.missed().List(question.list_missed()));
      return answer;
    }
    case proto::ToWriter::kUsageTold: {
      NJ_TRY(archive.usage().Take(question.usage_told()));
      return answer;
    }
    case proto::ToWriter::kUsageWanted: {
      NJ_ASSIGN(*answer.mutable_usage(), archive.usage().Sum(question.usage_wanted()));
      return answer;
    }
    case proto::ToWriter::kCountersTold: {
      NJ_TRY(archive.counters().Take(question.counters_told()));
      return answer;
    }
    case proto::ToWriter::kCountersWanted: {
      NJ_ASSIGN(*answer.mutable_counters(), archive.counters().List(question.counters_wanted()));
      return answer;
    }
    case proto::ToWriter::kLoadRevision: {
      const proto::LoadRevision& load = question.load_revision();
      NJ_ASSIGN(Catalog::Entry entry, archive.catalog().Get(load.canvas(), load.revision()));
      *answer.mutable_revision_loaded()->mutable_entry() = std::move(entry.entry);
      answer.mutable_revision_loaded()->set_program(std::move(entry.program));
      return answer;
    }
    case proto::ToWriter::kGetSource: {
      const proto::GetSource& get = question.get_source();
      NJ_ASSIGN(std::string source, archive.catalog().Source(get.canvas(), get.revision()));
      NJ_ASSIGN(*answer.mutable_source(), WithAppended(std::move(source), get.append()));
      return answer;
    }
    case proto::ToWriter::kGetMissed: {
      NJ_ASSIGN(*answer.mutable_missed()->add_routes(),
                archive.missed().Get(question.get_missed()));
      return answer;
    }
    case proto::ToWriter::kFindCode: {
      NJ_ASSIGN(*answer.mutable_code_found(), FindCode(archive, question.find_code()));
      return answer;
    }
    case proto::ToWriter::kRoutesMissed:
      NJ_TRY(archive.missed().Add(question.routes_missed()));
      return answer;
    default:
      return Fail(ErrorCode::kInvalid, "a question that this writer does not know");
  }
}

Result<proto::FromWriter> AnswerFrom(Keeper& keeper, const proto::ToWriter& order) {
  proto::FromWriter answer;
  switch (order.kind_case()) {
    case proto::ToWriter::kHoldTrace: {
      NJ_ASSIGN(*answer.mutable_hold(), keeper.Hold(order.hold_trace()));
      return answer;
    }
    case proto::ToWriter::kReleaseTrace: {
      NJ_ASSIGN(*answer.mutable_hold(), keeper.Release(order.release_trace()));
      return answer;
    }
    case proto::ToWriter::kDeleteTrace: {
      NJ_ASSIGN(*answer.mutable_trace_deleted(), keeper.Delete(order.delete_trace()));
      return answer;
    }
    default:
      return Fail(ErrorCode::kInvalid, "an order that this writer does not know");
  }
}

}  // namespace nightjar
