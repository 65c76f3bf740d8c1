#include "supervisor/run/new_order.h"

#include <utility>

namespace nightjar {

RunOrder NewOrder(const Clock& clock, const policy::Policy& policy,
                  const std::string& redaction_key, RevisionPtr revision,
                  const proto::HandlerEntry& handler) {
  RunOrder order;
  order.received_wall = clock.Wall();
  order.received = clock.Mono();
  order.id = RunId::New(order.received_wall);
  order.handler = handler;
  order.limits = policy.For(revision->canvas, handler.name());
  order.redaction_key = redaction_key;
  order.revision = std::move(revision);
  return order;
}

}  // namespace nightjar
