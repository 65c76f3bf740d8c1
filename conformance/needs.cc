#include "conformance/needs.h"

#include "ipc/proto/each_message.h"
#include "worker/lang/package_name.h"

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
    uses->functions.insert(lang::PackageName(call.module(), versioned));
  }
  if (uses->outside.empty() && library.Find(call.module(), call.name(), call.version()) == nullptr)
    uses->outside = Outside(call);
}

}  // namespace

void AddUses(const google::protobuf::Message& message, const lang::Library& library, Uses* uses) {
  EachMessage(message, [&](const google::protobuf::Message& inner) {
    if (const auto* call = dynamic_cast<const proto::FnCall*>(&inner)) Visit(*call, library, uses);
    // A variable may name a function: `x |> f`.
    if (const auto* expr = dynamic_cast<const proto::Expr*>(&inner); expr && expr->has_variable())
      uses->functions.insert(expr->variable());
  });
}

}  // namespace nightjar::conformance
