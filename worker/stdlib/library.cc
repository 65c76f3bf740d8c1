#include "worker/stdlib/library.h"

#include "ipc/core/check.h"

namespace nightjar::lang {
namespace {

// "Dict::get_v1", "Int::add", "+": versions start at 0, which goes without saying.
std::string FullName(std::string_view module, std::string_view name, uint32_t version) {
  std::string full(module);
  if (!module.empty()) full += "::";
  full += name;
  if (version > 0) full += "_v" + std::to_string(version);
  return full;
}

}  // namespace

Builtin& Tables::Add(Builtin row) {
  row.full_name = FullName(row.module, row.name, row.version);
  return rows_.emplace_back(std::move(row));
}

void Tables::Finish() {
  for (size_t i = 0; i < rows_.size(); ++i) CHECK(by_name_.emplace(rows_[i].full_name, i).second);
}

const Builtin* Tables::Find(std::string_view module, std::string_view name,
                            uint32_t version) const {
  auto found = by_name_.find(FullName(module, name, version));
  return found == by_name_.end() ? nullptr : &rows_[found->second];
}

Module::Row Module::Add(std::string_view name, uint32_t version,
                        std::initializer_list<Param> params, Type returns, Implementation run) {
  Builtin row;
  row.module = name_;
  row.name = name;
  row.version = version;
  row.params = params;
  row.returns = returns;
  row.run = run;
  return Row(tables_, tables_.Add(std::move(row)));
}

void Module::Row::Infix(std::string_view op) {
  Builtin alias = row_;
  alias.module = "";
  alias.name = op;
  alias.version = 0;
  tables_.Add(std::move(alias));
}

Dval RemovedFunction(const Call& call) {
  return call.Error(FullName(call.builtin.module, call.builtin.name, 0) + " was removed from Dark");
}

void AddAll(Tables& tables) {
  AddBool(tables);
  AddBytes(tables);
  AddChar(tables);
  AddCrypto(tables);
  AddDate(tables);
  AddDict(tables);
  AddEncodings(tables);
  AddError(tables);
  AddFloat(tables);
  AddHttp(tables);
  AddHttpClient(tables);
  AddInt(tables);
  AddJson(tables);
  AddJwt(tables);
  AddList(tables);
  AddListFunctions(tables);
  AddMath(tables);
  AddNoModule(tables);
  AddObject(tables);
  AddOption(tables);
  AddPassword(tables);
  AddResult(tables);
  AddString(tables);
  AddStringParts(tables);
  AddStringTexts(tables);
  AddTuple(tables);
  AddUuid(tables);
  AddX509(tables);
}

const Library& DarkLibrary() {
  static const Tables* const tables = [] {
    auto* made = new Tables;
    AddAll(*made);
    made->Finish();
    return made;
  }();
  return *tables;
}

}  // namespace nightjar::lang
