#include <google/protobuf/util/json_util.h>

#include "supervisor/cli/commands.h"
#include "supervisor/cli/neighbour.h"
#include "supervisor/cli/pretty_json.h"
#include "supervisor/cli/render_lists.h"

namespace nightjar::cli {
namespace {

// "Dict.get_v2", as programs write it.
bool Has(const proto::FunctionRow& row, const std::string& word) {
  std::string name = row.module() + "." + row.name() + "_v" + std::to_string(row.version());
  return name.find(word) != std::string::npos;
}

}  // namespace

ExitCode ShowFunctions(Session& session) {
  proto::FunctionList all;
  if (auto json = AskProgram("nightjar-worker", {"--functions"}, &all); !json)
    return session.Complain(kNo, json.error().ToString());
  const std::string& word = session.line().word;
  proto::FunctionList found;
  for (proto::FunctionRow& row : *all.mutable_functions())
    if (Has(row, word)) *found.add_functions() = std::move(row);
  if (found.functions_size() == 0)
    return session.Complain(kNo, "no function has `" + word + "` in its name");
  if (!session.line().json) {
    session.out() << RenderFunctions(found, session.paint());
    return kOk;
  }
  google::protobuf::util::JsonPrintOptions whole;
  whole.always_print_primitive_fields = true;
  whole.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(found, &text, whole).ok())
    return session.Complain(kNo, "the library's table is no JSON");
  session.out() << PrettyJson(text);
  return kOk;
}

}  // namespace nightjar::cli
