#include "supervisor/canvas/revision.h"

namespace nightjar {

const proto::HandlerEntry* Revision::Handler(Tlid tlid) const {
  for (const proto::HandlerEntry& entry : manifest.handlers())
    if (entry.tlid() == tlid) return &entry;
  return nullptr;
}

const proto::HandlerEntry* Revision::HandlerNamed(const std::string& name) const {
  for (const proto::HandlerEntry& entry : manifest.handlers())
    if (entry.name() == name) return &entry;
  return nullptr;
}

}  // namespace nightjar
