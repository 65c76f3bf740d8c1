// What expressions mean, case by case: values, fake values, the rail, calls.
#include <gmock/gmock.h>

#include "tests/unit/lang/engine_rig.h"

namespace nightjar::lang {
namespace {

using nightjar::testing::EngineRig;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class EvaluatorTest : public ::testing::Test {
 protected:
  std::string Eval(const std::string& expression, const std::string& toplevels = "") {
    return rig_.Eval(expression, toplevels);
  }
  std::string ErrorOf(const std::string& expression, const std::string& toplevels = "") {
    return rig_.ErrorOf(expression, toplevels);
  }
  // Whether it is incomplete: a 500 that says so.
  bool Incomplete(const std::string& expression) {
    return Eval(expression).find("was not complete") != std::string::npos;
  }

  EngineRig rig_;
};

TEST_F(EvaluatorTest, ComputesWithIntegersThatWrapAround) {
  EXPECT_EQ(Eval("2 + 3 * 4 - 1"), "13");
  EXPECT_EQ(Eval("9223372036854775807 + 1"), "-9223372036854775808");
  EXPECT_EQ(Eval("-7 % 3"), "2");
  EXPECT_EQ(Eval("Int.divide_v0 -7 2"), "-3");
  EXPECT_EQ(ErrorOf("Int.divide_v0 1 0"), "Division by zero");
  EXPECT_EQ(ErrorOf("Int.divide_v0 -9223372036854775808 -1"), "Unknown error");
  EXPECT_EQ(Eval("Int.remainder_v0 -9223372036854775808 -1"), "0");
  EXPECT_EQ(ErrorOf("2 ^ 64"), "Error raising to exponent");
}

TEST_F(EvaluatorTest, PrintsFloatsAsJsonHasThem) {
  EXPECT_EQ(Eval("1.0 / 3.0"), "0.3333333333333333");
  EXPECT_EQ(Eval("Float.add_v0 1.0 1.0"), "2.0");
  EXPECT_EQ(Eval("1e20"), "1e+20");
  EXPECT_EQ(Eval("1.0 / 0.0"), "\"Infinity\"");
  EXPECT_EQ(Eval("toString_v0 0.1"), "\"0.1\"");
  EXPECT_EQ(Eval("toString_v0 3.0"), "\"3.\"");
}

TEST_F(EvaluatorTest, LetsShadowAndLambdasKeepWhatTheySaw) {
  EXPECT_EQ(Eval("let x = 1\nlet f = fun y -> x + y\nlet x = 10\n5 |> f"), "6");
  EXPECT_EQ(Eval("let x = 1 in (match Just 2 with | Just x -> x) + x"), "3");
  EXPECT_EQ(Eval("List.map_v0 [1; 2] (fun x -> List.map_v0 [10; 20] (fun y -> x * y)) "
                 "|> List.flatten_v0 |> Int.sum_v0"),
            "90");
  EXPECT_EQ(ErrorOf("nobody"), "There is no variable named: nobody");
}

TEST_F(EvaluatorTest, TakesEverythingButFalseAndNullForTrue) {
  EXPECT_EQ(Eval("if 0 then 1 else 2"), "1");
  EXPECT_EQ(Eval("if \"\" then 1 else 2"), "1");
  EXPECT_EQ(Eval("if null then 1 else 2"), "2");
  EXPECT_EQ(ErrorOf("if 1 + \"a\" then 1 else 2"), "Expected boolean, got error");
}

TEST_F(EvaluatorTest, BooleanOperatorsStopEarlyAndTakeBooleansOnly) {
  EXPECT_EQ(Eval("false && (1 + \"a\")"), "false");
  EXPECT_EQ(Eval("true || (1 + \"a\")"), "true");
  EXPECT_EQ(ErrorOf("true && 1"), "&& only supports Booleans");
  EXPECT_EQ(ErrorOf("1 || true"), "|| only supports Booleans");
}

TEST_F(EvaluatorTest, RunsProgramsThatAreNotFinished) {
  EXPECT_EQ(Eval("List.length_v0 [1; blank; 3]"), "2");
  EXPECT_EQ(Eval("Dict.size_v0 { a = 1; b = blank; ___ = 3 }"), "1");
  EXPECT_EQ(Eval("5 |> blank |> (+) 3"), "8");
  EXPECT_EQ(Eval("5 |> (+) blank |> (+) 3"), "8");
  EXPECT_EQ(Eval("let unused = blank in 7"), "7");
  EXPECT_EQ(Eval("1 + (partial \"tw\" 2)"), "3");
  EXPECT_TRUE(Incomplete("blank"));
  EXPECT_TRUE(Incomplete("1 + blank"));
  EXPECT_TRUE(Incomplete("(1, blank)"));
  EXPECT_TRUE(Incomplete("Just blank"));
  EXPECT_TRUE(Incomplete("if blank then 1 else 2"));
  EXPECT_TRUE(Incomplete("thereIsNoSuchFunction 1"));
  EXPECT_TRUE(Incomplete("match 3 with | 1 -> 2"));
  EXPECT_TRUE(Incomplete("{ a = 1 }.___"));
}

TEST_F(EvaluatorTest, ErrorsStopCallsButStayInsideOfListsAndRecords) {
  EXPECT_THAT(ErrorOf("1 + (2 + \"a\")"), StartsWith("+ was called with a Str"));
  EXPECT_EQ(Eval("List.length_v0 [1; 2 + \"a\"]"), "2");
  EXPECT_EQ(Eval("{ a = 1 + \"a\" }"), "{\n  \"a\": {\n    \"Error\": null\n  }\n}");
  EXPECT_EQ(Eval("Bool.isError_v0 (1 + \"a\")"), "true");
  EXPECT_THAT(ErrorOf("List.map_v0 [1; 2] (fun x -> x + \"a\")"), StartsWith("+ was called"));
  EXPECT_EQ(ErrorOf("{ a = 1; a = 2 }"), "Duplicate key: a");
}

TEST_F(EvaluatorTest, ReadsFields) {
  EXPECT_EQ(Eval("let r = { a = { b = 4 } } in r.a.b"), "4");
  EXPECT_EQ(Eval("let r = { a = 1 } in r.missing"), "null");
  EXPECT_EQ(ErrorOf("let x = 5 in x.a"),
            "Attempting to access a field of something that isn't a record or dict, (it's a Int).");
}

TEST_F(EvaluatorTest, TheRailEndsTheHandlerWithANotFound) {
  rig_.Load("[http-handler GET /]\nlet first = List.head_v1_ster []\nfirst + 1\n");
  RunOutcome outcome = rig_.Run("GET /");
  EXPECT_EQ(outcome.status, 404u);
  EXPECT_EQ(outcome.body, "Not found");
  EXPECT_FALSE(outcome.program_error);
  EXPECT_EQ(Eval("(List.head_v1_ster [4]) + 1"), "5");
  EXPECT_EQ(Eval("(Int.parse_v0_ster \"4\") + 1"), "5");
}

TEST_F(EvaluatorTest, TheRailEndsWithTheFunctionThatItIsIn) {
  const std::string functions = "[fn first list:List]\n(List.head_v1_ster list) + 1\n";
  EXPECT_EQ(Eval("toString_v0 (first [])", functions), "\"Nothing\"");
  EXPECT_EQ(Eval("first [3]", functions), "4");
}

TEST_F(EvaluatorTest, FlagsTakeNewCodeForExactlyTrue) {
  EXPECT_EQ(Eval("flag \"f\" true \"old\" \"new\""), "\"new\"");
  for (const char* condition : {"false", "1", "null", "blank", "(1 + \"a\")", "[true]"})
    EXPECT_EQ(Eval("flag \"f\" " + std::string(condition) + " \"old\" \"new\""), "\"old\"")
        << condition;
}

TEST_F(EvaluatorTest, MatchesValuesOfEveryKind) {
  const std::string arms =
      " with\n| 1 -> \"one\"\n| 1.5 -> \"float\"\n| \"s\" -> \"string\"\n| 'c' -> \"char\"\n"
      "| null -> \"null\"\n| true -> \"true\"\n| Just (Ok x) -> x\n| Nothing -> \"nothing\"\n"
      "| (a, (b, _)) -> a ++ b\n| other -> \"other\"";
  EXPECT_EQ(Eval("match 1" + arms), "\"one\"");
  EXPECT_EQ(Eval("match 1.5" + arms), "\"float\"");
  EXPECT_EQ(Eval("match \"s\"" + arms), "\"string\"");
  EXPECT_EQ(Eval("match 'c'" + arms), "\"char\"");
  EXPECT_EQ(Eval("match null" + arms), "\"null\"");
  EXPECT_EQ(Eval("match true" + arms), "\"true\"");
  EXPECT_EQ(Eval("match Just (Ok \"x\")" + arms), "\"x\"");
  EXPECT_EQ(Eval("match Nothing" + arms), "\"nothing\"");
  EXPECT_EQ(Eval("match (\"a\", (\"b\", 3))" + arms), "\"ab\"");
  EXPECT_EQ(Eval("match Error 1" + arms), "\"other\"");
  EXPECT_TRUE(Incomplete("match blank with | x -> 1")) << "a name binds no fake value";
}

TEST_F(EvaluatorTest, ChecksTypesWhereFunctionsOfTheCanvasAreCalled) {
  const std::string functions = "[fn twice n:Int -> Int]\nn * 2\n[fn lies n:Int -> Str]\nn\n";
  EXPECT_EQ(Eval("twice 4", functions), "8");
  EXPECT_EQ(ErrorOf("twice \"4\"", functions),
            "Type error(s) in function parameters: Expected to see a value of type Int but found "
            "a Str");
  EXPECT_EQ(ErrorOf("lies 4", functions),
            "Type error(s) in return type: Expected to see a value of type Str but found a Int");
  EXPECT_EQ(ErrorOf("twice 1 2", functions),
            "twice has 1 parameters, but here was called with 2 arguments.");
}

TEST_F(EvaluatorTest, NamesEveryWrongParameterInTheOrderOfTheirNames) {
  EXPECT_EQ(ErrorOf("pair \"1\" 2.5", "[fn pair z:Int a:Str]\nz\n"),
            "Type error(s) in function parameters: Expected to see a value of type Str but found "
            "a Float, Expected to see a value of type Int but found a Str");
}

TEST_F(EvaluatorTest, HoldsRecordsAgainstTheCanvassTypes) {
  const std::string canvas =
      "[type Point { x: Int, y: Int }]\n[type Line { from: Point, to: Point, name: Any }]\n"
      "[fn left p:Point]\np.x\n[fn length l:Line]\nl.to.x - l.from.x\n"
      "[fn origin _:Any -> Point]\n{ x = 0 }\n[fn lost p:Pont]\np\n";
  EXPECT_EQ(Eval("left { y = 2; x = 1 }", canvas), "1");
  EXPECT_EQ(Eval("length { from = { x = 1; y = 1 }; to = { x = 3; y = 1 }; name = null }", canvas),
            "2");
  const std::string wrong = "Type error(s) in function parameters: ";
  EXPECT_EQ(ErrorOf("left 5", canvas),
            wrong + "Expected to see a value of type Point but found a Int");
  EXPECT_EQ(ErrorOf("left { x = 1; z = 3; a = 4 }", canvas),
            wrong + "Expected but not found: [y] & Found but not expected: [a, z]");
  EXPECT_EQ(ErrorOf("left { x = 1; y = \"2\" }", canvas),
            wrong + "Expected to see a value of type Int but found a Str in the field `y`");
  EXPECT_EQ(ErrorOf("left { x = 1; y = 1 + \"2\" }", canvas),
            wrong + "Expected to see a value of type Int but found a Error in the field `y`");
  EXPECT_EQ(ErrorOf("length { from = { x = 1; y = 1 }; to = {}; name = 1 }", canvas),
            wrong + "Expected but not found: [x, y] in the field `to`");
  EXPECT_EQ(ErrorOf("lost { x = 1; y = 2 }", canvas), wrong + "The type Pont could not be found");
  EXPECT_EQ(ErrorOf("origin 1", canvas),
            "Type error(s) in return type: Expected but not found: [y]");
}

TEST_F(EvaluatorTest, SaysWhichArgumentOfALibraryFunctionIsWrong) {
  EXPECT_EQ(ErrorOf("Int.add_v0 1 2.5"),
            "Int::add was called with a Float (2.5), but `b` expected a Int. Try using "
            "Float::add, or use Float::truncate to truncate Floats to Ints.");
  EXPECT_EQ(ErrorOf("1 + \"a\""),
            "+ was called with a Str (\"a\"), but `b` expected a Int. Use ++ to concatenate");
  EXPECT_EQ(ErrorOf("List.map_v0 [1] (fun a b -> a)"), "Expected 2 arguments, got 1");
}

TEST_F(EvaluatorTest, PipesThroughWhatIsNoFunctionUnchanged) {
  EXPECT_EQ(Eval("let x = 3 in 5 |> x"), "5");
  EXPECT_EQ(Eval("5 |> toString"), "\"5\"");
  EXPECT_EQ(Eval("true |> (&&) false"), "false");
}

TEST_F(EvaluatorTest, ComparesEverythingByMeaning) {
  EXPECT_EQ(Eval("{ a = 1; b = [2] } == { b = [2]; a = 1 }"), "true");
  EXPECT_EQ(Eval("Just 1 == Just 2"), "false");
  EXPECT_EQ(Eval("1 == 1.0"), "false");
  EXPECT_EQ(Eval("[0.0 / 0.0] == [0.0 / 0.0]"), "false");
  EXPECT_EQ(Eval("(fun x -> x + 1) == (fun x -> x + 1)"), "true");
  EXPECT_EQ(Eval("(fun x -> x + 1) == (fun x -> x + 2)"), "false");
}

TEST_F(EvaluatorTest, KeepsStringsNormalAndCountsCharactersAsPeopleDo) {
  EXPECT_EQ(Eval("(\"e\" ++ \"\u0301\") == \"\u00e9\""), "true");
  EXPECT_EQ(Eval("String.length_v1 \"\U0001F469\u200D\U0001F469\u200D\U0001F467\""), "1");
  EXPECT_EQ(Eval("String.reverse_v0 \"a\u0301b\""), "\"b\u00e1\"");
}

TEST_F(EvaluatorTest, ListsGrowAtEitherEndWithoutTouchingTheirEarlierSelves) {
  EXPECT_EQ(Eval("let a = List.pushBack_v0 [1] 2\n"
                 "let b = List.pushBack_v0 a 3\n"
                 "let c = List.pushBack_v0 a 4\n"
                 "let d = List.push_v0 b 0\n"
                 "let e = List.push_v0 b 9\n"
                 "(a == [1; 2]) && (b == [1; 2; 3]) && (c == [1; 2; 4]) && (d == [0; 1; 2; 3]) && "
                 "(e == [9; 1; 2; 3])"),
            "true");
  EXPECT_EQ(Eval("let a = \"x\" ++ \"y\"\n"
                 "let b = a ++ \"1\"\n"
                 "let c = a ++ \"2\"\n"
                 "let d = b ++ \"3\"\n"
                 "[a; b; c; d] == [\"xy\"; \"xy1\"; \"xy2\"; \"xy13\"]"),
            "true");
}

TEST_F(EvaluatorTest, DictsKeepTheirKeysInOrderHoweverTheyAreBuilt) {
  EXPECT_EQ(Eval("List.fold_v0 (List.range_v0 1 1000) {} (fun d n -> Dict.set_v0 d (toString_v0 "
                 "((n * 7919) % 1000)) n) |> Dict.keys_v0 |> (fun keys -> keys == (List.sort_v0 "
                 "keys) && List.length_v0 keys == 1000)"),
            "true");
  EXPECT_EQ(Eval("List.fold_v0 (List.range_v0 0 998) (Dict.fromListOverwritingDuplicates_v0 "
                 "(List.map_v0 (List.range_v0 0 999) (fun n -> [toString_v0 n; n]))) (fun d n -> "
                 "Dict.remove_v0 d (toString_v0 n))"),
            "{\n  \"999\": 999\n}");
}

}  // namespace
}  // namespace nightjar::lang
