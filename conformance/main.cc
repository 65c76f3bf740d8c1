// nightjar-conformance: runs classic Dark's conformance suite against this engine and this server.
//
// It needs no supervisor, no root and no network. Exit codes: 0 all passed or were skipped, 1 some
// failed, 2 wrong usage.
#include <CLI/CLI.hpp>
#include <iostream>

#include "conformance/suite.h"

int main(int argc, char** argv) {
  using namespace nightjar;
  conformance::SuiteOptions options;
  CLI::App app("Runs files of classic Dark's conformance suite.", "nightjar-conformance");
  app.add_option("--dark-suite", options.suite, "The suite's folder")
      ->envname("NIGHTJAR_DARK_SUITE")
      ->check(CLI::ExistingDirectory);
  app.add_option("--only", options.only, "Only cases whose file, line, name or text holds TEXT")
      ->option_text("TEXT");
  app.add_flag("--list", options.list, "Say which cases there are, and run none");
  app.add_option("PATH", options.paths,
                 "Files or folders, here or in the suite; without one, the whole suite");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.suite.empty() && options.paths.empty()) {
    std::cerr << "nightjar-conformance: name files, or the suite's folder with --dark-suite or "
                 "NIGHTJAR_DARK_SUITE\n";
    return 2;
  }
  auto counts = conformance::RunSuite(options, std::cout);
  if (!counts) {
    std::cerr << "nightjar-conformance: " << counts.error().ToString() << "\n";
    return 2;
  }
  return counts->failed == 0 ? 0 : 1;
}
