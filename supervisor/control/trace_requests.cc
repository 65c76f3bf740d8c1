#include "ipc/core/bounds.h"
#include "supervisor/control/byte_range.h"
#include "supervisor/control/control_service.h"
#include "supervisor/control/request_values.h"
#include "supervisor/control/run_answer.h"

namespace nightjar {
namespace {

constexpr size_t kFunctionNameBytes = 256;
constexpr const char* kTraceType = "application/vnd.nightjar.trace";

// What is to become of a trace, why (the request's body) and who says so. Empty: it is read.
template <typename Order>
std::string ReadOrder(const http::Request& request, const std::string& canvas,
                      const std::string& run, Order* order) {
  auto id = RunId::Parse(run);
  if (!id) return "this is not a trace id: " + run;
  if (std::string wrong = WrongReason(request.body); !wrong.empty()) return wrong;
  order->set_canvas(canvas);
  order->set_run_id(std::string(id->bytes()));
  order->set_reason(request.body);
  order->set_by(request.peer);
  return "";
}

// The bytes that were asked for, or where they are to be had.
http::Response ObjectResponse(proto::StoredObject object, bool part) {
  http::Response response;
  if (!object.url().empty()) {
    response.status = 307;
    response.headers.emplace_back("Location", object.url());
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  }
  const std::string size = std::to_string(object.size());
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (part && object.content().empty()) {
    response.status = 416;
    response.headers.emplace_back("Content-Range", "bytes */" + size);
    return response;
  }
  response.status = part ? 206 : 200;
  response.headers.emplace_back("Content-Type", kTraceType);
  if (part)
    response.headers.emplace_back(
        "Content-Range", "bytes " + std::to_string(object.first()) + "-" +
                             std::to_string(object.first() + object.content().size() - 1) + "/" +
                             size);
  response.body = std::move(*object.mutable_content());
  return response;
}

}  // namespace

// What is wrong with the query; empty: nothing, and the question has it all.
std::string ControlService::ReadFilters(const Call& call, const Revision& revision,
                                        proto::ListTraces* question) const {
  auto verdict = VerdictNamed(call.Query("verdict"));
  if (!verdict) return "there is no verdict named " + call.Query("verdict");
  question->set_verdict(*verdict);
  uint32_t rows = call.Rows(20);
  if (rows == 0) return "n is a number of rows, 1 or more";
  question->set_rows_max(rows);
  question->set_handler(call.Query("handler"));
  // By its id, so that it is found under the names that it had before. One that the revision in
  // force does not have is looked for by name.
  const proto::HandlerEntry* handler = revision.HandlerNamed(question->handler());
  if (handler != nullptr) question->set_tlid(handler->tlid());
  question->set_function(call.Query("function"));
  question->set_caller(call.Query("caller"));
  const WallTime now = needs_.clock.Wall();
  auto since = call.Moment("since", now), until = call.Moment("until", now);
  if (!since) return since.error();
  if (!until) return until.error();
  if (*since) question->set_since_unix_us(UnixMicros(**since));
  if (*until) question->set_until_unix_us(UnixMicros(**until));
  if (std::string text = call.Query("revision"); !text.empty()) {
    auto number = PositiveNumber(text);
    if (!number) return "revision is a number, 1 or more; not " + text;
    question->set_revision(*number);
  }
  if (std::string text = call.Query("field"); !text.empty()) {
    size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return "field is NAME=VALUE, with a name that the policy's trace_index has; not " + text;
    question->set_field(text.substr(0, equals));
    question->set_field_value(text.substr(equals + 1));
  }
  return "";
}

void ControlService::ListTraces(Call call, const std::string& canvas) {
  RevisionPtr revision = needs_.book.Find(canvas);
  if (!revision) return call.Fail(404, "there is no canvas " + canvas);
  proto::ToWriter question;
  question.mutable_list_traces()->set_canvas(canvas);
  question.mutable_list_traces()->set_all_machines(!call.Query("all_machines").empty());
  std::string wrong = ReadFilters(call, *revision, question.mutable_list_traces());
  if (!wrong.empty()) return call.Fail(400, wrong);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->traces());
  });
}

void ControlService::GetTrace(Call call, const std::string& canvas, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not a trace id: " + text);
  if (call.Header("accept").find(kTraceType) != std::string::npos)
    return GetObject(std::move(call), canvas, *id);
  proto::ToWriter question;
  question.mutable_get_trace()->set_canvas(canvas);
  question.mutable_get_trace()->set_run_id(std::string(id->bytes()));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(std::move(*answer->mutable_trace_json()));
  });
}

void ControlService::GetObject(Call call, const std::string& canvas, const RunId& id) {
  auto range = ParseByteRange(call.Header("range"));
  proto::ToWriter question;
  proto::GetObject& wanted = *question.mutable_get_object();
  wanted.set_canvas(canvas);
  wanted.set_run_id(std::string(id.bytes()));
  if (range) {
    wanted.set_first(range->first);
    wanted.set_count(range->count);
    wanted.set_suffix(range->suffix);
  }
  const bool part = range.has_value();
  needs_.journal.Ask(std::move(question), [call, part](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.responder->Send(ObjectResponse(std::move(*answer->mutable_stored_object()), part));
  });
}

