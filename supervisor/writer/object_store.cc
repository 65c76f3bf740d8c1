#include "supervisor/writer/object_store.h"

#include "supervisor/writer/trace_day.h"

namespace nightjar {
namespace {

constexpr std::string_view kPack = "pack-";

}  // namespace

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

std::string PatchKey(std::string_view base_key, const RunId& patch) {
  return std::string(base_key.substr(0, base_key.rfind('.'))) + "+" + patch.ToString() + ".njt";
}

std::string PackKey(std::string_view beside, const RunId& id) {
  return std::string(beside.substr(0, beside.rfind('/') + 1)) + std::string(kPack) + id.ToString() +
         ".njt";
}

bool IsPackKey(std::string_view key) {
  return key.starts_with("week/") && key.substr(key.rfind('/') + 1).starts_with(kPack);
}

std::optional<TraceKeyOwner> TraceKeyParts(std::string_view key) {
  constexpr std::string_view kWeek = "week/", kEnd = ".njt";
  if (!key.starts_with(kWeek) || !key.ends_with(kEnd)) return std::nullopt;
  key.remove_prefix(kWeek.size());
  key.remove_suffix(kEnd.size());
  size_t day = key.find('/'), canvas = key.rfind('/');
  if (day == key.npos || canvas == day) return std::nullopt;
  auto run = RunId::Parse(key.substr(canvas + 1));
  if (!run) return std::nullopt;
  return TraceKeyOwner{std::string(key.substr(day + 1, canvas - day - 1)), *run};
}

}  // namespace nightjar
