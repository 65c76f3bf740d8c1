// A command's id, which may be cut, as a whole one: the supervisor is asked only for a cut one.
#pragma once

#include <string>

#include "supervisor/cli/session.h"

namespace nightjar::cli {

// "/canvases/C/traces"
std::string TracesPath(const std::string& canvas);
// Of one of them.
std::string TracePath(const std::string& canvas, const std::string& id);

// Of a trace of the command's canvas. What went wrong has been told.
ExitCode CompleteTrace(Session& session, std::string* id);
ExitCode CompleteHold(Session& session, std::string* id);
ExitCode CompleteIncident(Session& session, std::string* id);

}  // namespace nightjar::cli
