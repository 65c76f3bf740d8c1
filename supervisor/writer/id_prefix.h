// The first characters of a run's id, as an operator types them, and the ids that they begin.
//
// Pure. What is found by them is found in an index's order, as ids sort alike as bytes and as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "supervisor/writer/trace_day.h"

namespace nightjar {

inline constexpr size_t kShortestIdPrefix = 6;  // as `nightjar` has it

// nullopt: fewer than kShortestIdPrefix characters, or not the beginning of an id's text. Of six
// characters the ids are of 4.7 hours.
std::optional<RunRange> RangeOfPrefix(std::string_view prefix);

// A statement for canvas and run_id of ids between ?1 and ?2 in a table that is sorted by (canvas,
// run_id), at most ?3: it goes from canvas to canvas and looks at nothing between. `where` is a
// condition on the table's rows that its index has too.
std::string EachCanvasSql(const std::string& table, const std::string& where = "true");

}  // namespace nightjar
