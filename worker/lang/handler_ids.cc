#include "worker/lang/handler_ids.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <xxhash.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace nightjar::lang {
namespace {

// Ids of expressions and patterns come from where they stand in the file.
void ForgetPlaces(google::protobuf::Message& message) {
  const auto& reflection = *message.GetReflection();
  if (const auto* id = message.GetDescriptor()->FindFieldByName("id"))
    reflection.ClearField(&message, id);
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      ForgetPlaces(*reflection.MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      ForgetPlaces(*reflection.MutableRepeatedMessage(&message, field, i));
  }
}

// Of what it does, whatever it is called and wherever it stands. Never 0.
uint64_t CodeHash(proto::HandlerDef handler) {
  handler.clear_tlid();
  handler.clear_name();
  ForgetPlaces(handler);
  const std::string code = handler.SerializeAsString();
  return XXH64(code.data(), code.size(), 0) | 1;
}

using Named = std::pair<proto::HandlerKind, std::string>;
Named NameOf(const proto::HandlerEntry& entry) {
  return {entry.kind(), entry.name()};
}

// Of one code: whose it was, and whose it is.
struct Renaming {
  std::vector<const proto::HandlerEntry*> gone;
  std::vector<int> added;
};

}  // namespace

uint64_t IdOf(const std::string& kind_and_name, uint64_t seed) {
  // Within 63 bits, so that every store's signed integers hold it.
  return XXH64(kind_and_name.data(), kind_and_name.size(), seed) >> 1;
}

void KeepHandlerIds(const HandlerEntries& earlier, proto::Program& program,
                    proto::Manifest& manifest) {
  std::map<Named, const proto::HandlerEntry*> gone;
  for (const proto::HandlerEntry& entry : earlier) gone.emplace(NameOf(entry), &entry);
  std::set<uint64_t> taken;
  auto give = [&](int handler, uint64_t tlid) {
    manifest.mutable_handlers(handler)->set_tlid(tlid);
    program.mutable_handlers(handler)->set_tlid(tlid);
    taken.insert(tlid);
  };
  std::vector<int> added;
  for (int i = 0; i < manifest.handlers_size(); ++i) {
    manifest.mutable_handlers(i)->set_code_hash(CodeHash(program.handlers(i)));
    auto before = gone.find(NameOf(manifest.handlers(i)));
    if (before == gone.end()) {
      added.push_back(i);
      continue;
    }
    give(i, before->second->tlid());
    gone.erase(before);
  }
  std::map<std::pair<proto::HandlerKind, uint64_t>, Renaming> codes;
  for (const auto& [name, entry] : gone)
    codes[{entry->kind(), entry->code_hash()}].gone.push_back(entry);
  for (int i : added) {
    const proto::HandlerEntry& entry = manifest.handlers(i);
    codes[{entry.kind(), entry.code_hash()}].added.push_back(i);
  }
  std::vector<int> fresh;
  for (const auto& [code, renaming] : codes) {
    if (renaming.gone.size() == 1 && renaming.added.size() == 1)
      give(renaming.added[0], renaming.gone[0]->tlid());
    else
      fresh.insert(fresh.end(), renaming.added.begin(), renaming.added.end());
  }
  // Its name's own id may be with a handler that had that name once.
  for (int i : fresh) {
    const proto::HandlerEntry& entry = manifest.handlers(i);
    uint64_t tlid = entry.tlid();
    for (uint64_t seed = 1; taken.contains(tlid); ++seed) tlid = IdOf(entry.name(), seed);
    give(i, tlid);
  }
}

}  // namespace nightjar::lang
