#include "supervisor/cli/commands.h"
#include "supervisor/cli/query.h"
#include "supervisor/cli/render_lists.h"
#include "supervisor/cli/render_timeline.h"
#include "supervisor/cli/render_why.h"

namespace nightjar::cli {

// The supervisor completes a cut id: it knows runs of every canvas, and older ones than lists show.
ExitCode ShowWhy(Session& session) {
  proto::WhyAnswer answer;
  ExitCode code = session.Ask({.target = "/runs/" + EncodePart(session.line().id)}, &answer);
  if (code != kOk || session.PrintedJson()) return code;
  const Terminal& terminal = session.terminal();
  session.out() << RenderWhy(answer, terminal.columns, terminal.glyphs, session.paint());
  return kOk;
}

ExitCode ShowSimilar(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("n", line.count ? std::to_string(*line.count) : "").With("since", line.since);
  query.With("code_hash", line.code_hash).With("caller", line.caller).With("cause", line.verdict);
  proto::IncidentList list;
  ExitCode code = session.Ask({.target = "/incidents" + query.text()}, &list);
  if (code != kOk || session.PrintedJson()) return code;
  session.out() << RenderSimilar(list, session.paint());
  return kOk;
}

ExitCode ShowTimeline(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("n", line.count ? std::to_string(*line.count) : "");
  query.With("since", line.since).With("until", line.until);
  proto::Timeline timeline;
  ExitCode code = session.Ask(
      {.target = "/canvases/" + EncodePart(line.canvas) + "/timeline" + query.text()}, &timeline);
  if (code != kOk || session.PrintedJson()) return code;
  session.out() << RenderTimeline(timeline, session.paint());
  return kOk;
}

}  // namespace nightjar::cli
