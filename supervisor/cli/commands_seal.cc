// `nightjar evidence`: all that is known of one incident, sealed in a file, and its trace held.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <filesystem>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/complete_id.h"
#include "supervisor/cli/evidence_text.h"
#include "supervisor/cli/pretty_json.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/query.h"
#include "supervisor/cli/render_why.h"
#include "supervisor/cli/sealed_archive.h"

namespace nightjar::cli {
namespace {

constexpr uint64_t kPartBytes = 8 * bounds::kMiB;  // of a trace that are held at once
constexpr const char* kTraceType = "application/vnd.nightjar.trace";
constexpr int64_t kAroundUs = 24 * 3'600'000'000;  // usage is told before the incident and behind

std::string JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions whole;
  whole.always_print_primitive_fields = true;
  whole.preserve_proto_field_names = true;
  std::string json;
  (void)google::protobuf::util::MessageToJsonString(message, &json, whole);
  return PrettyJson(json);
}

// A time as the control plane reads it.
std::string Moment(int64_t unix_us) {
  std::string text = ClockText(unix_us).substr(0, 19);
  text[10] = 'T';
  return text + "Z";
}

class Sealing {
 public:
  Sealing(Session& session, SealedArchive& archive, const proto::WhyAnswer& why)
      : session_(session), archive_(archive), why_(why), incident_(why.incident()) {
    text_.folder = "evidence-" + why.run_id();
    text_.run_id = why.run_id();
    text_.canvas = incident_.canvas();
  }

  // An error is the file's, or that the supervisor went away.
  Status AddAll() {
    text_.made =
        "at " + ClockText(UnixMicros(SystemClock().Wall())) +
        " by nightjar evidence; times of the incident: " + ClockText(incident_.at_unix_us());
    NJ_TRY(AddIncident());
    NJ_TRY(AddLimits());
    NJ_TRY(AddTrace());
    NJ_TRY(AddSource());
    NJ_TRY(AddUsage());
    NJ_TRY(AddAudit());
    return archive_.Add("README.txt", RenderEvidenceReadme(text_));
  }

  bool has_trace() const { return has_trace_; }
  const EvidenceText& text() const { return text_; }

 private:
  Status Add(const std::string& name, std::string_view content, const std::string& what) {
    NJ_TRY(archive_.Add(name, content));
    text_.files.push_back({name, what});
    return {};
  }
  // True: there is no such answer, and the archive says so.
  bool Missing(const std::string& name, const Error& error) {
    if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kExhausted) return false;
    text_.missing.push_back({name, Printable(error.ToString())});
    return true;
  }

  Status AddIncident() {
    const std::string target = "/incidents/" + EncodePart(why_.run_id());
    NJ_ASSIGN(std::string record, session_.TryGet(target));
    NJ_TRY(Add("why.txt", RenderWhy(why_, 0, Glyphs::kAscii, Paint()),
               "for a start: what became of the run and why, on one page"));
    NJ_TRY(Add("incident.json", PrettyJson(record), "the incident as it is recorded"));
    NJ_ASSIGN(std::string link, session_.TryGet(target + "/link"));
    if (!Session::ReadJson(link, &text_.link))
      return Fail(ErrorCode::kProtocol, "the incident's place in the chain makes no sense");
    if (text_.link.link() == 0) {
      text_.missing.push_back({"incident.link", "the incident is older than the chain"});
      return {};
    }
    NJ_TRY(Add("incident.link", text_.link.hashed(), "its record in the chain, to be hashed"));
    text_.link.clear_hashed();
    return Add("chain.json", JsonOf(text_.link), "where it stands in the chain of incidents");
  }

  Status AddLimits() {
    proto::LimitsAnswer limits;
    limits.set_canvas(incident_.canvas());
    limits.set_handler(incident_.handler());
    *limits.mutable_limits() = incident_.limits();
    return Add("limits.json", JsonOf(limits),
               "the limits in force for the run, each with the policy's line that set it");
  }

