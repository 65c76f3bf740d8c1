#include "ipc/core/check.h"
#include "supervisor/cli/commands.h"

namespace nightjar::cli {

ExitCode Dispatch(Session& session) {
  switch (session.line().command) {
    case Command::kDeploy:
      return Deploy(session);
    case Command::kCanvases:
      return ShowCanvases(session);
    case Command::kRun:
      return RunHandler(session);
    case Command::kPs:
      return ShowRuns(session);
    case Command::kTop:
      return ShowTop(session);
    case Command::kMetrics:
      return ShowMetrics(session);
    case Command::kWatch:
      return Watch(session);
    case Command::kRerun:
      return Rerun(session);
    case Command::kRunFunction:
      return RunFunction(session);
    case Command::kDeleteTrace:
      return DeleteTrace(session);
    case Command::kImportTraces:
      return ImportTraces(session);
    case Command::kKill:
      return KillRun(session);
    case Command::kKillAll:
      return KillAll(session);
    case Command::kSuspend:
      return Suspend(session);
    case Command::kPause:
      return Pause(session);
    case Command::kBlock:
      return Block(session);
    case Command::kTighten:
      return TightenLimit(session);
    case Command::kControls:
      return ShowControls(session);
    case Command::kLift:
      return LiftControl(session);
    case Command::kAudit:
      return ShowAudit(session);
    case Command::kVerifyAudit:
      return VerifyAudit(session);
    case Command::kTraces:
      return ShowTraces(session);
    case Command::kTrace:
      return ShowTrace(session);
    case Command::kHold:
      return HoldTrace(session);
    case Command::kRelease:
      return ReleaseTrace(session);
    case Command::kHolds:
      return ShowHolds(session);
    case Command::kMissed:
      return ShowMissed(session);
    case Command::kHandlerFromMissed:
      return HandlerFromMissed(session);
    case Command::kIncidents:
      return ShowIncidents(session);
    case Command::kVerifyIncidents:
      return VerifyIncidents(session);
    case Command::kIncident:
      return ShowIncident(session);
    case Command::kWhy:
      return ShowWhy(session);
    case Command::kEvidence:
      return SealEvidence(session);
    case Command::kCanvas:
      return ShowTimeline(session);
    case Command::kSimilar:
      return ShowSimilar(session);
    case Command::kUsage:
      return ShowUsage(session);
    case Command::kLimits:
      return ShowLimits(session);
    case Command::kCheckPolicy:
      return CheckPolicy(session);
    case Command::kRules:
      return ShowRules(session);
    case Command::kRuleHits:
      return ShowRuleHits(session);
    case Command::kCheckRules:
      return CheckRules(session);
    case Command::kDiffPolicies:
      return DiffPolicies(session);
    case Command::kExplainPolicy:
      return ExplainPolicy(session);
    case Command::kPolicySchema:
      return ShowPolicySchema(session);
    case Command::kDoctor:
      return ShowDoctor(session);
    case Command::kFunctions:
      return ShowFunctions(session);
    case Command::kFormat:
      return Format(session);
  }
  CHECK(!"every command is dispatched");
  return kUsage;
}

}  // namespace nightjar::cli
