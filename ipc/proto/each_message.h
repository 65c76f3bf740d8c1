// Walks a message by reflection. Pure; any thread.
#pragma once

#include <google/protobuf/message.h>

#include <vector>

namespace nightjar {

// Calls visit(message) for the message itself and then for every message inside it, however deep.
template <typename F>
void EachMessage(const google::protobuf::Message& message, const F& visit) {
  visit(message);
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      EachMessage(reflection->GetMessage(message, field), visit);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i)
      EachMessage(reflection->GetRepeatedMessage(message, field, i), visit);
  }
}

}  // namespace nightjar
