#include "supervisor/run/redaction.h"

#include "ipc/redact/rules.h"

namespace nightjar {

proto::Redaction RedactionOf(const policy::Limits& limits, const std::string& host_key,
                             const std::string& canvas) {
  proto::Redaction redaction;
  for (const std::string& name : limits.trace_drop.value) redaction.add_drop(name);
  for (const std::string& name : limits.trace_hash.value) redaction.add_hash(name);
  if (redaction.hash_size() > 0) redaction.set_key(CanvasRedactionKey(host_key, canvas));
  return redaction;
}

}  // namespace nightjar
