// Walks a message by reflection. Pure; any thread.
#pragma once

#include <google/protobuf/message.h>

#include <vector>

namespace nightjar {

// The message in that field; `index` is for repeated ones.
inline const google::protobuf::Message& Inner(const google::protobuf::Message& message,
                                              const google::protobuf::Reflection& reflection,
                                              const google::protobuf::FieldDescriptor* field,
                                              int index) {
  return field->is_repeated() ? reflection.GetRepeatedMessage(message, field, index)
                              : reflection.GetMessage(message, field);
}
inline google::protobuf::Message& Inner(google::protobuf::Message& message,
                                        const google::protobuf::Reflection& reflection,
                                        const google::protobuf::FieldDescriptor* field, int index) {
  return field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, index)
                              : *reflection.MutableMessage(&message, field);
}

// Calls visit(message) for the message itself and then for every message inside it, however deep.
// `Message` is google::protobuf::Message, const or not, as `visit` wants it.
template <typename Message, typename F>
void EachMessage(Message& message, const F& visit) {
  visit(message);
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) EachMessage(Inner(message, *reflection, field, i), visit);
  }
}

}  // namespace nightjar
