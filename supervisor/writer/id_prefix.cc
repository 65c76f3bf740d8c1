#include "supervisor/writer/id_prefix.h"

#include "ipc/core/ids.h"

namespace nightjar {

std::optional<RunRange> RangeOfPrefix(std::string_view prefix) {
  constexpr std::string_view kFirst = "00000000-0000-0000-0000-000000000000";
  constexpr std::string_view kLast = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  if (prefix.size() < kShortestIdPrefix || prefix.size() > kFirst.size()) return std::nullopt;
  auto first = RunId::Parse(std::string(prefix) + std::string(kFirst.substr(prefix.size())));
  auto last = RunId::Parse(std::string(prefix) + std::string(kLast.substr(prefix.size())));
  if (!first || !last) return std::nullopt;
  return RunRange{std::string(first->bytes()), std::string(last->bytes())};
}

std::string EachCanvasSql(const std::string& table, const std::string& where) {
  auto next = [&](const std::string& beyond) {
    return "(SELECT canvas FROM " + table + " WHERE " + where + beyond +
           " ORDER BY canvas LIMIT 1)";
  };
  return "WITH RECURSIVE each(canvas) AS (SELECT " + next("") + " UNION ALL SELECT " +
         next(" AND canvas > each.canvas") +
         " FROM each WHERE each.canvas IS NOT NULL) SELECT t.canvas, t.run_id FROM each CROSS "
         "JOIN " +
         table + " AS t ON t.canvas = each.canvas WHERE " + where +
         " AND t.run_id BETWEEN ?1 AND ?2 LIMIT ?3";
}

}  // namespace nightjar
