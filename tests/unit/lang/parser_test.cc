#include "worker/lang/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ipc/core/bounds.h"
#include "tests/unit/lang/shape.h"

namespace nightjar::lang {
namespace {

using ::testing::HasSubstr;
using testing::ShapeOf;

// The tree of one expression, as ShapeOf() writes it.
std::string Parse(const std::string& expression) {
  ParseResult result = ParseCanvas("[repl Test]\n" + expression + "\n");
  for (const proto::Diagnostic& error : result.errors)
    return std::to_string(error.line()) + ":" + std::to_string(error.column()) + " " +
           error.message();
  return ShapeOf(result.program.handlers(0).body());
}

proto::Diagnostic FirstError(const std::string& source) {
  ParseResult result = ParseCanvas(source);
  EXPECT_FALSE(result.errors.empty()) << source;
  return result.errors.empty() ? proto::Diagnostic() : result.errors[0];
}

TEST(ParserTest, BindsOperatorsAsFSharpDoes) {
  EXPECT_EQ(Parse("1 + 2 * 3"), "(+ 1 (* 2 3))");
  EXPECT_EQ(Parse("1 - 2 - 3"), "(- (- 1 2) 3)");
  EXPECT_EQ(Parse("a && b || c && d"), "(|| (&& a b) (&& c d))");
  EXPECT_EQ(Parse("1 + 2 == 3 && x"), "(&& (== (+ 1 2) 3) x)");
  EXPECT_EQ(Parse("\"a\" ++ \"b\" ++ \"c\""), "(++ (++ \"a\" \"b\") \"c\")");
  EXPECT_EQ(Parse("a ^ b ^ c + d"), "(^ a (^ b (+ c d)))");
  EXPECT_EQ(Parse("1 = 2"), "(== 1 2)");
  EXPECT_EQ(Parse("1 <> 2"), "(!= 1 2)");
}

TEST(ParserTest, AppliesBeforeItOperates) {
  EXPECT_EQ(Parse("f 1 + g 2"), "(+ (f 1) (g 2))");
  EXPECT_EQ(Parse("Int.clamp_v0 -5 -2 5"), "(Int::clamp_v0 -5 -2 5)");
  EXPECT_EQ(Parse("f (g 1) 2"), "(f (g 1) 2)");
  EXPECT_EQ(Parse("f x.y.z"), "(f (. (. x y) z))");
  EXPECT_EQ(Parse("Tuple2.swap(a, b)"), "(Tuple2::swap_v0 (tuple a b))");
}

TEST(ParserTest, NamesFunctionsWithVersionAndRail) {
  EXPECT_EQ(Parse("Dict.get_v1 d \"k\""), "(Dict::get_v1 d \"k\")");
  EXPECT_EQ(Parse("Dict.get_v1_ster d \"k\""), "(Dict::get_v1! d \"k\")");
  EXPECT_EQ(Parse("Dict.get d \"k\""), "(Dict::get_v0 d \"k\")");
  EXPECT_EQ(Parse("my_vest 1"), "(my_vest 1)");
  EXPECT_EQ(Parse("Date.(<=) a b"), "(Date::<=_v0 a b)");
  EXPECT_EQ(Parse("(+) 1 2"), "(+ 1 2)");
  EXPECT_EQ(Parse("Dict.empty_v0"), "(Dict::empty_v0)");
}

TEST(ParserTest, ReadsEveryKindOfValue) {
  EXPECT_EQ(Parse("[1; 2, 3;]"), "(list 1 2 3)");
  EXPECT_EQ(Parse("[]"), "(list)");
  EXPECT_EQ(Parse("(1, \"x\", 'c')"), "(tuple 1 \"x\" 'c')");
  EXPECT_EQ(Parse("{ a = 1; ``b c`` = 2.5; ___ = null }"), "(record a 1 b c 2.5  null)");
  EXPECT_EQ(Parse("Just (Ok true)"), "(Just (Ok true))");
  EXPECT_EQ(Parse("[Nothing; Error 1]"), "(list (Nothing) (Error 1))");
  EXPECT_EQ(Parse("Error.toString_v0 x"), "(Error::toString_v0 x)") << "a module is called so too";
  EXPECT_EQ(Parse("blank"), "blank");
  EXPECT_EQ(Parse("9223372036854775807I"), "9223372036854775807");
  EXPECT_EQ(Parse("-9223372036854775808"), "-9223372036854775808");
}

TEST(ParserTest, GivesEmptyHandlersABlank) {
  EXPECT_EQ(Parse(""), "blank");
  EXPECT_EQ(Parse("// nothing yet"), "blank");
}

TEST(ParserTest, ReadsPartialsAndFlags) {
  EXPECT_EQ(Parse("partial \"Lis\" 5"), "(partial 5)");
  EXPECT_EQ(Parse("rightPartial \"+\" 5"), "(rightPartial 5)");
  EXPECT_EQ(Parse("leftPartial \"+\" 5"), "(leftPartial 5)");
  EXPECT_EQ(Parse("flag \"new\" true 1 2"), "(flag true 1 2)");
}

TEST(ParserTest, PipesIntoTheFirstArgument) {
  EXPECT_EQ(Parse("[1] |> List.head_v1 |> (+) 2"), "(pipe (list 1) (List::head_v1 _) (+ _ 2))");
  EXPECT_EQ(Parse("x |> blank |> (fun y -> y)"), "(pipe x blank (fun y y))");
  EXPECT_EQ(Parse("5\n|> f 1\n|> fun z -> z + 1"), "(pipe 5 (f _ 1) (fun z (+ z 1)))");
  EXPECT_EQ(Parse("1 + 2 |> f 3"), "(pipe (+ 1 2) (f _ 3))");
}

TEST(ParserTest, LetsEndWithInOrWithTheLine) {
  EXPECT_EQ(Parse("let x = 1 in x + 1"), "(let x 1 (+ x 1))");
  EXPECT_EQ(Parse("let x = 1\nlet y = 2\nx + y"), "(let x 1 (let y 2 (+ x y)))");
  EXPECT_EQ(Parse("let x =\n  f 1\n    2\nx"), "(let x (f 1 2) x)");
  EXPECT_EQ(Parse("let x =\n  let y = 1\n  y + 1\nx"), "(let x (let y 1 (+ y 1)) x)");
  EXPECT_EQ(Parse("let _ = f 1\n2"), "(let _ (f 1) 2)");
}

TEST(ParserTest, KeepsLinesTogetherByTheirColumn) {
  EXPECT_EQ(Parse("if a then\n  f 1\nelse\n  g 2"), "(if a (f 1) (g 2))");
  EXPECT_EQ(Parse("if a then 1\nelse if b then 2\nelse 3"), "(if a 1 (if b 2 3))");
  EXPECT_EQ(Parse("List.map_v0 xs (fun x ->\n  let y = x\n  y)"),
            "(List::map_v0 xs (fun x (let y x y)))");
  EXPECT_EQ(Parse("{ a = 1\n  b = f 2\n  c = 3 }"), "(record a 1 b (f 2) c 3)");
  EXPECT_EQ(Parse("[ f 1\n  g 2 ]"), "(list (f 1) (g 2))");
}

TEST(ParserTest, ReadsEveryPattern) {
  EXPECT_EQ(Parse("match x with | 1 -> a | -2 -> b"), "(match x 1 a -2 b)");
  EXPECT_EQ(Parse("match x with\n| 1.5 -> a\n| true -> b\n| \"s\" -> c\n| 'c' -> d\n| null -> e"),
            "(match x 1.5 a true b \"s\" c 'c' d null e)");
  EXPECT_EQ(Parse("match x with | Just (Ok y) -> y | Nothing -> 0 | blank -> 1 | z -> z"),
            "(match x (Just (Ok y)) y (Nothing) 0 blank 1 z z)");
  EXPECT_EQ(Parse("match x with | (a, (b, _)) -> a"), "(match x (tuple a (tuple b _)) a)");
}

TEST(ParserTest, GivesArmsToTheMatchWhoseColumnTheyStandAt) {
  EXPECT_EQ(Parse("match x with\n| 1 ->\n  match y with\n  | 2 -> a\n  | 3 -> b\n| 4 -> c"),
            "(match x 1 (match y 2 a 3 b) 4 c)");
}

TEST(ParserTest, TakesTupledParametersOfALambdaApart) {
  EXPECT_EQ(Parse("fun (k, v) -> v"), "(fun k v v)");
  EXPECT_EQ(Parse("fun k v -> v"), "(fun k v v)");
  EXPECT_EQ(Parse("fun x ___ -> x"), "(fun x  x)");
}

TEST(ParserTest, ReadsEveryToplevel) {
  ParseResult result = ParseCanvas(
      "// a canvas\n"
      "[http-handler get /users/:id/:name]\nid\n"
      "[worker Mail]\nevent\n"
      "[cron Tidy EveryHour]\n1\n"
      "[repl Try]\n2\n"
      "[fn add a:Int b:Int -> Int]\na + b\n"
      "[fn free a:Any]\na\n"
      "[db People { \"name\" : \"Str\", \"age\": \"Int\" }]\n"
      "[type Point { x: Int, y: Int }]\n");
  ASSERT_TRUE(result.errors.empty()) << result.errors[0].message();
  const proto::Program& program = result.program;
  ASSERT_EQ(result.manifest.handlers_size(), 4);
  EXPECT_EQ(result.manifest.handlers(0).name(), "GET /users/:id/:name");
  EXPECT_EQ(result.manifest.handlers(0).method(), "GET");
  EXPECT_EQ(result.manifest.handlers(2).interval(), "EveryHour");
  EXPECT_EQ(result.manifest.functions(), 2u);
  ASSERT_EQ(program.handlers(0).variables_size(), 2);
  EXPECT_EQ(program.handlers(0).variables(1), "name");
  EXPECT_EQ(program.functions(0).returns(), "Int");
  EXPECT_EQ(program.functions(1).returns(), "");
  ASSERT_EQ(program.datastores(0).columns_size(), 2);
  EXPECT_EQ(program.datastores(0).columns(1).type(), "Int");
  ASSERT_EQ(program.types(0).fields_size(), 2);
}

TEST(ParserTest, NamesToplevelsAndExpressionsTheSameEachTime) {
  const std::string source = "[http-handler GET /a]\n1 + 2\n[fn f x:Int]\nx\n";
  EXPECT_EQ(ParseCanvas(source).program.SerializeAsString(),
            ParseCanvas(source).program.SerializeAsString());
  uint64_t tlid = ParseCanvas(source).program.handlers(0).tlid();
  EXPECT_EQ(ParseCanvas("[http-handler GET /a]\n3\n").program.handlers(0).tlid(), tlid);
  EXPECT_NE(ParseCanvas("[http-handler PUT /a]\n3\n").program.handlers(0).tlid(), tlid);
}

TEST(ParserTest, GivesEveryExpressionItsOwnId) {
  ParseResult result = ParseCanvas("[repl A]\n[1; 2] |> f (g 3)\n[repl B]\nlet x = 1\nx + x\n");
  std::set<uint64_t> ids;
  size_t nodes = 0;
  for (const proto::HandlerDef& handler : result.program.handlers())
    testing::EachExpr(handler.body(), [&](const proto::Expr& expr) {
      ++nodes;
      ids.insert(expr.id());
    });
  EXPECT_EQ(nodes, 13u);
  EXPECT_EQ(ids.size(), nodes);
}

TEST(ParserTest, SaysWhereAndWhatWasExpected) {
  proto::Diagnostic error = FirstError("[repl A]\nlet x 5\nx\n");
  EXPECT_EQ(error.line(), 2u);
  EXPECT_EQ(error.column(), 7u);
  EXPECT_THAT(error.message(), HasSubstr("expected `=`"));
  EXPECT_EQ(error.source_line(), "let x 5");

  EXPECT_THAT(FirstError("[repl A]\nif a then 1\n").message(), HasSubstr("`else`"));
  EXPECT_THAT(FirstError("[repl A]\n(1 + 2\n").message(), HasSubstr("`)`"));
  EXPECT_THAT(FirstError("[repl A]\n[1 2]\n").message(), HasSubstr("`]`"));
  EXPECT_THAT(FirstError("[repl A]\nmatch 1 with\n").message(), HasSubstr("`|`"));
  EXPECT_THAT(FirstError("[repl A]\n1 +\n").message(), HasSubstr("text ends"));
  EXPECT_THAT(FirstError("[repl A]\n99999999999999999999\n").message(), HasSubstr("64 bits"));
  EXPECT_THAT(FirstError("[repl A]\nlet x = 1 x\n").message(), HasSubstr("expected"));
}

TEST(ParserTest, RefusesBrokenHeaders) {
  EXPECT_THAT(FirstError("").message(), HasSubstr("toplevel"));
  EXPECT_THAT(FirstError("1 + 2\n").message(), HasSubstr("begins with a toplevel"));
  EXPECT_THAT(FirstError("[http-handler GET]\n1\n").message(), HasSubstr("METHOD /path"));
  EXPECT_THAT(FirstError("[http-handler GET users]\n1\n").message(), HasSubstr("METHOD /path"));
  EXPECT_THAT(FirstError("[cron Tidy Hourly]\n1\n").message(), HasSubstr("EveryHour"));
  EXPECT_THAT(FirstError("[fn f x]\n1\n").message(), HasSubstr("param:Type"));
  EXPECT_THAT(FirstError("[worker A\n1\n").message(), HasSubstr("closing"));
}

TEST(ParserTest, RefusesASecondToplevelOfTheSameName) {
  proto::Diagnostic error = FirstError("[repl A]\n1\n[http-handler GET /]\n1\n[repl A]\n2\n");
  EXPECT_EQ(error.line(), 5u);
  EXPECT_THAT(error.message(), HasSubstr("second"));
}

TEST(ParserTest, ReportsEveryBrokenToplevelUpToABound) {
  std::string source;
  for (int i = 0; i < 100; ++i) source += "[repl R" + std::to_string(i) + "]\n(\n";
  ParseResult result = ParseCanvas(source);
  EXPECT_EQ(result.errors.size(), bounds::kDiagnostics);
  EXPECT_EQ(result.errors[1].line(), 4u + 1u);
}

TEST(ParserTest, SaysWhereTextStopsBeingUtf8) {
  proto::Diagnostic error = FirstError("[repl A]\n\"ab\xff\"\n");
  EXPECT_EQ(error.line(), 2u);
  EXPECT_EQ(error.column(), 4u);
  EXPECT_THAT(error.message(), HasSubstr("UTF-8"));
}

std::string Times(int count, const std::string& piece) {
  std::string all;
  for (int i = 0; i < count; ++i) all += piece;
  return all;
}

class DeepTest : public ::testing::TestWithParam<std::string> {};

TEST_P(DeepTest, IsRefusedWithoutRunningOutOfStack) {
  EXPECT_THAT(FirstError("[repl A]\n" + GetParam() + "\n").message(), HasSubstr("nested deeper"));
}

INSTANTIATE_TEST_SUITE_P(Hostile, DeepTest,
                         ::testing::Values(Times(100'000, "("), Times(100'000, "["),
                                           Times(100'000, "{ a = "), "x" + Times(100'000, ".a"),
                                           "1" + Times(100'000, " + 1"),
                                           "1" + Times(100'000, " |> (+) 1"),
                                           Times(100'000, "fun a -> ") + "1",
                                           Times(100'000, "if a then b else ") + "1",
                                           Times(100'000, "let a = 1\n") + "a",
                                           "match 1 with | " + Times(100'000, "(") + "x",
                                           "match 1 with | " + Times(100'000, "Just ") + "x -> 1",
                                           Times(400, "(x" + Times(400, ".a") + ") |> f (")));

TEST(ParserTest, TakesWhatIsLongButNotDeep) {
  EXPECT_TRUE(ParseCanvas("[repl A]\n[" + Times(100'000, "1;") + "]\n").errors.empty());
  EXPECT_TRUE(ParseCanvas("[repl A]\n" + Times(400, "let a = 1\n") + "a\n").errors.empty());
  EXPECT_TRUE(ParseCanvas("[repl A]\n1" + Times(400, " + 1") + "\n").errors.empty());
}

TEST(ParserTest, ReadsTheLesserFormsOfFSharp) {
  EXPECT_EQ(Parse("if a then 1 elif b then 2 else 3"), "(if a 1 (if b 2 3))");
  EXPECT_EQ(Parse("if a then\n  1\nelif b then\n  2\nelse\n  3"), "(if a 1 (if b 2 3))");
  EXPECT_EQ(Parse("match x with 1 -> a | y -> b"), "(match x 1 a y b)");
  EXPECT_EQ(Parse("match x with\n  1 -> a\n  | y -> b"), "(match x 1 a y b)");
  EXPECT_EQ(Parse("fun () -> 5"), "(fun 5)");
  EXPECT_EQ(Parse("f(x).y"), "(. (f x) y)");
  EXPECT_EQ(Parse("f (x).y"), "(f (. x y))");
  EXPECT_EQ(Parse("f(x) y"), "(f x y)");
  EXPECT_EQ(Parse("List.map(xs)(f)"), "(List::map_v0 xs f)");
  EXPECT_EQ(Parse("(* one (* two *) *) (*) 2 3 (* three *)"), "(* 2 3)");
  EXPECT_THAT(FirstError("[repl A]\n1 (* \n").message(), HasSubstr("comment has no end"));
}

TEST(ParserTest, ReadsWhatBelongsToTheWholeCanvas) {
  ParseResult result = ParseCanvas(
      "[cors https://a.example,http://b.example:8000]\n\n"
      "[secrets KEY:a:b,OTHER:c]\n// about secrets\n"
      "[http-bytes-handler POST /]\nrequest.body\n");
  ASSERT_TRUE(result.errors.empty()) << result.errors[0].message();
  ASSERT_EQ(result.manifest.cors().origins_size(), 2);
  EXPECT_EQ(result.manifest.cors().origins(1), "http://b.example:8000");
  ASSERT_EQ(result.program.secrets_size(), 2);
  EXPECT_EQ(result.program.secrets(0).value(), "a:b");
  EXPECT_TRUE(result.manifest.handlers(0).bytes());
  EXPECT_EQ(result.manifest.handlers(0).name(), "POST /");
  EXPECT_FALSE(ParseCanvas("[repl A]\n1\n").manifest.has_cors());
}

TEST(ParserTest, SaysWhatIsWrongWithWhatBelongsToTheWholeCanvas) {
  EXPECT_THAT(FirstError("[cors *]\n[cors *]\n").message(), HasSubstr("second `cors`"));
  EXPECT_THAT(FirstError("[cors a b]\n").message(), HasSubstr("[cors ORIGIN,ORIGIN]"));
  EXPECT_THAT(FirstError("[secrets KEY]\n").message(), HasSubstr("NAME:VALUE"));
  EXPECT_THAT(FirstError("[secrets KEY:1]\n[secrets KEY:2]\n").message(),
              HasSubstr("second `KEY`"));
  EXPECT_THAT(FirstError("[secrets KEY:1]\nblank\n").message(), HasSubstr("nothing below"));
}

// One expression as a test of classic Dark has it, and the operator at its root.
std::string ParseTest(const std::string& text, Notation notation = Notation::kDarkTests) {
  ParsedExpression parsed = ParseExpression(text, 1, 1, notation);
  if (!parsed.expr) return parsed.errors[0].message();
  return parsed.root + " " + ShapeOf(*parsed.expr);
}

TEST(ParseExpressionTest, SaysWhichOperatorIsAtTheRoot) {
  EXPECT_EQ(ParseTest("1 + 2 = 3"), "= (== (+ 1 2) 3)");
  EXPECT_EQ(ParseTest("1 <> 2"), "<> (!= 1 2)");
  EXPECT_EQ(ParseTest("a = b = c"), "= (== (== a b) c)");
  EXPECT_EQ(ParseTest("a == b"), "== (== a b)");
  EXPECT_EQ(ParseTest("(a = b) && c = d"), "&& (&& (== a b) (== c d))");
  EXPECT_EQ(ParseTest("let x = 1 in x = 1"), " (let x 1 (== x 1))");
  EXPECT_EQ(ParseTest("(a = b)"), " (== a b)") << "what is in parentheses is not the root";
  EXPECT_EQ(ParseTest("5 |> f = 6"), "= (== (pipe 5 f) 6)");
}

TEST(ParseExpressionTest, ReadsTestsAsTheirOwnParserDid) {
  EXPECT_EQ(ParseTest("(f 1 |> g)"), " (pipe (f) 1 g)");
  EXPECT_EQ(ParseTest("(f 1) |> g"), "|> (pipe (f 1) g)");
  EXPECT_EQ(ParseTest("f 1 |> g", Notation::kCanvas), "|> (pipe (f 1) g)");
  EXPECT_EQ(ParseTest("(f 1) = 2)"), "= (== (f 1) 2)");
  EXPECT_THAT(ParseTest("(f 1) = 2)", Notation::kCanvas), HasSubstr("ended before"));
  EXPECT_EQ(ParseTest("f = \"a\"\""), "= (== f \"a\")");
  EXPECT_THAT(ParseTest("f = \"a"), HasSubstr("no closing quote"));
  EXPECT_EQ(ParseTest("// nothing\n"), " blank");
}

TEST(ParserTest, WarnsOfTypesThatTheCanvasDoesNotHave) {
  ParseResult result = ParseCanvas(
      "[fn f p:Pont i:Integer l:[Int] -> Whatever]\np\n[type Point { x: Intt, next: Point }]\n");
  ASSERT_TRUE(result.errors.empty());
  ASSERT_EQ(result.warnings.size(), 3u);
  EXPECT_EQ(result.warnings[0].message(), "there is no type `Pont`; did you mean `Point`?");
  EXPECT_EQ(result.warnings[0].line(), 1u);
  EXPECT_EQ(result.warnings[1].message(), "there is no type `Whatever`");
  EXPECT_EQ(result.warnings[2].message(), "there is no type `Intt`; did you mean `Int`?");
  EXPECT_EQ(result.warnings[2].line(), 3u);
  EXPECT_TRUE(result.warnings[2].warning());
}

TEST(ParserTest, RefusesTypesThatCannotBeMeant) {
  EXPECT_EQ(FirstError("[type String { x: Int }]\n").message(),
            "`String` is a type of the language");
}

TEST(ParserTest, SaysWhereAShapeIsWrong) {
  struct {
    const char* header;
    uint32_t column;
    const char* message;
  } cases[] = {
      {"[type Point { x: Int, x: Str }]", 23, "there is a second `x`"},
      {"[db {x: Str}]", 5, "expected a name"},
      {"[db People x: Str]", 12, "expected `{`, and fields"},
      {"[db People { x Str }]", 16, "each field has a name and a type, as in `{ name: Str }`"},
      {"[db People { x: }]", 17, "each field has a name and a type, as in `{ name: Str }`"},
      {"[db People { x: Str y: Int }]", 21, "expected `,` between fields, or `}`"},
      {"[db People { x: Str } y]", 23, "nothing follows the closing `}`"},
      {"[db People { x: Str ]", 21, "expected `,` between fields, or `}`"},
      {"[db People { x: Str } // why]", 4, "a header has no comments"},
  };
  for (const auto& wrong : cases) {
    proto::Diagnostic error = FirstError(std::string(wrong.header) + "\n");
    EXPECT_EQ(error.message(), wrong.message) << wrong.header;
    EXPECT_EQ(error.column(), wrong.column) << wrong.header;
  }
}

}  // namespace
}  // namespace nightjar::lang
