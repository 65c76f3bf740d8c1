#include <time.h>

#include <memory>
#include <optional>
#include <utility>

#include "supervisor/cli/commands.h"
#include "supervisor/cli/raw_keys.h"
#include "supervisor/cli/render_event.h"
#include "supervisor/cli/render_lists.h"
#include "supervisor/cli/render_top.h"

namespace nightjar::cli {
namespace {

constexpr char kClearScreen[] = "\x1b[H\x1b[2J";

void WaitASecond() {
  timespec second{1, 0};
  nanosleep(&second, nullptr);
}

// A second, in which keys change what is shown of the same sample. False: it is to end.
bool WaitForNextTop(Session& session, RawKeys* keys, const TopSample* earlier, const TopSample& now,
                    TopView* view) {
  if (keys == nullptr) {
    WaitASecond();
    return true;
  }
  const MonoTime next = now.at + std::chrono::seconds(1);
  for (;;) {
    const Nanos left = next - SystemClock().Mono();
    if (left <= Nanos(0)) return true;
    auto key = keys->Wait(left + std::chrono::milliseconds(1));
    if (!key) return true;
    if (*key == 'q') return false;
    auto sort = TopSortOfKey(*key);
    if (!sort) continue;
    view->sort = *sort;
    session.out() << kClearScreen << RenderTop(earlier, now, *view, session.paint()) << std::flush;
  }
}

}  // namespace

ExitCode ShowCanvases(Session& session) {
  proto::CanvasList list;
  if (ExitCode code = session.Ask({.target = "/canvases"}, &list); code != kOk) return code;
  if (!session.PrintedJson()) session.out() << RenderCanvases(list, session.paint());
  return kOk;
}

ExitCode ShowRuns(Session& session) {
  proto::RunList list;
  if (ExitCode code = session.Ask({.target = "/runs"}, &list); code != kOk) return code;
  if (!session.PrintedJson()) session.out() << RenderRuns(list, session.paint());
  return kOk;
}

ExitCode ShowTop(Session& session) {
  bool screen = session.terminal().out_is_terminal && !session.line().json;
  TopView view;
  if (screen) view.rows = session.terminal().rows;
  view.sort = TopSortNamed(session.line().sort).value_or(TopSort::kCpu);
  std::unique_ptr<RawKeys> keys = screen ? RawKeys::Create() : nullptr;
  view.keys = keys != nullptr;
  // Endless on a screen, once elsewhere.
  uint32_t rounds = session.line().count.value_or(screen ? 0 : 1);
  std::optional<TopSample> earlier;
  for (uint32_t round = 0;; ++round) {
    TopSample now;
    if (ExitCode code = session.Ask({.target = "/runs"}, &now.runs); code != kOk) return code;
    if (ExitCode code = session.Ask({.target = "/canvases"}, &now.canvases); code != kOk)
      return code;
    now.at = SystemClock().Mono();
    if (!session.PrintedJson())
      session.out() << (screen ? kClearScreen : "")
                    << RenderTop(earlier ? &*earlier : nullptr, now, view, session.paint());
    session.out() << std::flush;
    if (rounds != 0 && round + 1 == rounds) return kOk;
    if (!WaitForNextTop(session, keys.get(), earlier ? &*earlier : nullptr, now, &view)) return kOk;
    earlier = std::move(now);
  }
}

ExitCode Watch(Session& session) {
  const CommandLine& line = session.line();
  std::string target = "/events?canvas=" + EncodePart(line.canvas) + "&kind=" + line.kinds;
  uint64_t left = line.count.value_or(0);  // 0: without end
  bool away = false;
  auto show = [&](const ServerEvent& come) {
    away = false;
    proto::FeedEvent event;
    if (line.json)
      session.out() << come.data << "\n";
    else if (Session::ReadJson(come.data, &event))
      session.out() << RenderEvent(event, session.paint());
    session.out() << std::flush;
    return session.out().good() && (left == 0 || --left > 0);
  };
  EventText text;
  for (;;) {
    ExitCode code = session.Follow(target, &text, show);
    if (code != kUnreachable) return code;
    if (!text.begun()) return session.Complain(code, session.last_error());
    if (!std::exchange(away, true))
      session.Complain(code, "the supervisor is away; waiting for it");
    WaitASecond();
  }
}

// As it came: its readers are programs.
ExitCode ShowMetrics(Session& session) {
  if (ExitCode code = session.Ask({.target = "/metrics"}, nullptr); code != kOk) return code;
  session.out() << session.last_body();
  return kOk;
}

}  // namespace nightjar::cli