void ControlService::ImportTrace(Call call, const std::string& canvas) {
  ImportOrder order;
  order.canvas = canvas;
  order.handler = call.Query("handler");
  order.dark_trace = call.Query("dark_trace");
  if (!order.dark_trace.empty() && !RunId::Parse(order.dark_trace))
    return call.Fail(400, "this is not the id of a trace: " + order.dark_trace);
  if (call.request.body.size() > bounds::kImportBytes)
    return call.Fail(
        413, "a trace to import is at most " + std::to_string(bounds::kImportBytes) + " bytes");
  order.object = std::move(call.request.body);
  order.by = call.request.peer;
  needs_.importer.Import(std::move(order), [call](Result<proto::ImportAnswer> answer) {
    const std::string file = call.Query("file");
    if (!answer)
      return call.Fail(file.empty() ? answer.error() : Wrap(answer.error(), file).value());
    call.Answer(*answer);
  });
}

void ControlService::Rerun(Call call, const std::string& canvas, const std::string& text) {
  RerunOrder order;
  if (std::string wrong = ReadRerun(call, canvas, text, &order); !wrong.empty())
    return call.Fail(400, wrong);
  DoAgain(std::move(call), std::move(order));
}

void ControlService::RunFunction(Call call, const std::string& canvas, const std::string& text,
                                 const std::string& function) {
  RerunOrder order;
  if (std::string wrong = ReadRerun(call, canvas, text, &order); !wrong.empty())
    return call.Fail(400, wrong);
  const std::string& arguments = call.request.body;
  std::string number = call.Query("call");
  if (!IsText(function, kFunctionNameBytes))
    return call.Fail(400, "a function's name is text of at most " +
                              std::to_string(kFunctionNameBytes) + " bytes");
  if (!IsText(arguments, bounds::kInlineBodyBytes))
    return call.Fail(400, "arguments are text of at most " +
                              std::to_string(bounds::kInlineBodyBytes) + " bytes");
  if (!number.empty() && !arguments.empty())
    return call.Fail(400, "either a call's arguments or others");
  order.function.emplace().name = function;
  order.function->arguments_json = arguments;
  if (!arguments.empty()) order.function->call = 0;
  if (!number.empty()) {
    auto nth = PositiveNumber(number);
    if (!nth) return call.Fail(400, "call is a number, 1 or more");
    order.function->call = *nth;
  }
  DoAgain(std::move(call), std::move(order));
}

std::string ControlService::ReadRerun(const Call& call, const std::string& canvas,
                                      const std::string& text, RerunOrder* order) {
  auto id = RunId::Parse(text);
  if (!id) return "this is not a trace id: " + text;
  order->canvas = canvas;
  order->run = *id;
  order->live = !call.Query("live").empty();
  order->by = call.request.peer;
  std::string revision = call.Query("revision");
  if (revision.empty()) return "";
  auto number = PositiveNumber(revision);
  if (!number) return "revision is a number, 1 or more";
  order->revision = *number;
  return "";
}

void ControlService::DoAgain(Call call, RerunOrder order) {
  const std::string base = order.run.ToString();
  needs_.rerunner.Rerun(std::move(order), [call, base](Result<Rerunner::Again> again) {
    if (!again) return call.Fail(again.error());
    RunResult& result = again->result;
    if (again->patch && result.request_refused) return call.Fail(422, result.body);
    uint32_t answered = result.calls_answered, live = result.calls_live;
    proto::RunAnswer answer = AnswerOf(std::move(result));
    answer.set_revision(again->revision);
    answer.set_calls_answered(answered);
    answer.set_calls_live(live);
    if (again->patch)
      *answer.mutable_patch() = std::move(*again->patch);
    else
      answer.set_rerun_of(base);
    call.Answer(answer);
  });
}

void ControlService::DeleteTrace(Call call, const std::string& canvas, const std::string& text) {
  proto::ToWriter question;
  proto::DeleteTrace* order = question.mutable_delete_trace();
  if (std::string wrong = ReadOrder(call.request, canvas, text, order); !wrong.empty())
    return call.Fail(400, wrong);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->trace_deleted());
  });
}

void ControlService::ListHolds(Call call) {
  proto::ToWriter question;
  question.mutable_list_holds()->set_canvas(call.Query("canvas"));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->holds());
  });
}

void ControlService::HoldTrace(Call call, const std::string& canvas, const std::string& text) {
  proto::ToWriter question;
  proto::HoldTrace* order = question.mutable_hold_trace();
  if (std::string wrong = ReadOrder(call.request, canvas, text, order); !wrong.empty())
    return call.Fail(400, wrong);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->hold());
  });
}

void ControlService::ReleaseTrace(Call call, const std::string& canvas, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not a trace id: " + text);
  if (std::string wrong = WrongReason(call.request.body); !wrong.empty())
    return call.Fail(400, wrong);
  proto::ToWriter question;
  question.mutable_release_trace()->set_canvas(canvas);
  question.mutable_release_trace()->set_run_id(std::string(id->bytes()));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->hold());
  });
}

}  // namespace nightjar
