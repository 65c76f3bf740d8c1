// Files that a command reads, and what is said about what is in them.
//
// Commands use it; it knows no command.
#pragma once

#include <google/protobuf/repeated_field.h>

#include <optional>
#include <string>

#include "ipc/proto/worker.pb.h"
#include "supervisor/cli/session.h"

namespace nightjar::cli {

inline constexpr char kStandardInput[] = "-";

// A whole file or standard input; at most `bytes_max`. What is wrong is printed.
std::optional<std::string> ReadInput(Session& session, const std::string& file, size_t bytes_max);

// As messages call it.
std::string ShownName(const std::string& file);

// Prints them to standard error, and returns how many are errors.
size_t PrintDiagnostics(Session& session,
                        const google::protobuf::RepeatedPtrField<proto::Diagnostic>& diagnostics,
                        const std::string& shown);

}  // namespace nightjar::cli
