// Whether an answer is the one that a file of the suite expects.
//
// Status, every header and the body have to be the same; JSON may be laid out differently.
// Left out of it is what speaks of the installation and not of the canvas: Date, Server, HSTS, the
// id of the execution. Of what the HTTP server refuses by itself, before there is a canvas, only
// status and Connection are compared: the reason it gives is its own. Pure.
#pragma once

#include <string>

#include "conformance/http_file.h"

namespace nightjar::conformance {

bool SameResponse(const RawResponse& actual, const RawResponse& expected);

// As a failure shows it.
std::string TextOf(const RawResponse& response);

}  // namespace nightjar::conformance
