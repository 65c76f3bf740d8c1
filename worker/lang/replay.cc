#include "worker/lang/replay.h"

#include "worker/lang/unicode.h"
#include "worker/lang/value_reader.h"

namespace nightjar::lang {

Result<Replay> Replay::Parse(std::string_view bytes) {
  Replay replay;
  if (!replay.message_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Fail(ErrorCode::kProtocol, "not a replay");
  return replay;
}

Dval Replay::Variable(Arena& arena, std::string_view name) const {
  for (const proto::Header& variable : message_.variables())
    if (variable.name() == name) return NormalString(arena, variable.value());
  return Dval::Null();
}

std::optional<Dval> Replay::Answer(Arena& arena, std::string_view fn) {
  auto place = next_.find(fn);
  if (place == next_.end()) place = next_.emplace(fn, 0).first;
  int& at = place->second;
  while (at < message_.calls_size() && message_.calls(at).fn() != fn) ++at;
  std::optional<Dval> result;
  if (at < message_.calls_size()) result = ReadValue(arena, message_.calls(at).result());
  at = result ? at + 1 : message_.calls_size();
  ++(result ? answered_ : live_);
  return result;
}

}  // namespace nightjar::lang
