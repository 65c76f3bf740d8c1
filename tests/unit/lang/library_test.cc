// The library's tables, and that no function of it falls over a value.
#include "worker/stdlib/library.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/unit/lang/engine_rig.h"

namespace nightjar::lang {
namespace {

using nightjar::testing::EngineRig;
using ::testing::HasSubstr;

TEST(LibraryTest, FindsEveryFunctionByItsNameAndVersion) {
  const Library& library = DarkLibrary();
  EXPECT_GT(library.All().size(), 250u);
  std::set<std::string> names;
  for (const Builtin& row : library.All()) {
    EXPECT_TRUE(names.insert(row.full_name).second) << row.full_name;
    EXPECT_EQ(library.Find(row.module, row.name, row.version), &row) << row.full_name;
    EXPECT_NE(row.run, nullptr) << row.full_name;
  }
  EXPECT_EQ(library.Find("List", "map", 7), nullptr);
  EXPECT_EQ(library.Find("", "map", 0), nullptr);
}

TEST(LibraryTest, NamesItsVersionsAsClassicDarkDoes) {
  EXPECT_EQ(DarkLibrary().Find("Dict", "get", 2)->full_name, "Dict::get_v2");
  EXPECT_EQ(DarkLibrary().Find("Int", "add", 0)->full_name, "Int::add");
  EXPECT_EQ(DarkLibrary().Find("", "++", 0)->full_name, "++");
}

TEST(LibraryTest, SaysOfEveryFunctionThatTakesFunctionsThatItCallsThem) {
  for (const Builtin& row : DarkLibrary().All()) {
    bool takes = false;
    for (const Param& param : row.params) takes |= param.type.kind == Kind::kFunction;
    bool removed = row.run == RemovedFunction;
    EXPECT_EQ(takes && !removed, row.purity == Purity::kCalls) << row.full_name;
  }
}

// What a canvas can write of each type: usual things and extremes.
std::vector<std::string> Samples(Kind kind) {
  switch (kind) {
    case Kind::kInt:
      return {"-9223372036854775808", "-1", "0", "2", "9223372036854775807"};
    case Kind::kFloat:
      return {"-1.5", "0.0", "1e308", "(0.0 / 0.0)"};
    case Kind::kBool:
      return {"true"};
    case Kind::kStr:
      return {"\"\"", "\"a\"", "\"e\u0301 \U0001F9DF\u200D\u2642\uFE0F, 1.5\"", "\"%[]{}\""};
    case Kind::kCharacter:
      return {"'x'", "'\u00e9'"};
    case Kind::kList:
      return {"[]", "[3; 1; 2]", "[\"a\"; null; [1; 2]]", "[(1 + \"error\")]"};
    case Kind::kTuple:
      return {"(1, \"b\")", "(1, 2, 3)", "(1, 2, 3, 4)"};
    case Kind::kDict:
      return {"{}", "{ a = 1; b = \"x\" }"};
    case Kind::kFunction:
      return {"(fun a -> a)", "(fun a b -> a)", "(fun a -> Just a)", "(fun a b -> true)",
              "(fun a -> blank)"};
    case Kind::kOption:
      return {"Nothing", "(Just 1)"};
    case Kind::kResult:
      return {"(Ok 1)", "(Error \"x\")"};
    case Kind::kBytes:
      return {"(String.toBytes_v0 \"\u00e9\")"};
    case Kind::kDate:
      return {"(Date.parse_v0 \"1969-07-28T22:42:36.123Z\")",
              "(Date.parse_v0 \"9999-12-31T23:59:59Z\")"};
    case Kind::kPassword:
      return {"(Password.hash_v0 \"x\")"};
    case Kind::kUuid:
      return {"(Uuid.generate_v0)"};
    case Kind::kResponse:
      return {"(Http.redirectTo_v0 \"/\")", "(Http.response_v0 1 200)"};
    case Kind::kAny:
      return {"null", "1", "\"s\"", "(fun a -> a)", "[1.5]"};
    default:
      return {};
  }
}

// Every choice of one sample for each parameter.
void EachChoice(const Builtin& row, size_t index, const std::string& call,
                const std::function<void(const std::string&)>& visit) {
  if (index == row.params.size()) return visit(call);
  for (const std::string& sample : Samples(row.params[index].type.kind))
    EachChoice(row, index + 1, call + " " + sample, visit);
}

TEST(LibraryTest, AnswersEveryValueOfItsParametersTypes) {
  EngineRig rig;
  rig.limits.set_trace_bytes_max(0);
  std::string canvas;
  size_t calls = 0;
  for (const Builtin& row : DarkLibrary().All()) {
    std::string name = "(" + std::string(row.name) + ")";
    if (std::isalpha(row.name[0]))
      name = (row.module.empty() ? "" : std::string(row.module) + ".") + std::string(row.name) +
             "_v" + std::to_string(row.version);
    std::vector<std::string> expressions;
    EachChoice(row, 0, name, [&](const std::string& call) { expressions.push_back(call); });
    canvas = "[http-handler GET /]\n[";
    for (const std::string& expression : expressions) canvas += " " + expression + ";\n";
    rig.Load(canvas + "]\n");
    ASSERT_TRUE(rig.diagnostics.empty()) << row.full_name;
    RunOutcome outcome = rig.Run("GET /");
    // Some of the extremes need more memory than there is.
    EXPECT_TRUE(outcome.status == 200 || outcome.error.find("memory") != std::string::npos)
        << row.full_name << ": " << outcome.error;
    if (outcome.status != 200) {
      for (const std::string& expression : expressions)
        EXPECT_FALSE(rig.Eval(expression).empty()) << expression;
    }
    calls += expressions.size();
  }
  EXPECT_GT(calls, 1500u);
}

class LibraryCaseTest : public ::testing::Test {
 protected:
  std::string Eval(const std::string& expression) { return rig_.Eval(expression); }
  std::string ErrorOf(const std::string& expression) { return rig_.ErrorOf(expression); }
  // As toString prints it, without JSON's quotes and escapes.
  bool True(const std::string& expression) { return Eval(expression) == "true"; }

