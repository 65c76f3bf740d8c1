#include "supervisor/writer/object_store.h"

#include "supervisor/writer/trace_day.h"

namespace nightjar {

Result<std::string> TraceKey(std::string_view canvas, const RunId& run) {
  if (!IsCanvasName(canvas)) return Fail(ErrorCode::kInvalid, "a trace without a canvas");
  NJ_ASSIGN(TraceDay day, TraceDay::Of(run));
  return "week/" + day.Text() + "/" + std::string(canvas) + "/" + run.ToString() + ".njt";
}

Result<std::string> KeptKey(std::string_view canvas, Tlid tlid, unsigned slot) {
  if (!IsCanvasName(canvas)) return Fail(ErrorCode::kInvalid, "a trace without a canvas");
  return "kept/" + std::string(canvas) + "/" + std::to_string(tlid) + "/" + std::to_string(slot) +
         ".njt";
}

Result<std::string> EvidenceKey(std::string_view canvas, const RunId& run) {
  if (!IsCanvasName(canvas)) return Fail(ErrorCode::kInvalid, "a trace without a canvas");
  return "evidence/" + std::string(canvas) + "/" + run.ToString() + ".njt";
}

}  // namespace nightjar
