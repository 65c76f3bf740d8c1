// nightjar-worker: the zygote's program. Started by the launcher as root, with its control socket
// as a descriptor. Two questions are answered by hand: which functions the library has, for
// `nightjar functions`, and what a canvas file's canonical notation is, for `nightjar fmt`.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string_view>

#include "worker/lang/format_text.h"
#include "worker/stdlib/function_list.h"
#include "worker/zygote.h"

namespace nightjar {
namespace {

template <typename T>
bool ParseNumber(const char* text, T& value) {
  const char* end = text + strlen(text);
  auto [stop, failed] = std::from_chars(text, end, value);
  return failed == std::errc() && stop == end;
}

// --zygote --control-fd N --uid N [--exec PATH... | --exec-root DIRECTORY]
bool ParseOptions(int argc, char** argv, ZygoteOptions& options) {
  bool sound = argc >= 6 && std::string_view(argv[1]) == "--zygote" &&
               std::string_view(argv[2]) == "--control-fd" &&
               ParseNumber(argv[3], options.control_fd) && std::string_view(argv[4]) == "--uid" &&
               ParseNumber(argv[5], options.uid);
  if (!sound || argc == 6) return sound;
  std::string_view kind = argv[6];
  options.exec = true;
  options.profile = "program";
  if (kind == "--exec") options.root.paths.assign(argv + 7, argv + argc);
  if (kind == "--exec-root" && argc == 8) options.root.directory = argv[7];
  return kind == "--exec" || !options.root.directory.empty();
}

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  using namespace nightjar;
  ZygoteOptions options;
  if (argc == 2 && std::string_view(argv[1]) == "--functions") {
    std::string list = lang::FunctionsAsJson();
    return fwrite(list.data(), 1, list.size(), stdout) == list.size() ? 0 : 1;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--format")
    return lang::FormatStream(std::cin, std::cout) ? 0 : 1;
  if (!ParseOptions(argc, argv, options)) {
    fprintf(stderr, "nightjar-worker is started by nightjard: see `nightjar serve`\n");
    return 2;
  }
  return LiveAsZygote("nightjar-zygote", options,
                      options.exec ? &CreateExecEngine : &CreateDarkEngine);
}
