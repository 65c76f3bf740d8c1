#include "supervisor/controls/control_book.h"

#include <algorithm>

#include "ipc/proto/handler_kind.h"
#include "policies/limit_table.h"
#include "policies/tighten.h"

namespace nightjar {
namespace {

bool Concerns(const proto::Control& control, const proto::HandlerEntry& handler) {
  return (control.handler().empty() || control.handler() == handler.name()) &&
         (control.handler_kind().empty() || control.handler_kind() == HandlerKindOf(handler));
}

}  // namespace

std::string_view HandlerKindOf(const proto::HandlerEntry& handler) {
  return handler.engine() == proto::ENGINE_EXEC ? "exec" : HandlerKindWord(handler.kind());
}

std::string ControlText(const proto::Control& control) {
  return "control " + std::to_string(control.id()) + " by " + control.by() + ": " +
         control.reason();
}

void ControlBook::Add(proto::Control control) {
  canvas_of_[control.id()] = control.canvas();
  Controls& controls = canvases_[control.canvas()];
  controls[control.id()] = std::move(control);
}

std::optional<proto::Control> ControlBook::Remove(uint64_t id) {
  auto owner = canvas_of_.find(id);
  if (owner == canvas_of_.end()) return std::nullopt;
  auto canvas = canvases_.find(owner->second);
  proto::Control control = std::move(canvas->second.at(id));
  canvas->second.erase(id);
  if (canvas->second.empty()) canvases_.erase(canvas);
  canvas_of_.erase(owner);
  return control;
}

const ControlBook::Controls* ControlBook::Of(std::string_view canvas) const {
  auto at = canvases_.find(canvas);
  return at == canvases_.end() ? nullptr : &at->second;
}

const proto::Control* ControlBook::Find(uint64_t id) const {
  auto owner = canvas_of_.find(id);
  return owner == canvas_of_.end() ? nullptr : &Of(owner->second)->at(id);
}

std::vector<proto::Control> ControlBook::List(const std::string& canvas) const {
  std::vector<proto::Control> list;
  for (const auto& [id, owner] : canvas_of_)
    if (canvas.empty() || canvas == owner) list.push_back(Of(owner)->at(id));
  return list;
}

const proto::Control* ControlBook::Holding(std::string_view canvas,
                                           const proto::HandlerEntry& handler) const {
  const Controls* controls = Of(canvas);
  if (controls == nullptr) return nullptr;
  const proto::Control* pause = nullptr;
  for (const auto& [id, control] : *controls) {
    if (!Concerns(control, handler)) continue;
    if (control.kind() == proto::CONTROL_BLOCK) return &control;
    if (control.kind() == proto::CONTROL_PAUSE && pause == nullptr) pause = &control;
  }
  return pause;
}

const proto::Control* ControlBook::Suspension(std::string_view canvas) const {
  const Controls* controls = Of(canvas);
  if (controls == nullptr) return nullptr;
  for (const auto& [id, control] : *controls)
    if (control.kind() == proto::CONTROL_SUSPEND) return &control;
  return nullptr;
}

void ControlBook::Apply(std::string_view canvas, std::string_view handler,
                        policy::Limits* limits) const {
  const Controls* controls = Of(canvas);
  if (controls == nullptr) return;
  for (const auto& [id, control] : *controls) {
    const bool of_handler = !control.handler().empty();
    policy::Origin origin{ControlText(control), of_handler ? "handler " + control.handler()
                                                           : "canvas " + control.canvas()};
    if (control.kind() == proto::CONTROL_SUSPEND && !limits->suspended.value)
      limits->suspended = {true, origin};
    if (control.kind() != proto::CONTROL_TIGHTEN) continue;
    if (of_handler && control.handler() != handler) continue;
    // What was read once is read again: it is kept as text, and a limit may be gone since.
    const policy::LimitKey* key = policy::FindLimitKey(control.limit());
    if (key == nullptr) continue;
    if (auto value = policy::ReadTighter(*key, control.value(), *limits))
      policy::Tighten(*key, *value, origin, limits);
  }
}

int64_t ControlBook::next_expiry_unix_us() const {
  int64_t next = 0;
  for (const auto& [canvas, controls] : canvases_)
    for (const auto& [id, control] : controls)
      if (control.expires_unix_us() > 0 && (next == 0 || control.expires_unix_us() < next))
        next = control.expires_unix_us();
  return next;
}

std::vector<uint64_t> ControlBook::ExpiredAt(int64_t unix_us) const {
  std::vector<uint64_t> expired;
  for (const auto& [id, canvas] : canvas_of_) {
    int64_t expires = Find(id)->expires_unix_us();
    if (expires > 0 && expires <= unix_us) expired.push_back(id);
  }
  return expired;
}

}  // namespace nightjar
