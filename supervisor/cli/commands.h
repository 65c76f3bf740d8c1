// Every command of `nightjar`, one function each; a family of them is one source file.
//
// Each writes its answer to the session's output and returns how the program ends.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "supervisor/cli/exit_code.h"
#include "supervisor/cli/session.h"

namespace nightjar::cli {

// commands_acting.cc: what changes something
ExitCode Deploy(Session& session);
ExitCode RunHandler(Session& session);
ExitCode KillRun(Session& session);
ExitCode Rerun(Session& session);
ExitCode RunFunction(Session& session);
ExitCode DeleteTrace(Session& session);
ExitCode HandlerFromMissed(Session& session);

// commands_import.cc
ExitCode ImportTraces(Session& session);
// commands_controls.cc: what holds a canvas back, and who did what
ExitCode Suspend(Session& session);
ExitCode Pause(Session& session);
ExitCode Block(Session& session);
ExitCode TightenLimit(Session& session);
ExitCode ShowControls(Session& session);
ExitCode LiftControl(Session& session);
ExitCode KillAll(Session& session);
ExitCode ShowAudit(Session& session);

// commands_watching.cc: what goes on now
ExitCode ShowCanvases(Session& session);
ExitCode ShowRuns(Session& session);
ExitCode ShowTop(Session& session);
ExitCode ShowMetrics(Session& session);
// Events as they happen; goes on when the supervisor was away.
ExitCode Watch(Session& session);

// commands_evidence.cc: what went on
ExitCode ShowTraces(Session& session);
ExitCode ShowTrace(Session& session);
ExitCode HoldTrace(Session& session);
ExitCode ReleaseTrace(Session& session);
ExitCode ShowHolds(Session& session);
ExitCode ShowMissed(Session& session);
ExitCode ShowUsage(Session& session);
ExitCode ShowIncidents(Session& session);
ExitCode ShowIncident(Session& session);
// kNo: something was changed, removed or inserted.
ExitCode VerifyIncidents(Session& session);
ExitCode VerifyAudit(Session& session);

// commands_desk.cc: what an operator asks who investigates
ExitCode ShowWhy(Session& session);
ExitCode ShowSimilar(Session& session);
ExitCode ShowTimeline(Session& session);
// commands_seal.cc
ExitCode SealEvidence(Session& session);

// commands_host.cc: what holds here
ExitCode ShowLimits(Session& session);
ExitCode ShowDoctor(Session& session);
// What canvases can call; asks no supervisor.
ExitCode ShowFunctions(Session& session);
// commands_policy.cc: policies and abuse rules; only ExplainPolicy asks a supervisor, unless it is
// given a file
ExitCode CheckPolicy(Session& session);
ExitCode CheckRules(Session& session);
ExitCode DiffPolicies(Session& session);
ExitCode ExplainPolicy(Session& session);
ExitCode ShowPolicySchema(Session& session);
// commands_rules.cc: the supervisor's rules and their hits.
ExitCode ShowRules(Session& session);
ExitCode ShowRuleHits(Session& session);
ExitCode TestRules(Session& session);
// commands_format.cc: canvas files in their canonical notation; asks no supervisor.
ExitCode Format(Session& session);
// Becomes nightjard, with these arguments. Returns only when it cannot.
ExitCode Serve(std::vector<std::string> arguments, std::ostream& err);

// Runs the one that the session's command line names.
ExitCode Dispatch(Session& session);

}  // namespace nightjar::cli
