#include "supervisor/writer/imported_trace.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/writer/open_trace.h"
#include "supervisor/writer/sealing.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {

Result<SealedRun> SealImported(proto::ImportTrace import, const Fd& file) {
  auto run = RunId::FromBytes(import.began().run_id());
  if (!run || !IsCanvasName(import.began().canvas()))
    return Fail(ErrorCode::kInvalid, "an import that says not of what run");
  NJ_ASSIGN(std::string events, ReadForeignMemfd(file, bounds::kTraceContainerBytes));
  OpenTraces shared;
  OpenTrace trace(*run, std::move(*import.mutable_began()), shared);
  Status sound;
  uint64_t seq = 0;
  bool whole = SplitEvents(events, [&](std::string_view event) {
    auto head = ReadEventHead(event);
    bool starts = head && head->starts == *run;
    if (!sound) return;
    if (!head || event.size() > bounds::kTraceEventBytes || starts != (seq == 0) ||
        head->seq <= seq)
      sound = Fail(ErrorCode::kProtocol, "the events of an import are no run's");
    else
      sound = trace.Append(event, *head);
    if (sound) seq = head->seq;
  });
  NJ_TRY(sound);
  if (!whole || seq == 0)
    return Fail(ErrorCode::kProtocol, "the events of an import are not whole");
  return SealRun(trace, std::move(*import.mutable_ended()), {});
}

}  // namespace nightjar
