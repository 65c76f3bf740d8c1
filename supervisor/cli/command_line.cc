#include "supervisor/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <map>
#include <tuple>

#include "supervisor/cli/exit_code.h"
#include "supervisor/cli/printable.h"

namespace nightjar::cli {
namespace {

constexpr char kFooter[] =
    "--state DIR, --json and --color WHEN go with every command.\n"
    "Ids may be cut to their first characters, six or more, while they stay unique.\n"
    "Exit codes: 0 done, 1 the answer was no, 2 wrong usage, 3 the supervisor cannot be reached.";

std::string FirstWord(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i)
    if (argv[i][0] != '-') return argv[i];
  return "";
}

class Parser {
 public:
  Parser()
      : app_("Nightjar: runs strangers' programs, each request sealed, limited and traced.",
             "nightjar") {
    app_.set_version_flag("--version", "nightjar " NIGHTJAR_VERSION);
    app_.footer(kFooter);
    app_.require_subcommand(1);
    app_.add_option("--state", line_.state, "State directory of the supervisor")
        ->envname("NIGHTJAR_STATE")
        ->capture_default_str();
    json_ = app_.add_flag("--json", line_.json, "Print the supervisor's answer as JSON");
    app_.add_option("--color", line_.colour, "auto, always or never")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, ColourChoice>{{"auto", ColourChoice::kAuto},
                                                {"always", ColourChoice::kAlways},
                                                {"never", ColourChoice::kNever}}))
        ->option_text("WHEN");
    // Listed for its help only: main runs it.
    app_.add_subcommand("serve",
                        "Run the supervisor in the foreground (see `nightjar serve --help`)");
    AddActing();
    AddWatching();
    AddEvidence();
    AddDesk();
  }

  std::variant<CommandLine, int> Parse(int argc, const char* const* argv, std::ostream& out,
                                       std::ostream& err) {
    if (argc < 2) {
      err << app_.help();
      return kUsage;
    }
    try {
      app_.parse(argc, argv);
    } catch (const CLI::RequiredError& error) {
      // Of a word that is no command the library only says that a command is missing.
      std::string typed = app_.get_subcommands().empty() ? FirstWord(argc, argv) : "";
      if (!typed.empty())
        err << "nightjar: there is no command `" << Printable(typed)
            << "`; `nightjar --help` lists them\n";
      else
        app_.exit(error, out, err);
      return kUsage;
    } catch (const CLI::ParseError& error) {
      int code = app_.exit(error, out, err);
      return code == 0 ? kOk : kUsage;
    }
    return line_;
  }

 private:
  CLI::App* Add(const char* name, Command command, const char* what) {
    CLI::App* sub = app_.add_subcommand(name, what);
    sub->fallthrough();  // so that --json and --state may come after the command
    sub->final_callback([this, command] { line_.command = command; });
    return sub;
  }

  CLI::App* WithCanvas(CLI::App* sub) {
    sub->add_option("CANVAS", line_.canvas, "Its name")->required();
    return sub;
  }

  void WithCount(CLI::App* sub, const char* what) {
    sub->add_option("-n", line_.count, what)->check(CLI::Range(1u, 1'000'000u));
  }

  void AddActing() {
    CLI::App* deploy =
        WithCanvas(Add("deploy", Command::kDeploy, "Compile a canvas file and serve it"));
    deploy->add_option("FILE", line_.file, "The canvas file; -: standard input")->required();
    deploy->add_option("BESIDE", line_.files,
                       "Files and folders that the canvas's programs see, read-only");
    CLI::App* run =
        WithCanvas(Add("run", Command::kRun, "Run one handler once and print its answer"));
    run->add_option("HANDLER", line_.handler, "As `deploy` lists it: \"GET /hello\"")->required();
    run->add_option("--input", line_.file,
                    "File with the request's body or event; -: standard input");
    CLI::App* rerun = WithCanvas(
        Add("rerun", Command::kRerun, "Run again what a trace shows; makes a new trace"));
    rerun->add_option("TRACE", line_.id, "The run's id")->required();
    rerun->add_option("--revision", line_.revision, "On this revision, instead of the newest")
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    rerun->add_flag("--live", line_.live,
                    "Call for the time, for random numbers and the like again, instead of "
                    "answering from the trace");
    CLI::App* run_function =
        WithCanvas(Add("run-function", Command::kRunFunction,
                       "Run one function that a trace called; its result is shown with the trace"));
    run_function->add_option("TRACE", line_.id, "The run's id")->required();
    run_function->add_option("FUNCTION", line_.function, "Of the canvas")->required();
    CLI::Option* nth =
        run_function
            ->add_option("--call", line_.call,
                         "With the arguments of the trace's N-th call of it, instead of the first")
            ->check(CLI::PositiveNumber)
            ->option_text("N");
    run_function
        ->add_option("--arguments", line_.arguments, "With these: a JSON list, '[1, \"two\"]'")
        ->option_text("JSON")
        ->excludes(nth);
    run_function
        ->add_option("--revision", line_.revision, "On this revision, instead of the newest")
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    run_function->add_flag("--live", line_.live,
                           "Call for the time, for random numbers and the like again");
    CLI::App* delete_trace = WithReason(
        WithCanvas(Add("delete-trace", Command::kDeleteTrace, "Delete all of a trace, for good")));
    delete_trace->add_option("TRACE", line_.id, "The run's id")->required();
    CLI::App* import = WithCanvas(
        Add("import-traces", Command::kImportTraces, "Take over traces that classic Dark stored"));
    import
        ->add_option("FILE", line_.files,
                     "Each as Dark stored it, decompressed; best under its own name there, "
                     "CANVAS-ID/TLID/TRACE-ID/0")
        ->required();
    import->add_option(
        "--handler", line_.handler,
        "Of this handler: \"GET /x\"; else of the one whose route takes the request");
    CLI::App* from_missed =
        WithCanvas(Add("handler-from-404", Command::kHandlerFromMissed,
                       "Deploy an empty handler for a request that no route took, and run it with "
                       "that request"));
    from_missed->add_option("ROUTE", line_.route, "As `404s` lists it: \"GET /users/7\"")
        ->required();
    from_missed
        ->add_option("--as", line_.as, "The handler's route, where it is another: /users/:id")
        ->option_text("ROUTE");
    CLI::App* kill =
        Add("kill", Command::kKill, "End one run now, or with --all every one that matches");
    CLI::Option* run_id = kill->add_option("RUN", line_.id, "Its id");
    CLI::Option* all = kill->add_flag("--all", line_.all, "Every run in flight that matches");
    all->excludes(run_id);
    kill->add_option("--canvas", line_.canvas, "Of this canvas")->needs(all);
    kill->add_option("--handler", line_.handler, "Of this handler: \"GET /hello\"")->needs(all);
    kill->add_option("--caller", line_.caller, "From this address, whatever the port")->needs(all);
    kill->add_option("--code-hash", line_.code_hash,
                     "Of revisions deployed from a file with this SHA-256")
        ->needs(all);
    kill->add_flag("--dry-run", line_.dry_run, "Only say which these are")->needs(all);
    CLI::Option* why = kill->add_option("--reason", line_.reason, "Why, for who asks later");
    all->needs(why);
    kill->final_callback([this] {
      if (!line_.all && line_.id.empty()) throw CLI::RequiredError("RUN or --all");
      line_.command = line_.all ? Command::kKillAll : Command::kKill;
    });
    AddControls();
  }

  CLI::App* WithReason(CLI::App* sub) {
    sub->add_option("--reason", line_.reason, "Why, for who asks later")->required();
    return sub;
  }

  CLI::App* AddControl(const char* name, Command command, const char* what) {
    CLI::App* sub = WithReason(WithCanvas(Add(name, command, what)));
    sub->add_option("--for", line_.lasts, "For so long: 90s, 15m, 2h, 3d; else until it is lifted")
        ->option_text("DURATION");
    return sub;
  }

  void AddControls() {
    CLI::App* suspend =
        AddControl("suspend", Command::kSuspend, "Let nothing of a canvas in any more");
    const std::string drains = "Runs in flight may finish (the default)";
    CLI::Option* drain = suspend->add_flag("--drain", drains);
    suspend->add_flag("--kill", line_.kill, "Runs in flight are killed")->excludes(drain);
    for (auto [name, command, what] :
         {std::tuple{"pause", Command::kPause, "Let requests wait, up to limit queue_time"},
          std::tuple{"block", Command::kBlock, "Refuse requests"}}) {
      CLI::App* sub = AddControl(name, command, what);
      CLI::Option* handler =
          sub->add_option("--handler", line_.handler, "To this handler: \"GET /hello\"");
      sub->add_option("--kind", line_.kinds,
                      "To all handlers of a kind: http, exec, worker or cron")
          ->excludes(handler);
    }
    CLI::App* tighten =
        AddControl("tighten", Command::kTighten, "Make a limit tighter than policy has it");
    tighten->add_option("LIMIT", line_.limit, "As `limits` lists it")->required();
    tighten->add_option("VALUE", line_.value, "As a policy file would say it")->required();
    tighten->add_option("--handler", line_.handler, "Of this handler: \"GET /hello\"");
    tighten->add_flag("--urgent", line_.urgent, "For runs in flight too; wall, cpu and output");
    CLI::App* controls =
        Add("controls", Command::kControls, "What is suspended, paused, blocked and tightened");
    controls->add_option("CANVAS", line_.canvas, "Of this canvas only");
    CLI::App* lift = WithReason(Add("lift", Command::kLift, "End a control"));
    lift->add_option("ID", line_.id, "Its number, as `controls` lists it")->required();
  }

  void AddWatching() {
    Add("canvases", Command::kCanvases, "Every canvas: revision, load, latency, refused, killed");
    Add("ps", Command::kPs, "Runs in flight");
    CLI::App* top = Add("top", Command::kTop, "Canvases and runs, refreshed every second");
    WithCount(top, "Refresh so many times, then end");
    top->add_option(
           "--sort", line_.sort,
           "cpu, memory, runs, kills, refusals or name; on a screen also by the keys c, m, "
           "r, k, f and n, and q ends it")
        ->check(CLI::IsMember({"cpu", "memory", "runs", "kills", "refusals", "name"}))
        ->option_text("KEY");
    CLI::App* watch = Add("watch", Command::kWatch,
                          "Traces, kills, refusals, missing routes and deploys as they happen");
    watch->add_option("CANVAS", line_.canvas, "Of this canvas only");
    watch->add_option("--kind", line_.kinds,
                      "Of these kinds only: trace, kill, refusal, not_found, deploy, rule");
    WithCount(watch, "End after so many");
    Add("metrics", Command::kMetrics, "The supervisor's own figures, as Prometheus reads them");
    CLI::App* limits =
        WithCanvas(Add("limits", Command::kLimits, "Limits in force and the lines that set them"));
    limits->add_option("--handler", line_.handler, "Of this handler: \"GET /hello\"");
    AddPolicy();
    AddRules();
    Add("doctor", Command::kDoctor,
        "What this host can enforce, what it cannot and what that means");
    CLI::App* functions =
        Add("functions", Command::kFunctions, "The library that canvases can call");
    functions->add_option("WORD", line_.word, "Only those with this in their name");
    CLI::App* format =
        Add("fmt", Command::kFormat, "Print canvas files in their canonical notation");
    format->add_option("FILE", line_.files, "Canvas files; -: standard input")->required();
    CLI::Option* write =
        format->add_flag("--write", line_.write, "Rewrite the files instead, where they change");
    format->add_flag("--check", line_.check, "Only name the files that would change, and exit 1")
        ->excludes(write);
  }

  CLI::App* AddBelow(CLI::App* parent, const char* name, Command command, const char* what) {
    CLI::App* sub = parent->add_subcommand(name, what);
    sub->fallthrough();
    sub->final_callback([this, command] { line_.command = command; });
    return sub;
  }

  void AddPolicy() {
    CLI::App* policy = app_.add_subcommand("policy", "Check, compare and explain policies");
    policy->fallthrough();
    policy->require_subcommand(1);
    CLI::App* check = AddBelow(policy, "check", Command::kCheckPolicy,
                               "Say everything that is wrong with policies, by line and column");
    check->add_option("FILE", line_.files, "Policies: files, or directories of *.toml")->required();
    CLI::App* diff = AddBelow(policy, "diff", Command::kDiffPolicies,
                              "Which limits change for whom, and which way");
    diff->add_option("POLICY", line_.files, "The old one and the new one")
        ->required()
        ->expected(2)
        ->option_text("OLD NEW");
    CLI::App* explain = AddBelow(policy, "explain", Command::kExplainPolicy,
                                 "What every layer says of a canvas's limits, and what holds");
    WithCanvas(explain);
    explain->add_option("LIMIT", line_.limit, "Of this limit only: wall, memory ...");
    explain->add_option("--handler", line_.handler, "Of this handler: \"GET /hello\"");
    explain->add_option("--file", line_.file,
                        "By this policy, file or directory, instead of the supervisor's");
    AddBelow(policy, "schema", Command::kPolicySchema,
             "Print the JSON schema of policy files, for editors");
  }

  void AddRules() {
    CLI::App* rules = app_.add_subcommand("rules", "Abuse rules, and what they hit");
    rules->fallthrough();
    // Called behind those of what stands below.
    rules->final_callback([this, rules] {
      if (rules->get_subcommands().empty()) line_.command = Command::kRules;
    });
    rules->require_subcommand(0, 1);
    CLI::App* hits = AddBelow(rules, "hits", Command::kRuleHits,
                              "Which canvases rules hit, why, and what was done");
    hits->add_option("CANVAS", line_.canvas, "Of this canvas only");
    hits->add_option("--rule", line_.rule, "Of this rule only");
    hits->add_flag("--open", line_.open_only, "Only those that go on");
    WithCount(hits, "So many, instead of 1000");
    AddBelow(rules, "check", Command::kCheckRules,
             "Say everything that is wrong with abuse rules, by line and column")
        ->add_option("FILE", line_.files, "Rules: files, or directories of *.toml")
        ->required();
    CLI::App* test = AddBelow(rules, "test", Command::kTestRules,
                              "Which canvases rules would have hit, by what was counted");
    test->add_option("FILE", line_.file,
                     "These rules, file or directory, instead of those in force");
    test->add_option("--since", line_.since,
                     "From then on: 2026-11-24T17:27 (UTC), or 15m, 2h; 7d unless it is said");
    test->add_option("--until", line_.until, "And until then, instead of now");
  }

  void AddEvidence() {
    CLI::App* traces = WithCanvas(Add("traces", Command::kTraces, "The newest runs of a canvas"));
    traces->add_option("--handler", line_.handler, "Of this handler only: \"GET /hello\"");
    traces->add_option("--verdict", line_.verdict,
                       "With this verdict only: wall_time, finished ...");
    traces->add_option("--function", line_.function,
                       "That called this function of the canvas or of a package, or program");
    traces->add_option("--caller", line_.caller, "From this address");
    traces->add_option(
        "--since", line_.since,
        "Received then or later: 2026-11-24, 2026-11-24T17:27 (UTC), or so long ago: "
        "15m, 2h, 3d");
    traces->add_option("--until", line_.until, "Received before");
    traces
        ->add_option("--field", line_.field,
                     "With this value in the input, of a field that policy's trace_index names")
        ->option_text("NAME=VALUE");
    traces->add_option("--revision", line_.revision, "Of this revision of the canvas");
    traces->add_flag("--all-machines", line_.all_machines,
                     "Of all machines that share an index, not of this one alone");
    WithCount(traces, "So many, instead of 20");
    CLI::App* trace =
        WithCanvas(Add("trace", Command::kTrace, "Everything one run did, as a call tree"));
    trace->add_option("ID", line_.id, "The run's id")->required();
    trace->add_flag("--full", line_.full, "Leave nothing out: whole values, every iteration");
    trace
        ->add_option("--format", line_.format,
                     "Print it for another program instead: otlp (OpenTelemetry's JSON) or chrome "
                     "(trace events, which Perfetto opens)")
        ->transform(CLI::CheckedTransformer(std::map<std::string, TraceFormat>{
            {"otlp", TraceFormat::kOtlp}, {"chrome", TraceFormat::kChrome}}))
        ->option_text("FORMAT")
        ->excludes(json_);
    trace
        ->add_option("--object", line_.object,
                     "Write it into this file as it is stored instead (.njt); -: standard output")
        ->excludes(json_)
        ->excludes("--format");
    trace
        ->add_option("--open-with", line_.open_with,
                     "Open it in this program instead, from a file for as long as that runs; as "
                     "chrome unless --format says otherwise")
        ->option_text("PROGRAM")
        ->excludes(json_)
        ->excludes("--object");
    CLI::App* hold = WithReason(
        WithCanvas(Add("hold", Command::kHold, "Keep a trace as evidence until it is released")));
    hold->add_option("ID", line_.id, "The run's id")->required();
    CLI::App* release = WithReason(
        WithCanvas(Add("release", Command::kRelease, "Let a held trace go when its time is over")));
    release->add_option("ID", line_.id, "The run's id")->required();
    CLI::App* holds = Add("holds", Command::kHolds, "What is held, since when, by whom and why");
    holds->add_option("CANVAS", line_.canvas, "Of this canvas only");
    CLI::App* usage = Add("usage", Command::kUsage, "What canvases have used, by the hour");
    usage->add_option("CANVAS", line_.canvas, "Of this canvas only");
    usage->add_option("--since", line_.since,
                      "In the hours (UTC) from then on, instead of 24 hours ago: 2026-11-24, "
                      "2026-11-24T17:27, 2h, 30d");
    usage->add_option("--until", line_.until, "In the hours before");
    usage
        ->add_option("--by", line_.by,
                     "A row for each hour, day or canvas; hour where one canvas is asked for, "
                     "else canvas")
        ->check(CLI::IsMember({"hour", "day", "canvas"}))
        ->option_text("WHAT");
    CLI::App* missed = WithCanvas(
        Add("404s", Command::kMissed, "Requests that no route of a canvas took, newest first"));
    WithCount(missed, "So many, instead of 20");
    CLI::App* incidents = Add("incidents", Command::kIncidents, "What was killed or refused");
    incidents->add_option("CANVAS", line_.canvas, "Of this canvas only");
    WithCount(incidents, "So many, instead of 20");
    CLI::Option* verify = incidents->add_flag(
        "--verify", line_.verify, "Check that none was changed, removed or inserted since");
    verify->excludes("CANVAS")->excludes("-n");
    incidents
        ->add_option("--head", line_.head,
                     "LINK:HASH of the log's newest incident_chain_head: tells a chain that was "
                     "cut off or written anew")
        ->needs(verify);
    incidents->final_callback(
        [this] { line_.command = line_.verify ? Command::kVerifyIncidents : Command::kIncidents; });
    CLI::App* audit =
        Add("audit", Command::kAudit, "What was done on the control plane, newest first");
    audit->add_option("--since", line_.since, "Then or later: 2026-11-24T17:27 (UTC), or 15m, 2h");
    audit->add_option("--actor", line_.actor, "By this user: root, \"uid 0\"");
    audit->add_option("--action", line_.action, "Of this kind: deploy, kill, suspend ...");
    audit->add_option("--canvas", line_.canvas, "On this canvas");
    WithCount(audit, "So many, instead of 20");
    CLI::Option* check = audit->add_flag("--verify", line_.verify,
                                         "Check that no entry was changed, removed or inserted");
    audit->add_option("--head", line_.head, "NUMBER:HASH that was noted elsewhere")->needs(check);
    audit->final_callback(
        [this] { line_.command = line_.verify ? Command::kVerifyAudit : Command::kAudit; });
    CLI::App* incident =
        Add("incident", Command::kIncident, "One kill or refusal with its evidence");
    incident->add_option("ID", line_.id, "The run's id")->required();
    incident->add_flag("--full", line_.full, "Leave nothing out: whole values");
  }

  void AddDesk() {
    CLI::App* why = Add("why", Command::kWhy, "What became of a run, and why, on one page");
    why->add_option("RUN", line_.id, "Its id, whatever its canvas")->required();
    CLI::App* similar = Add("similar", Command::kSimilar,
                            "Incidents of the same code, caller or cause, of all canvases");
    CLI::Option_group* by = similar->add_option_group("By", "One of these");
    by->add_option("--code-hash", line_.code_hash, "SHA-256 of the canvas file, as `why` shows it")
        ->option_text("HASH");
    by->add_option("--caller", line_.caller, "The caller's address")->option_text("ADDRESS");
    by->add_option("--cause", line_.verdict, "The verdict: wall_time, memory, refused ...")
        ->option_text("VERDICT");
    by->require_option(1);
    similar->add_option("--since", line_.since, "Received then or later: 2026-11-24, 2h, 3d");
    WithCount(similar, "So many, instead of 20");
    CLI::App* evidence = Add("evidence", Command::kEvidence,
                             "Seal all that is known of an incident in a file, and hold its trace");
    evidence->add_option("INCIDENT", line_.id, "The run's id")->required();
    evidence
        ->add_option(
            "--out", line_.out,
            "The archive, which must not be there yet: a tar whose MANIFEST `sha256sum -c` "
            "verifies")
        ->required()
        ->option_text("FILE");
    CLI::App* canvas = WithCanvas(Add("canvas", Command::kCanvas, "What happened to a canvas"));
    canvas
        ->add_flag("--timeline", line_.timeline,
                   "Deploys, incidents, refusals, missing routes, holds, what operators did and "
                   "usage by the hour, oldest first")
        ->required();
    canvas->add_option("--since", line_.since,
                       "From then on, instead of 24 hours ago: 2026-11-24, 2026-11-24T17:27, 2h, "
                       "30d");
    canvas->add_option("--until", line_.until, "Before");
    WithCount(canvas, "The newest so many, instead of 200");
  }

  CLI::App app_;
  CLI::Option* json_ = nullptr;
  CommandLine line_;
};

}  // namespace

std::variant<CommandLine, int> ParseCommandLine(int argc, const char* const* argv,
                                                std::ostream& out, std::ostream& err) {
  return Parser().Parse(argc, argv, out, err);
}

}  // namespace nightjar::cli
