// What the soak's worker does, chosen by a seed and a number: the worker and the suite read the
// same list, so that the suite knows what each run was, and what may become of it.
//
// Pure. A deed of a run is chosen by the run's request, one of a start or of a compiler by how many
// there were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace nightjar::soak {

struct Deed {
  std::string_view name;
  std::string_view verdicts;  // one of them, with spaces between
};

// Instead of a run, in a worker that serves no other.
inline constexpr Deed kRunDeeds[] = {
    // well
    {"answers", "finished"},
    {"answers_with_a_memfd", "finished"},
    {"answers_late", "finished"},
    {"answers_with_unknown_fields", "finished"},
    // too much of it
    {"answers_twice", "finished"},
    {"answers_for_ever", "finished"},
    {"answers_and_scribbles_on", "finished protocol"},
    {"forges_the_head", "finished"},
    {"sends_many_headers", "finished"},
    {"claims_a_larger_body", "finished"},
    {"sends_more_descriptors", "finished"},
    {"tells_a_long_error", "program_error"},
    // packets that are none
    {"garbage", "protocol"},
    {"random_bytes", "protocol"},
    {"truncated_message", "protocol"},
    {"huge_length", "protocol"},
    {"deep_nesting", "protocol"},
    {"packet_beyond_a_frame", "protocol"},
    {"empty_packet", "wall_time"},
    {"hangs_up", "wall_time"},
    {"hangs_up_and_exits", "worker_exited"},
    // messages that make no sense
    {"wrong_run_id", "protocol"},
    {"no_run_id", "protocol"},
    {"impossible_status", "protocol"},
    {"says_it_is_armed", "protocol"},
    {"says_it_is_sealed", "protocol"},
    {"says_it_compiled", "protocol"},
    {"floods_the_socket", "protocol"},
    {"lies_about_a_limit", "call_depth"},
    {"names_a_limit_that_there_is_not", "protocol"},
    {"names_a_limit_not_reached", "protocol"},
    {"names_a_small_depth", "call_depth"},  // its stack may be used up
    {"lies_about_a_death", "crashed"},
    {"names_a_signal_that_there_is_not", "protocol"},
    // descriptors
    {"listener_that_is_none", "protocol"},
    {"body_that_is_not_there", "protocol"},
    {"body_that_can_change", "protocol"},
    {"body_that_can_shrink", "protocol"},
    {"body_that_is_its_own_socket", "protocol"},
    {"body_beyond_the_limit", "output"},
    {"too_many_descriptors", "protocol"},
    // the ring
    {"no_events", "finished"},
    {"scribbles_everywhere", "finished protocol"},
    {"scribbles_while_it_is_drained", "finished protocol"},
    {"head_backwards", "finished protocol"},
    {"head_forwards", "finished protocol"},
    {"head_misaligned", "finished protocol"},
    {"head_that_dances", "finished protocol"},
    {"takes_the_readers_place", "finished protocol"},
    {"floods_events", "finished protocol"},
    {"events_of_another_run", "finished protocol"},
    {"records_that_are_no_events", "finished protocol"},
    {"dies_with_a_forged_stack", "crashed protocol"},
    // the process
    {"exits", "worker_exited"},
    {"exits_as_by_its_backstop", "wall_time"},
    {"crashes", "crashed"},
    {"aborts", "crashed"},
    {"runs_illegal_code", "crashed"},
    {"overflows_its_stack", "crashed memory"},
    {"unmaps_itself", "crashed"},
    {"signals_itself", "finished"},
    {"spins", "cpu_time wall_time"},
    {"sleeps", "wall_time"},
    {"allocates", "memory"},
    {"forks", "denied_syscall"},
    {"opens_a_socket", "denied_syscall"},
    {"makes_code", "denied_syscall"},
};

// After a run was answered well, in a worker that serves several: some run after it pays for it.
inline constexpr Deed kLateDeeds[] = {
    {"nothing", ""},
    {"nothing", ""},
    {"answers_again", ""},
    {"garbage", ""},
    {"says_it_is_sealed", ""},
    {"floods_the_socket", ""},
    {"scribbles", ""},
    {"exits", ""},
    {"exits_a_little_later", ""},
    {"crashes", ""},
    {"hangs_up", ""},
    {"does_not_listen", ""},
    {"forks", ""},
};
inline constexpr std::string_view kLateVerdicts =
    "finished protocol wall_time worker_exited crashed denied_syscall start_failed refused";

// On the way to being armed, or while it waits for a run.
inline constexpr Deed kStartDeeds[] = {
    {"nothing", ""},
    {"nothing", ""},
    {"nothing", ""},
    {"garbage_first", ""},
    {"armed_without_sealed", ""},
    {"sealed_twice", ""},
    {"exits_at_once", ""},
    {"exits_when_sealed", ""},
    {"a_wall_does_not_stand", ""},
    {"cannot_be_armed", ""},
    {"listener_that_is_none", ""},
    {"empty_packet_and_exits", ""},
    {"floods_before_it_is_armed", ""},
    {"floods_while_it_waits", ""},
    {"garbage_while_it_waits", ""},
    {"answers_no_run", ""},
    {"scribbles_while_it_waits", ""},
    {"exits_while_it_waits", ""},
    {"crashes_while_it_waits", ""},
    {"forks_while_it_waits", ""},
};
inline constexpr std::string_view kStartVerdicts =
    "finished protocol wall_time worker_exited crashed denied_syscall start_failed refused";

// Instead of compiling a canvas file.
inline constexpr Deed kCompileDeeds[] = {
    {"compiles", ""},
    {"compiles", ""},
    {"compiles_twice", ""},
    {"garbage", ""},
    {"random_bytes", ""},
    {"hangs_up_and_exits", ""},
    {"exits", ""},
    {"crashes", ""},
    {"forks", ""},
    {"says_it_is_armed", ""},
    {"floods_the_socket", ""},
    {"lies_about_a_limit", ""},
    {"neither_program_nor_reason", ""},
    {"program_that_is_not_there", ""},
    {"program_that_can_change", ""},
    {"program_beyond_the_limit", ""},
    {"program_of_zeros", ""},
    {"empty_program", ""},
    {"too_many_handlers", ""},
    {"more_than_can_be_saved", ""},
    {"handlers_of_nonsense", ""},
    {"many_diagnostics", ""},
};

// A number that looks random and is not.
inline uint64_t Mix(uint64_t seed, uint64_t number) {
  uint64_t mixed = seed * 0x9e3779b97f4a7c15 + number + 1;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

template <size_t N>
const Deed& Choose(const Deed (&deeds)[N], uint64_t seed, uint64_t number) {
  return deeds[Mix(seed, number) % N];
}

// Canvases of the soak: how each one's workers behave is in its name, and so is the seed where no
// request brings one.
inline constexpr std::string_view kBad = "bad";         // a deed for each run
inline constexpr std::string_view kLate = "late";       // a deed after each run
inline constexpr std::string_view kUnborn = "unborn-";  // and the seed: a deed for each worker
inline constexpr std::string_view kUnmade = "unmade-";  // and the seed: a deed for each deploy
// Every other canvas is served as nightjar-worker would.

// "/deed/SEED/NUMBER": the target of each request to them.
inline std::string TargetOf(uint64_t seed, uint64_t number) {
  return "/deed/" + std::to_string(seed) + "/" + std::to_string(number);
}

}  // namespace nightjar::soak
