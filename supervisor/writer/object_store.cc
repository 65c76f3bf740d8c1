#include "supervisor/writer/object_store.h"

#include <ctime>

#include "ipc/core/ids.h"

namespace nightjar {

Result<std::string> TraceKey(std::string_view canvas, std::string_view run_id,
                             int64_t received_unix_us) {
  if (!IsCanvasName(canvas) || !RunId::Parse(run_id))
    return Fail(ErrorCode::kInvalid, "a trace without a canvas or an id");
  time_t seconds = received_unix_us / 1'000'000;
  tm day{};
  char text[16];
  if (gmtime_r(&seconds, &day) == nullptr || strftime(text, sizeof text, "%Y-%m-%d", &day) != 10)
    return Fail(ErrorCode::kInvalid, "a trace of an impossible day");
  return "week/" + std::string(text) + "/" + std::string(canvas) + "/" + std::string(run_id) +
         ".njt";
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
