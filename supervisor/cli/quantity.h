// Numbers for people: "2.004 s", "63.9 MiB", "2024-11-24 11:40:03.123Z". Pure. For exact text in
// policy units see policies/units.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/proto/verdict.pb.h"

namespace nightjar::cli {

std::string TimeText(uint64_t micros);   // "412 us", "12.3 ms", "2.004 s"
std::string NanosText(uint64_t nanos);   // "87 ns", then as above
std::string BytesText(uint64_t bytes);   // "612 B", "63.9 MiB"
std::string ClockText(int64_t unix_us);  // UTC, milliseconds; "-" for 0
std::string CountText(uint64_t count, std::string_view one,
                      std::string_view many);  // "1 handler", "3 handlers"

// "wall_time", as headers, logs and --verdict say it.
std::string VerdictText(proto::Verdict verdict);
// Ended by a limit, a person or a fault instead of an answer.
bool WasKilled(proto::Verdict verdict);

}  // namespace nightjar::cli
