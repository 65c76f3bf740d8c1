#include "conformance/needs.h"

#include <google/protobuf/message.h>

#include "conformance/package_name.h"

namespace nightjar::conformance {
namespace {

// Where a function lives that is not in the library; "" for nowhere.
std::string Outside(const proto::FnCall& call) {
  const std::string& module = call.module();
  if (module == "DB") return "datastore";
  if (module == "HttpClient" || module == "HttpBaseClient" || module == "Twilio")
    return "http client";
  if (module == "StaticAssets") return "static assets";
  if (module == "DarkInternal") return "admin functions";
  if (module.empty() && call.name() == "emit") return "queue";
  if (module != "Test") return "";
  if (call.name() == "getQueue") return "queue";
  if (call.name() == "sqlError") return "datastore";
  for (const char* admin :
       {"getCanvasID", "getCanvasName", "getUserID", "createCanvas", "deleteUser"})
    if (call.name() == admin) return "admin functions";
  return "";
}

void Visit(const proto::FnCall& call, const lang::Library& library, Uses* uses) {
  std::string versioned = call.name() + "_v" + std::to_string(call.version());
  if (call.module().empty()) {
    uses->functions.insert(call.name());
    uses->functions.insert(versioned);
  } else {
    uses->functions.insert(PackageName(call.module(), versioned));
  }
  if (uses->outside.empty() && library.Find(call.module(), call.name(), call.version()) == nullptr)
    uses->outside = Outside(call);
}

}  // namespace

void AddUses(const google::protobuf::Message& message, const lang::Library& library, Uses* uses) {
  if (const auto* call = dynamic_cast<const proto::FnCall*>(&message)) Visit(*call, library, uses);
  // A variable may name a function: `x |> f`.
  if (const auto* expr = dynamic_cast<const proto::Expr*>(&message); expr && expr->has_variable())
    uses->functions.insert(expr->variable());
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      AddUses(reflection->GetMessage(message, field), library, uses);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i)
      AddUses(reflection->GetRepeatedMessage(message, field, i), library, uses);
  }
}

}  // namespace nightjar::conformance