  Status AddTrace() {
    const std::string target = TracePath(incident_.canvas(), why_.run_id());
    if (!why_.no_trace().empty()) {
      text_.missing.push_back({"trace.njt", Printable(why_.no_trace())});
      return {};
    }
    NJ_ASSIGN(has_trace_, AddObject(target, "trace.njt",
                                    "the trace as it is stored (docs/formats/trace.md); small "
                                    "ones share a file with others of their canvas"));
    if (!has_trace_) return {};
    auto document = session_.TryGet(target);
    if (!document)
      return Missing("trace.json", document.error()) ? Status()
                                                     : tl::unexpected<Error>(document.error());
    NJ_TRY(Add("trace.json", *document, "the trace as JSON, with its patches"));
    proto::TraceDocument trace;
    if (!Session::ReadJson(*document, &trace))
      return Fail(ErrorCode::kProtocol, "the trace makes no sense to this version of nightjar");
    for (int i = 0; i < trace.patches_size(); ++i) {
      const std::string& id = trace.patches(i).row().run_id();
      const std::string number = std::to_string(i + 1);
      NJ_TRY(AddObject(TracePath(incident_.canvas(), id), "patch-" + number + ".njt",
                       "patch " + number + " of the trace as it is stored, " + Printable(id)));
    }
    return {};
  }

  // False: there is none, and the archive says so.
  Result<bool> AddObject(const std::string& target, const std::string& name,
                         const std::string& what) {
    auto part = session_.TryFetchPart(target, kTraceType, 0, kPartBytes);
    if (!part && Missing(name, part.error())) return false;
    NJ_TRY(part);
    NJ_TRY(archive_.Begin(name, part->size));
    for (uint64_t first = 0;;) {
      const std::string& bytes = part->answer.body;
      NJ_TRY(archive_.Append(bytes));
      first += bytes.size();
      if (first >= part->size || bytes.empty()) break;
      part = session_.TryFetchPart(target, kTraceType, first, kPartBytes);
      NJ_TRY(part);
    }
    NJ_TRY(archive_.End());
    text_.files.push_back({name, what});
    return true;
  }

  Status AddSource() {
    auto answer = session_.TryGet("/canvases/" + EncodePart(incident_.canvas()) + "/revisions/" +
                                  std::to_string(incident_.revision()) + "/source");
    proto::RevisionSource source;
    if (answer && !Session::ReadJson(*answer, &source))
      answer = Fail(ErrorCode::kProtocol, "it makes no sense to this version of nightjar");
    if (!answer)
      return Missing("program.dark", answer.error()) ? Status()
                                                     : tl::unexpected<Error>(answer.error());
    std::string what = "what was deployed as revision " + std::to_string(source.revision()) +
                       " at " + ClockText(source.deployed_unix_ms() * 1000) + " by " +
                       Printable(source.deployed_by());
    what += source.secrets_hidden()
                ? ", with <secret> for its secrets, so that its hash is not code_sha256"
                : "; its hash is code_sha256 of incident.json";
    return Add(source.upload() ? "program.json" : "program.dark", source.source(), what);
  }

  Status AddUsage() {
    Query query;
    query.With("canvas", incident_.canvas()).With("by", "hour");
    query.With("since", Moment(incident_.at_unix_us() - kAroundUs));
    query.With("until", Moment(incident_.at_unix_us() + kAroundUs));
    auto usage = session_.TryGet("/usage" + query.text());
    if (!usage)
      return Missing("usage.json", usage.error()) ? Status() : tl::unexpected<Error>(usage.error());
    return Add("usage.json", PrettyJson(*usage),
               "what the canvas used by the hour, a day before it and behind");
  }

  Status AddAudit() {
    Query query;
    query.With("canvas", incident_.canvas()).With("n", std::to_string(bounds::kListRows));
    auto audit = session_.TryGet("/audit" + query.text());
    if (!audit)
      return Missing("audit.json", audit.error()) ? Status() : tl::unexpected<Error>(audit.error());
    return Add("audit.json", PrettyJson(*audit),
               "what operators did that names the canvas, newest first (nightjar audit --verify "
               "checks it where the log is)");
  }

