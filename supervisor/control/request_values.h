// What requests on the control plane say in words: numbers, verdicts, reasons. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/proto/control.pb.h"

namespace nightjar {

// A whole decimal number above 0.
std::optional<uint64_t> PositiveNumber(std::string_view text);

// "wall_time" or "VERDICT_WALL_TIME"; UNSPECIFIED, of "", means any.
std::optional<proto::Verdict> VerdictNamed(std::string name);

bool IsText(const std::string& text, size_t bytes_max);

// Why the text is no reason; empty: it is one.
std::string WrongReason(const std::string& reason);

}  // namespace nightjar
