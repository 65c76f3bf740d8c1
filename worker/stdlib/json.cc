#include "worker/lang/json_reader.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// What each version makes of text that is no JSON.
enum class Wrong { kNull, kError, kResult };

template <Wrong kWrong>
Dval Read(const Call& call) {
  Dval value;
  std::string error;
  bool read = ReadJson(call.arena, call[0].view(), JsonComments::kSkipped, &value, &error);
  if (read) return kWrong == Wrong::kResult ? MakeWrapped(call.arena, Tag::kOk, value) : value;
  if (kWrong == Wrong::kNull) return Dval::Null();
  return kWrong == Wrong::kError ? call.Error(error) : call.ErrorResult(error);
}

}  // namespace

void AddJson(Tables& tables) {
  Module m(tables, "JSON");
  m.Add("read", 0, {{"json", kStr}}, kAny, Read<Wrong::kNull>).Deprecated("JSON.read_v1");
  m.Add("read", 1, {{"json", kStr}}, kAny, Read<Wrong::kError>).Deprecated("JSON.parse_v0");
  m.Add("parse", 0, {{"json", kStr}}, kAny, Read<Wrong::kError>).Deprecated("JSON.parse_v1");
  m.Add("parse", 1, {{"json", kStr}}, kResult, Read<Wrong::kResult>);
}

}  // namespace nightjar::lang
