#include "supervisor/cli/raw_keys.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

namespace nightjar::cli {
namespace {

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP};

// Of before. A signal's handler needs it; tcsetattr(3) may be called there (POSIX, 2.4.3).
termios g_before;

void RestoreAndEnd(int number) {
  tcsetattr(STDIN_FILENO, TCSANOW, &g_before);
  signal(number, SIG_DFL);
  raise(number);
}

}  // namespace

std::unique_ptr<RawKeys> RawKeys::Create() {
  if (tcgetattr(STDIN_FILENO, &g_before) != 0) return nullptr;
  for (int number : kEnding) signal(number, RestoreAndEnd);
  return std::unique_ptr<RawKeys>(new RawKeys());
}

RawKeys::~RawKeys() {
  for (int number : kEnding) signal(number, SIG_DFL);
  tcsetattr(STDIN_FILENO, TCSANOW, &g_before);
}

std::optional<char> RawKeys::Wait(Nanos time) {
  // Each time: a shell that this was stopped under has set the terminal its own way.
  termios raw = g_before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (poll(&input, 1, static_cast<int>(ms)) <= 0) return std::nullopt;
  char key = 0;
  // At its end there is nobody left to look.
  return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

}  // namespace nightjar::cli
