#include "supervisor/app/options.h"

#include <CLI/CLI.hpp>

#include "supervisor/app/identity.h"

namespace nightjar {

Options ParseOptions(int argc, char** argv) {
  Options options;
  CLI::App app("Nightjar's supervisor: serves canvases, each request in a sealed, limited worker.",
               "nightjard");
  app.add_option("--state", options.state, "Directory for everything that is kept")
      ->envname("NIGHTJAR_STATE")
      ->capture_default_str();
  app.add_option("--listen", options.listen,
                 "Address and port for canvases (port 0: a free one), or \"systemd\": the socket "
                 "that the service manager passed. Without it, that socket if there is one, else " +
                     std::string(kDefaultListen));
  app.add_option(
         "--policy", options.policy,
         "Policy (TOML): a file, or a directory of *.toml; without it the built-in limits hold")
      ->check(CLI::ExistingPath);
  app.add_option("--rules", options.rules,
                 "Abuse rules (TOML): a file, or a directory of *.toml; without it those that come "
                 "with the program hold, which keep evidence and nothing more")
      ->check(CLI::ExistingPath);
  app.add_option("--store", options.store,
                 "Store file (TOML): traces go to an S3-compatible store; without it they stay in "
                 "the state directory")
      ->check(CLI::ExistingFile);
  app.add_option("--index", options.index,
                 "Index file (TOML): machines list each other's traces, in a PostgreSQL")
      ->check(CLI::ExistingFile);
  app.add_option("--without", options.without,
                 "Serve although this host cannot enforce NAME (a check of `nightjar doctor`); may "
                 "be repeated");
  auto whole_path = [](const std::string& path) {
    return path.starts_with('/') ? "" : "a whole path is wanted, not " + path;
  };
  auto* exec_paths = app.add_option(
      "--exec-paths", options.exec_paths,
      "Files and directories of this host that programs of exec handlers see, read-only");
  exec_paths->delimiter(',')->check(whole_path)->capture_default_str();
  app.add_option("--exec-root", options.exec_root,
                 "Directory with the root that programs of exec handlers see, read-only, in place "
                 "of paths of this host")
      ->check(whole_path)
      ->excludes(exec_paths);
  app.add_option("--cgroup", options.cgroup, "Name of the top control group")
      ->capture_default_str();
  app.add_option("--uid-base", options.uid_base,
                 "First of the user ids reserved for Nightjar (" +
                     std::to_string(Identity::kDefaultBase) + "), where root starts it")
      ->check(CLI::Range(Identity::kLowestBase, Identity::kHighestBase));
  app.add_option("--drain", options.drain_s, "Seconds that runs in flight may go on after SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0u, 3600u));
  app.add_flag("--doctor", options.doctor, "Print what this host can enforce, as JSON, and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    exit(code == 0 ? 0 : 2);
  }
  return options;
}

}  // namespace nightjar
