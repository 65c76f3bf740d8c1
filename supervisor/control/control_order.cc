#include "supervisor/control/control_order.h"

#include <algorithm>
#include <iterator>

#include "policies/tighten.h"
#include "policies/urgent.h"
#include "supervisor/control/request_values.h"
#include "supervisor/controls/control_book.h"

namespace nightjar {
namespace {

constexpr uint64_t kControlSecondsMax = 366 * 24 * 3600;

}  // namespace

std::string WrongOrder(const proto::ControlOrder& order, const Revision& revision,
                       const policy::Limits& in_force) {
  const bool narrow = !order.handler().empty() || !order.handler_kind().empty();
  if (order.kind() == proto::CONTROL_UNSPECIFIED || !proto::ControlKind_IsValid(order.kind()))
    return "kind is CONTROL_SUSPEND, CONTROL_PAUSE, CONTROL_BLOCK or CONTROL_TIGHTEN";
  if (std::string wrong = WrongReason(order.reason()); !wrong.empty()) return wrong;
  if (order.for_s() > kControlSecondsMax) return "a control ends after a year at most";
  if (order.kind() == proto::CONTROL_SUSPEND && narrow)
    return "a canvas is suspended as a whole; pause or block a handler";
  if (order.kind() != proto::CONTROL_SUSPEND && order.kill())
    return "kill is for CONTROL_SUSPEND; DELETE /runs ends what matches otherwise";
  if (!order.handler().empty() && !order.handler_kind().empty())
    return "a handler or a kind of handlers, not both";
  if (!order.handler().empty() && revision.HandlerNamed(order.handler()) == nullptr)
    return "canvas " + revision.canvas + " has no handler named `" + order.handler() + "`";
  if (!order.handler_kind().empty() &&
      std::ranges::find(kHandlerKinds, order.handler_kind()) == std::end(kHandlerKinds))
    return "the kinds of handlers are http, exec, worker and cron, not `" + order.handler_kind() +
           "`";
  if (order.kind() != proto::CONTROL_TIGHTEN)
    return order.limit().empty() && order.value().empty() && !order.urgent()
               ? ""
               : "limit, value and urgent are for CONTROL_TIGHTEN";
  if (!order.handler_kind().empty()) return "a limit is tightened for a handler or a canvas";
  const policy::LimitKey* key = policy::FindLimitKey(order.limit());
  if (key == nullptr) return "there is no limit `" + order.limit() + "`";
  if (!order.handler().empty() && key->scope == policy::LimitScope::kCanvas)
    return "`" + order.limit() + "` is a limit of a whole canvas; a handler cannot have its own";
  const auto urgent = policy::UrgentNames();
  if (order.urgent() && std::count(urgent.begin(), urgent.end(), order.limit()) == 0)
    return "of runs in flight only `wall`, `cpu` and `output` can be tightened; kill them, or "
           "leave urgent";
  auto value = policy::ReadTighter(*key, order.value(), in_force);
  return value ? "" : value.error();
}

const char* ControlAction(proto::ControlKind kind) {
  switch (kind) {
    case proto::CONTROL_SUSPEND:
      return "suspend";
    case proto::CONTROL_PAUSE:
      return "pause";
    case proto::CONTROL_BLOCK:
      return "block";
    case proto::CONTROL_TIGHTEN:
      return "tighten";
    default:
      return "control";
  }
}

}  // namespace nightjar
