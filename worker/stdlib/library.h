// The library of classic Dark: every function in every version, each declared once, in the table of
// its module.
//
// Built once, before anything runs; immutable then. Calls, messages and documentation come from the
// same rows.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/lang/builtin.h"

namespace nightjar::lang {

class Tables final : public Library {
 public:
  const Builtin* Find(std::string_view module, std::string_view name,
                      uint32_t version) const override;
  std::span<const Builtin> All() const override { return rows_; }

  // While it is being built. The returned row is good until the next is added.
  Builtin& Add(Builtin row);
  // Once all are in.
  void Finish();

 private:
  std::vector<Builtin> rows_;
  std::unordered_map<std::string, size_t> by_name_;  // "Dict::get_v1"
};

// Fills in the rows of one module.
class Module {
 public:
  Module(Tables& tables, std::string_view name) : tables_(tables), name_(name) {}

  // A row that was just added, to say what is special about it.
  class Row {
   public:
    explicit Row(Tables& tables, Builtin& row) : tables_(tables), row_(row) {}
    Row& Calls() { return Is(Purity::kCalls); }
    Row& Impure() { return Is(Purity::kImpure); }
    Row& TakesPasswords() {
      row_.takes_passwords = true;
      return *this;
    }
    // "Dict.get_v1", or why.
    Row& Deprecated(std::string_view instead) {
      row_.deprecated = instead;
      return *this;
    }
    Row& Fast(IntOperator op) {
      row_.fast = op;
      return *this;
    }
    // The same function as an operator. The last word about a row.
    void Infix(std::string_view op);

   private:
    Row& Is(Purity purity) {
      row_.purity = purity;
      return *this;
    }
    Tables& tables_;
    Builtin& row_;
  };
  Row Add(std::string_view name, uint32_t version, std::initializer_list<Param> params,
          Type returns, Implementation run);

 private:
  Tables& tables_;
  const std::string_view name_;
};

// What was there once, and is only an error now.
Dval RemovedFunction(const Call& call);

// The types of rows.
inline constexpr Type kAny{Kind::kAny, "Any"};
inline constexpr Type kInt{Kind::kInt, "Int"};
inline constexpr Type kFloat{Kind::kFloat, "Float"};
inline constexpr Type kBool{Kind::kBool, "Bool"};
inline constexpr Type kNull{Kind::kNull, "Null"};
inline constexpr Type kStr{Kind::kStr, "Str"};
inline constexpr Type kCharacter{Kind::kCharacter, "Character"};
inline constexpr Type kList{Kind::kList, "List"};
inline constexpr Type kStrings{Kind::kList, "List Str"};
inline constexpr Type kTuple{Kind::kTuple, "Tuple"};
inline constexpr Type kDict{Kind::kDict, "Dict"};
inline constexpr Type kFunction{Kind::kFunction, "Function"};
inline constexpr Type kOption{Kind::kOption, "Option"};
inline constexpr Type kResult{Kind::kResult, "Result"};
inline constexpr Type kResponse{Kind::kResponse, "Response"};
inline constexpr Type kDate{Kind::kDate, "Date"};
inline constexpr Type kPassword{Kind::kPassword, "Password"};
inline constexpr Type kUuid{Kind::kUuid, "UUID"};
inline constexpr Type kBytes{Kind::kBytes, "Bytes"};

// One file each.
void AddBool(Tables& tables);
void AddBytes(Tables& tables);
void AddChar(Tables& tables);
void AddCrypto(Tables& tables);
void AddDate(Tables& tables);
void AddDict(Tables& tables);
void AddEncodings(Tables& tables);  // AWS and Twitter: what they want in a URL
void AddError(Tables& tables);
void AddFloat(Tables& tables);
void AddHttp(Tables& tables);
void AddHttpClient(Tables& tables);  // what needs no network
void AddInt(Tables& tables);
void AddJson(Tables& tables);
void AddJwt(Tables& tables);
void AddList(Tables& tables);
void AddListFunctions(Tables& tables);  // List: what takes functions
void AddMath(Tables& tables);
void AddNoModule(Tables& tables);
void AddObject(Tables& tables);
void AddOption(Tables& tables);
void AddPassword(Tables& tables);
void AddResult(Tables& tables);
void AddString(Tables& tables);
void AddStringParts(Tables& tables);  // String: what takes it apart and puts it together
void AddStringTexts(Tables& tables);  // String: what reads and writes it as something else
void AddTuple(Tables& tables);
void AddUuid(Tables& tables);
void AddX509(Tables& tables);

void AddAll(Tables& tables);
// All of them, made at the first call.
const Library& DarkLibrary();

}  // namespace nightjar::lang
