#include "conformance/test_functions.h"

#include <unicode/regex.h>

#include <cmath>
#include <string>
#include <vector>

#include "worker/lang/unicode.h"

namespace nightjar::conformance {
namespace {

using lang::Call;
using lang::Dval;
using lang::Tag;

Dval Bytes(const Call& call) {
  std::string bytes;
  for (const Dval& item : call[0]) {
    if (!item.Is(Tag::kInt)) return call.ArgumentError(0, "a list of ints");
    bytes += static_cast<char>(item.integer & 0xff);
  }
  return lang::MakeTextual(call.arena, Tag::kBytes, bytes);
}

Dval ToChar(const Call& call) {
  std::string_view text = call[0].view();
  if (text.empty() || lang::GraphemeOffset(text, 1) != text.size()) return Dval::Nothing();
  return lang::MakeWrapped(call.arena, Tag::kJust,
                           lang::ShareString(call.arena, text, Tag::kCharacter));
}

template <Tag kTag>
Dval WithError(const Call& call) {
  return lang::MakeWrapped(call.arena, kTag, call.Error(call[0].view()));
}

icu::UnicodeString Utf16(std::string_view text) {
  return icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
}

Dval RegexReplace(const Call& call) {
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeString subject = Utf16(call[0].view());
  icu::RegexMatcher matcher(Utf16(call[1].view()), subject, 0, status);
  if (U_FAILURE(status)) return call.Error("this is no regular expression");
  std::string replaced;
  matcher.replaceAll(Utf16(call[2].view()), status).toUTF8String(replaced);
  return U_FAILURE(status) ? call.Error("this is no replacement") : call.String(replaced);
}

// A list of [name, value]; a redirect has none.
Dval ResponseHeaders(const Call& call) {
  std::vector<Dval> headers;
  if (!call[0].response->redirect.empty()) return call.List(headers);
  lang::ObjectEach(call[0].response->headers, [&](const lang::Text* name, const Dval& value) {
    Dval pair[] = {lang::ShareString(call.arena, {name->data, name->size}), value};
    headers.push_back(call.List(pair));
    return true;
  });
  return call.List(headers);
}

Dval ResponseBody(const Call& call) {
  const lang::ResponseData& response = *call[0].response;
  return response.redirect.empty() ? response.body : call.String("");
}

}  // namespace

TestState& CurrentTestState() {
  static TestState state;
  return state;
}

void AddTestFunctions(lang::Tables& tables) {
  using lang::kAny;
  using lang::kFloat;
  using lang::kInt;
  using lang::kList;
  using lang::kResponse;
  using lang::kStr;
  lang::Module m(tables, "Test");
  m.Add("typeError", 0, {{"errorString", kStr}}, kAny,
        [](const Call& call) { return call.Error(call[0].view()); });
  m.Add("errorRailValue", 0, {{"arg", kAny}}, kAny,
        [](const Call& call) { return lang::MakeWrapped(call.arena, Tag::kErrorRail, call[0]); });
  m.Add("justWithTypeError", 0, {{"msg", kStr}}, kAny, WithError<Tag::kJust>);
  m.Add("okWithTypeError", 0, {{"msg", kStr}}, kAny, WithError<Tag::kOk>);
  // An Ok in spite of its name: the suite was written against that.
  m.Add("errorWithTypeError", 0, {{"msg", kStr}}, kAny, WithError<Tag::kOk>);
  m.Add("nan", 0, {}, kFloat, [](const Call&) { return Dval::Float(NAN); });
  m.Add("infinity", 0, {}, kFloat, [](const Call&) { return Dval::Float(HUGE_VAL); });
  m.Add("negativeInfinity", 0, {}, kFloat, [](const Call&) { return Dval::Float(-HUGE_VAL); });
  m.Add("toChar", 0, {{"c", kStr}}, lang::kOption, ToChar);
  m.Add("asBytes", 0, {{"list", kList}}, lang::kBytes, Bytes);
  m.Add("intArrayToBytes", 0, {{"bytes", kList}}, lang::kBytes, Bytes);
  m.Add("inspect", 0, {{"var", kAny}, {"msg", kStr}}, kAny,
        [](const Call& call) { return call[0]; });
  m.Add("incrementSideEffectCounter", 0, {{"passThru", kAny}}, kAny, [](const Call& call) {
     ++CurrentTestState().side_effects;
     return call[0];
   }).Impure();
  m.Add("sideEffectCount", 0, {}, kInt, [](const Call&) {
     return Dval::Int(CurrentTestState().side_effects);
   }).Impure();
  m.Add("raiseException", 0, {{"message", kStr}}, kAny,
        [](const Call& call) { return call.Fault(); });
  m.Add("setExpectedExceptionCount", 0, {{"count", kInt}}, lang::kNull, [](const Call& call) {
     CurrentTestState().exceptions_expected = static_cast<uint32_t>(call[0].integer);
     return Dval::Null();
   }).Impure();
  m.Add("regexReplace", 0, {{"subject", kStr}, {"pattern", kStr}, {"replacement", kStr}}, kStr,
        RegexReplace);
  m.Add("httpResponseStatusCode", 0, {{"response", kResponse}}, kInt, [](const Call& call) {
    bool redirect = !call[0].response->redirect.empty();
    return Dval::Int(redirect ? 302 : call[0].response->status);
  });
  m.Add("httpResponseHeaders", 0, {{"response", kResponse}}, kList, ResponseHeaders);
  m.Add("httpResponseBody", 0, {{"response", kResponse}}, kAny, ResponseBody);
}

const lang::Library& TestLibrary() {
  static const lang::Tables* const tables = [] {
    auto* made = new lang::Tables;
    lang::AddAll(*made);
    AddTestFunctions(*made);
    made->Finish();
    return made;
  }();
  return *tables;
}

}  // namespace nightjar::conformance