  Session& session_;
  SealedArchive& archive_;
  const proto::WhyAnswer& why_;
  const proto::Incident& incident_;
  EvidenceText text_;
  bool has_trace_ = false;
};

struct Held {
  std::string not_held = {};  // why; empty: it is
  bool before = false;        // by somebody else already
};

// One hold a trace: one that is there stays, with its reason.
Held Hold(Session& session, const proto::WhyAnswer& why, const std::string& file,
          const std::string& sha256) {
  std::string name = std::filesystem::path(file).filename().string();
  std::string reason = "evidence " + name + " sha256 " + sha256;
  if (reason.size() > bounds::kHoldReasonBytes) reason = "evidence sha256 " + sha256;
  auto held = session.TryPut(
      "/canvases/" + EncodePart(why.incident().canvas()) + "/holds/" + EncodePart(why.run_id()),
      reason);
  if (held) return {};
  if (held.error().code == ErrorCode::kExists) return {.not_held = "", .before = true};
  return {.not_held = held.error().ToString(), .before = false};
}

void PrintMade(Session& session, const SealedArchive::Sealed& sealed, const Sealing& sealing,
               const Held& held) {
  const std::string& file = session.line().out;
  if (session.line().json) {
    google::protobuf::Struct made;
    auto& fields = *made.mutable_fields();
    fields["file"].set_string_value(file);
    fields["run_id"].set_string_value(sealing.text().run_id);
    fields["sha256"].set_string_value(sealed.sha256);
    fields["bytes"].set_number_value(static_cast<double>(sealed.bytes));
    fields["held"].set_bool_value(sealing.has_trace() && held.not_held.empty());
    auto& missing = *fields["missing"].mutable_list_value();
    for (const EvidenceText::File& one : sealing.text().missing)
      missing.add_values()->set_string_value(one.name + ": " + one.what);
    session.out() << JsonOf(made);
    return;
  }
  session.out() << Printable(file) << ": "
                << CountText(sealing.text().files.size(), "file", "files") << " of incident "
                << Printable(sealing.text().run_id) << ", " << BytesText(sealed.bytes)
                << "\nsha256 " << sealed.sha256 << "\n";
  for (const EvidenceText::File& one : sealing.text().missing)
    session.out() << "missing: " << one.name << ": " << one.what << "\n";
  if (sealing.has_trace() && held.before)
    session.out() << "Its trace was held already, and stays so.\n";
  else if (sealing.has_trace() && held.not_held.empty())
    session.out() << "Its trace is held until it is released; the hold's reason has this hash.\n";
  session.out() << "Verify it: tar -xf FILE && cd " << sealing.text().folder
                << " && sha256sum -c MANIFEST\n";
}

}  // namespace

ExitCode SealEvidence(Session& session) {
  const CommandLine& line = session.line();
  proto::WhyAnswer why;
  if (ExitCode code = session.Ask({.target = "/runs/" + EncodePart(line.id)}, &why); code != kOk)
    return code;
  if (!why.has_incident())
    return session.Complain(kNo, why.run_id() +
                                     " was neither killed nor refused: there is no "
                                     "incident of it. `nightjar hold` keeps its trace");
  auto archive = SealedArchive::Create(line.out, "evidence-" + why.run_id(),
                                       why.incident().at_unix_us() / 1'000'000);
  if (!archive) return session.Complain(kNo, archive.error().ToString());
  Sealing sealing(session, **archive, why);
  Status added = sealing.AddAll();
  auto sealed = added ? (*archive)->Seal()
                      : Result<SealedArchive::Sealed>(tl::unexpected<Error>(added.error()));
  if (!sealed)
    return session.Complain(sealed.error().code == ErrorCode::kUnavailable ? kUnreachable : kNo,
                            sealed.error().ToString() + "; " + line.out + " was not written");
  Held held;
  if (sealing.has_trace()) held = Hold(session, why, line.out, sealed->sha256);
  PrintMade(session, *sealed, sealing, held);
  if (held.not_held.empty()) return kOk;
  return session.Complain(kNo, "its trace is NOT held: " + held.not_held);
}

}  // namespace nightjar::cli