  EngineRig rig_;
};

TEST_F(LibraryCaseTest, Lists) {
  EXPECT_TRUE(True("List.sort_v0 [3; 1; 2] == [1; 2; 3]"));
  EXPECT_TRUE(
      True("List.sortBy_v0 [\"ccc\"; \"a\"; \"bb\"] (fun s -> String.length_v1 s) == "
           "[\"a\"; \"bb\"; \"ccc\"]"));
  EXPECT_TRUE(
      True("List.sortByComparator_v0 [1; 3; 2] (fun a b -> if a > b then -1 else 1) == "
           "Ok [3; 2; 1]"));
  EXPECT_TRUE(
      True("List.sortByComparator_v0 [1; 2] (fun a b -> 7) == Error \"Expected `fn` to "
           "return -1, 0, 1, but it returned `7`\""));
  EXPECT_TRUE(True("List.uniqueBy_v0 [5; 3; 5; 1] (fun x -> x) == [1; 3; 5]"));
  EXPECT_TRUE(True("List.interleave_v0 [1; 2; 3] [9] == [1; 9; 2; 3]"));
  EXPECT_TRUE(True("List.partition_v0 [1; 2; 3] (fun x -> x > 1) == ([2; 3], [1])"));
  EXPECT_TRUE(True("List.take_v0 [1; 2; 3] 9 == [1; 2; 3]"));
  EXPECT_TRUE(True("List.drop_v0 [1; 2; 3] 2 == [3]"));
  EXPECT_TRUE(True("List.zip_v0 [1; 2] [\"a\"; \"b\"] == Just [[1; \"a\"]; [2; \"b\"]]"));
  EXPECT_TRUE(True("List.unzip_v0 [[1; 2]; [3; 4]] == [[1; 3]; [2; 4]]"));
  EXPECT_TRUE(True("List.indexedMap_v0 [\"a\"; \"b\"] (fun i x -> i) == [0; 1]"));
  EXPECT_TRUE(True("List.findFirst_v0 [1] (fun x -> x > 1) == null"));
  EXPECT_EQ(ErrorOf("List.filter_v2 [1] (fun x -> \"yes\")"),
            "Expected `fn` to return a Bool, but it returned `\"yes\"`");
  EXPECT_EQ(ErrorOf("List.filterMap_v0 [1] (fun x -> x)"),
            "Expected `fn` to return a Option, but it returned `1`");
  EXPECT_EQ(ErrorOf("List.repeat_v0 3000000000 1"),
            "Expected the argument `times` to be less than 2147483647, but it was `3000000000`");
  // The first item of each key is left, in the order of the items.
  EXPECT_TRUE(True("List.uniqueBy_v0 [9; 4; 8; 3] (fun x -> x % 2) == [4; 9]"));
}

// Versions differ in what they make of functions that go wrong.
TEST_F(LibraryCaseTest, ListsWhoseFunctionsGoWrong) {
  constexpr char kWrong[] = "(fun x -> if x > 1 then Int.divide_v0 x 0 else true)";
  auto with = [&](const std::string& function) { return function + " [1; 2] " + kWrong; };
  EXPECT_EQ(ErrorOf(with("List.filter_v0")),
            "Expected `fn` to return a Bool, but it returned `<error: Division by zero>`");
  EXPECT_EQ(ErrorOf(with("List.filter_v1")),
            "Expected `fn` to return a Bool, but it returned `<error: Division by zero>`");
  EXPECT_EQ(ErrorOf(with("List.filter_v2")), "Division by zero");
  EXPECT_EQ(ErrorOf(with("List.all_v0")), "Expected `fn` to return a Bool, but it returned `2`");
  EXPECT_TRUE(True("List.filter_v0 [1; 2] (fun x -> if x > 1 then blank else true) == [1]"));
  EXPECT_TRUE(True("List.all_v0 [1; 2] (fun x -> if x > 1 then blank else true) == false"));
  EXPECT_TRUE(True("List.findFirst_v2 [2; 1] " + std::string(kWrong) + " == Just 1"));
  EXPECT_TRUE(True("List.length_v0 (List.foreach_v0 [1; 2] " + std::string(kWrong) + ") == 2"));
  EXPECT_EQ(ErrorOf(with("List.map_v0")), "Division by zero");
  EXPECT_EQ(ErrorOf("Option.andThen_v0 (Just 1) (fun x -> Int.divide_v0 x 0)"),
            "Expected `fn` to return a Option, but it returned `<error: Division by zero>`");
  EXPECT_EQ(ErrorOf("Result.andThen_v1 (Ok 1) (fun x -> Just x)"),
            "Expected `fn` to return a Result, but it returned `Just 1`");
}

TEST_F(LibraryCaseTest, FloatsFromText) {
  for (const char* same : {"1.5", " 1.5 ", "+1.5", "1.50", "15e-1", "0,1.5", "1,.5"})
    EXPECT_TRUE(True("Float.parse_v0 \"" + std::string(same) + "\" == Ok 1.5")) << same;
  for (const char* none :
       {"", "-", "+-1.5", "1.5x", "1.5.", ",1", "1.,5", "0x1", "inf", "1e", "e1"})
    EXPECT_TRUE(True("Result.withDefault_v0 (Float.parse_v0 \"" + std::string(none) +
                     "\") \"none\" == \"none\""))
        << none;
  EXPECT_TRUE(True("Float.parse_v0 \"-1,234.5\" == Ok -1234.5"));
  EXPECT_TRUE(True("Float.parse_v0 \"1e-400\" == Ok 0.0"));
  EXPECT_TRUE(True("Float.parse_v0 \"-iNfinity\" == Float.parse_v0 \"-1e400\""));
  EXPECT_EQ(ErrorOf("String.toFloat_v0 \"x\""),
            "Expected the argument `s` to be a string representation of an IEEE float, but it was "
            "`\"x\"`");
}

TEST_F(LibraryCaseTest, Characters) {
  EXPECT_TRUE(True("Char.isDigit_v0 '\u0664'"));
  EXPECT_FALSE(True("Char.isDigit_v0 '\u00b2'"));
  EXPECT_TRUE(True("Char.isLowercase_v0 'x'"));
  // In one case, but without the other.
  EXPECT_FALSE(True("Char.isLowercase_v0 '\u00df'"));
  EXPECT_FALSE(True("Char.isUppercase_v0 '3'"));
}

// A search that begins again at each place would take hours.
TEST_F(LibraryCaseTest, SearchesTakeTheSumOfTheSizes) {
  const std::string texts =
      "let text = String.padStart_v0 \"\" \"a\" 10000000 in "
      "let almost = (String.padStart_v0 \"\" \"a\" 5000000) ++ \"b\" in ";
  EXPECT_TRUE(True(texts + "(String.contains_v0 text almost) == false"));
  EXPECT_TRUE(True(texts + "(String.split_v0 text almost) == [text]"));
  EXPECT_TRUE(True(texts + "(String.split_v1 text almost) == [text]"));
  EXPECT_TRUE(True(texts + "(String.replaceAll_v0 text almost \"\") == text"));
}

TEST_F(LibraryCaseTest, Strings) {
  EXPECT_TRUE(True("String.split_v1 \"a,b,,c\" \",\" == [\"a\"; \"b\"; \"\"; \"c\"]"));
  EXPECT_TRUE(True("String.split_v0 \",a,\" \",\" == [\"a\"]"));
  EXPECT_TRUE(True("String.join_v0 [\"a\"; \"b\"] \", \" == \"a, b\""));
  EXPECT_TRUE(True("String.slice_v0 \"abcdef\" 1 -1 == \"bcde\""));
  EXPECT_TRUE(True("String.replaceAll_v0 \"aXbX\" \"X\" \"--\" == \"a--b--\""));
  EXPECT_TRUE(True("String.padStart_v0 \"7\" \"0\" 3 == \"007\""));
  EXPECT_TRUE(True("String.trim_v0 \"\\u2003 x\\n\" == \"x\""));
  EXPECT_TRUE(True("String.toUppercase_v1 \"\u00e9\u00df\" == \"\u00c9\u00df\""));
  EXPECT_TRUE(True("String.toUppercase_v0 \"\u00e9a\" == \"\u00e9A\""));
  EXPECT_TRUE(True("String.toList_v1 \"ab\" == ['a'; 'b']"));
  EXPECT_TRUE(True("String.foreach_v1 \"ab\" (fun c -> Char.toUppercase_v1 c) == \"AB\""));
  // The end of a line is one character, which the first version did not know.
  EXPECT_TRUE(True("String.split_v1 \"a\\r\\nb\" \"\\n\" == [\"a\\r\\nb\"]"));
  EXPECT_TRUE(True("String.split_v0 \"a\\r\\nb\" \"\\n\" == [\"a\\r\"; \"b\"]"));
  EXPECT_TRUE(True("String.split_v1 \"\\r\\n\\n\\n\" \"\\n\" == [\"\\r\\n\"; \"\"; \"\"]"));
  EXPECT_TRUE(True("String.slugify_v2 \" Hello,  World! \" == \"hello-world\""));
  EXPECT_TRUE(True("String.slugify_v1 \"!! A\\u2003_b - \" == \"a-b-\""));
  EXPECT_TRUE(True("String.slugify_v0 \"!! A_b - \" == \"!!-a_b-\""));
  EXPECT_TRUE(True("String.htmlEscape_v0 \"<a & b>\" == \"&lt;a &amp; b&gt;\""));
  EXPECT_TRUE(True("String.htmlEscape_v0 \"'\" == \"&#x27;\""));
  for (const char* padding : {"YQ", "YQ=", "YQ==", "YWI", "YWI=", "YWJj"})
    EXPECT_EQ(ErrorOf("String.base64Decode_v0 \"" + std::string(padding) + "\""), "") << padding;
  for (const char* padding : {"Y", "Y===", "YWI==", "YWJj=", "=", "==", "Y=Q="})
    EXPECT_EQ(ErrorOf("String.base64Decode_v0 \"" + std::string(padding) + "\""),
              "Not a valid base64 string")
        << padding;
  EXPECT_TRUE(True("String.base64Decode_v0 (String.base64Encode_v0 \"\u00e9?>\") == \"\u00e9?>\""));
  EXPECT_EQ(ErrorOf("String.toInt_v0 \"x\""),
            "Expected the argument `s` to be numeric, but it was `\"x\"`");
  EXPECT_EQ(ErrorOf("String.fromChar_v0 'a'"), "String::fromChar was removed from Dark");
}

TEST_F(LibraryCaseTest, DictsOptionsResults) {
  EXPECT_TRUE(True("Dict.fromList_v0 [[\"a\"; 1]; [\"a\"; 2]] == Nothing"));
  EXPECT_TRUE(True("Dict.map_v0 { a = 1 } (fun k v -> k ++ \"!\") == { a = \"a!\" }"));
  EXPECT_TRUE(True("Dict.filter_v1 { a = 1; b = 2 } (fun k v -> v > 1) == { b = 2 }"));
  EXPECT_TRUE(True("Dict.merge_v0 { a = 1; b = 1 } { b = 2 } == { a = 1; b = 2 }"));
  EXPECT_TRUE(True("Dict.get_v0 {} \"x\" == null"));
  EXPECT_TRUE(True("Option.andThen_v0 (Just 1) (fun x -> Nothing) == Nothing"));
  EXPECT_TRUE(True("Result.map2_v0 (Ok 1) (Ok 2) (fun a b -> a + b) == Ok 3"));
  EXPECT_TRUE(True("Result.fromOption_v2 Nothing 7 == Error 7"));
}

TEST_F(LibraryCaseTest, RandomValuesAreWhatWasAskedFor) {
  EXPECT_TRUE(
      True("List.all_v0 (List.range_v0 1 200) (fun n -> let r = Int.random_v1 5 3 in r "
           ">= 3 && r <= 5)"));
  EXPECT_TRUE(True("String.length_v1 (String.random_v2_ster 20) == 20"));
  EXPECT_TRUE(True("String.random_v0 30 != String.random_v0 30"));
}

TEST_F(LibraryCaseTest, ReadsJsonAndSaysWhereItIsNone) {
  EXPECT_TRUE(
      True("JSON.parse_v1 \"{\\\"a\\\": [1, 2.5, null, \\\"\\\\u00e9\\\"]}\" == Ok { a = "
           "[1; 2.5; null; \"\u00e9\"] }"));
  EXPECT_TRUE(True("JSON.parse_v1 \"99999999999999999999\" == Ok 1e20"));
  EXPECT_TRUE(True("JSON.read_v0 \"{\" == null"));
  EXPECT_EQ(ErrorOf("JSON.parse_v0 \"{\\n  a: 1}\""),
            "'a' is an invalid start of a property name. Expected a '\"'. LineNumber: 1 | "
            "BytePositionInLine: 2.");
  EXPECT_EQ(ErrorOf("JSON.parse_v0 \"\""), "JSON string was empty");
  EXPECT_THAT(ErrorOf("JSON.parse_v0 (String.padStart_v0 \"\" \"[\" 65)"),
              HasSubstr("maximum configured depth of 64"));
  for (const char* broken :
       {"[1,]", "[1 2]", "{\\\"a\\\"}", "01", "1.", "-", "1e", "tru", "nul", "\\\"a",
        "\\\"\\\\x\\\"", "\\\"\\\\u12\\\"", "[", "{\\\"a\\\":", "1 1", "\\\"\\n\\\"", "/"})
    EXPECT_TRUE(rig_.Eval("match JSON.parse_v1 \"" + std::string(broken) +
                          "\" with | Error e -> true | Ok v -> v") == "true")
        << broken;
}

TEST_F(LibraryCaseTest, WritesCookies) {
  EXPECT_TRUE(
      True("Http.setCookie_v2 \"a\" \"b\" { Path = \"/\"; Secure = true; ``Max-Age`` = 5 } "
           "== { ``Set-Cookie`` = \"a=b; Secure; Path=/; Max-Age=5\" }"));
  EXPECT_THAT(ErrorOf("Http.setCookie_v2 \"a\" \"b\" { Odd = 1 }"), HasSubstr("Keys must be"));
}

TEST_F(LibraryCaseTest, PrintsValuesForPeople) {
  EXPECT_TRUE(True("toString_v0 [1; 2] == \"[ \\n  1, 2\\n]\""));
  EXPECT_TRUE(
      True("toString_v0 { a = \"x\"; b = 'c' } == \"{ \\n  b: \\\"c\\\",\\n  a: "
           "\\\"x\\\"\\n}\""));
  EXPECT_TRUE(True("toString_v0 (Error \"bad\") == \"Error: bad\""));
  EXPECT_TRUE(True("toRepr_v0 (Just \"x\") == \"Just \\\"x\\\"\""));
}

}  // namespace
}  // namespace nightjar::lang
