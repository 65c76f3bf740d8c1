// The canonical notation: the same program, every comment, and the same text when printed again.
#include "worker/lang/source_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "worker/lang/lexer.h"
#include "worker/lang/parser.h"

namespace nightjar::lang {
namespace {

using ::testing::HasSubstr;

std::string Format(const std::string& source) {
  FormatResult result = FormatCanvas(source);
  for (const proto::Diagnostic& error : result.errors)
    return std::to_string(error.line()) + ":" + std::to_string(error.column()) + " " +
           error.message();
  return result.text;
}

// Of a body alone.
std::string Body(const std::string& body) {
  std::string text = Format("[repl Test]\n" + body + "\n");
  return text.starts_with("[repl Test]\n") ? text.substr(12) : text;
}

// Whether printing keeps the program, and is done when it is done. False: the source is no program.
bool Holds(const std::string& source) {
  ParseResult before = ParseCanvas(source);
  if (!before.errors.empty()) return false;
  std::string once = Format(source);
  ParseResult after = ParseCanvas(once);
  EXPECT_TRUE(after.errors.empty()) << source << "\n-> " << once;
  EXPECT_TRUE(SameProgram(before.program, after.program)) << source << "\n-> " << once;
  EXPECT_EQ(Format(once), once) << source;
  return true;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(SourcePrinterTest, TheExamplesAreAsItWritesThem) {
  for (const char* name : {"api.dark", "prose.dark", "runaways.dark"}) {
    std::string text = ReadFile(std::string(NIGHTJAR_EXAMPLES) + "/" + name);
    ASSERT_FALSE(text.empty()) << name;
    EXPECT_TRUE(Holds(text)) << name;
    EXPECT_EQ(Format(text), text) << name;
  }
}

TEST(SourcePrinterTest, WritesNoParenthesesThatNothingNeeds) {
  EXPECT_EQ(Body("((1) + (2 * 3)) - (f (x))"), "1 + 2 * 3 - f x\n");
  EXPECT_EQ(Body("1 - (2 - 3)"), "1 - (2 - 3)\n");
  EXPECT_EQ(Body("(a ^ b) ^ c ^ d"), "(a ^ b) ^ c ^ d\n");
  EXPECT_EQ(Body("1 = 2 && (b <> c)"), "1 == 2 && b != c\n");
  EXPECT_EQ(Body("(f x).y"), "(f x).y\n");
  EXPECT_EQ(Body("f(x).y"), "(f x).y\n");
  EXPECT_EQ(Body("f (x.y) (-5) (Nothing) (Just 1)"), "f x.y -5 Nothing (Just 1)\n");
  EXPECT_EQ(Body("x|>f|>List.map (fun a->a)"), "x |> f |> List.map_v0 (fun a -> a)\n");
}

TEST(SourcePrinterTest, WritesValuesThatAreReadBackTheSame) {
  EXPECT_EQ(Body("[1.0;1e3;-0.0;0.1;1e300;5e-324;1e999]"),
            "[1.0; 1000.0; -0.0; 0.1; 1e+300; 5e-324; 1e999]\n");
  EXPECT_EQ(Body("[0xff;-9223372036854775808;1_000;999I]"),
            "[255; -9223372036854775808; 1000; 999]\n");
  EXPECT_EQ(Body(R"(["\"\\\n\t\q\u0000" + "12"; 'a'; '\''])"),
            R"(["\"\\\n\t\\q\u0000" + "12"; 'a'; '\''])"
            "\n");
  EXPECT_EQ(Body("{ ``let`` = 1; \"odd one\" = ``in``; ___ = () }"),
            "{ let = 1; ``odd one`` = ``in``; ___ = null }\n");
  EXPECT_EQ(Body("[M.``=``; Date.(=); M.``<_v2`` 1; f_v1_v0 1; g_ster_v0 2]"),
            "[M.``=_v0``; Date.(==); M.``<_v2`` 1; f_v1_v0 1; g_ster_v0 2]\n");
  EXPECT_EQ(Body("fun_v0 1 + Just_v0 2"), "fun_v0 1 + Just_v0 2\n");
  EXPECT_EQ(Body("``Foo``.x"), "``Foo``.x\n");
}

TEST(SourcePrinterTest, BreaksWhatDoesNotFitInALine) {
  std::string a(40, 'a');
  std::string b(40, 'b');
  std::string c(40, 'c');
  EXPECT_EQ(Body(a + " && " + b + " && " + c), a + "\n&& " + b + "\n&& " + c + "\n");
  EXPECT_EQ(Body("f " + a + " " + b + " " + c), "f\n  " + a + "\n  " + b + "\n  " + c + "\n");
  EXPECT_EQ(Body("{ x = " + a + "; y = " + b + "; z = " + c + "}"),
            "{ x = " + a + "\n  y = " + b + "\n  z = " + c + " }\n");
  EXPECT_EQ(Body("let x = (fun y -> if " + a + " then " + b + " else " + c + ")\nx"),
            "let x = fun y ->\n  if " + a + " then " + b + "\n  else " + c + "\nx\n");
  EXPECT_EQ(Body("let x = 1 in let y = 2 in x"), "let x = 1\nlet y = 2\nx\n");
  EXPECT_EQ(Body("match x with 1 -> (match y with 2 -> 3) | _ -> 4"),
            "match x with\n| 1 ->\n  match y with\n  | 2 -> 3\n| _ -> 4\n");
}

TEST(SourcePrinterTest, WritesHeadersInOneWay) {
  EXPECT_EQ(
      Format("[http-handler   get  /x ]\n1\n[cors *]\n[secrets A:b]\n\n\n[fn f  a:Int  ->  "
             "Int]   // why\na\n[db P {\"name\":\"Str\",\"age\" : \"Int\"}]\n[type T { }]"),
      "[http-handler GET /x]\n1\n\n[cors *]\n[secrets A:b]\n\n[fn f a:Int -> Int] // why\na\n\n"
      "[db P { name: Str, age: Int }]\n[type T {}]\n");
  // A list may not look like a header.
  EXPECT_EQ(Body(" [fn x]"), "[ fn x ]\n");
  EXPECT_TRUE(Holds("[repl Empty]\n\n[repl Other]\n// nothing yet\n"));
}

TEST(SourcePrinterTest, KeepsCommentsWhereTheyStand) {
  const char* text =
      "// About the file.\n"
      "\n"
      "// About f.\n"
      "[fn f x:Int]\n"
      "// First.\n"
      "let y = 1 // one\n"
      "\n"
      "// Then.\n"
      "let z =\n"
      "  // Why.\n"
      "  2\n"
      "match x with\n"
      "// none\n"
      "| 1 -> y\n"
      "| 2 -> z // two\n"
      "| _ ->\n"
      "  x\n"
      "  |> f // once\n"
      "  // again\n"
      "  |> f\n"
      "\n"
      "// At the end of f.\n"
      "\n"
      "[repl Lists]\n"
      "[ 1 // one\n"
      "  (* two *)\n"
      "  { a = 1 // in a field\n"
      "    // above\n"
      "    b = 2 } ] // all\n"
      "// The last.\n";
  EXPECT_EQ(Format(text), text);
}

TEST(SourcePrinterTest, LosesNoCommentInOddPlaces) {
  // Words of which every gap gets a comment, in each of three ways.
  const char* bodies[] = {
      "f ( a + b ) [ 1 ; 2 ] { x = 1 ; y = ( 2 , 3 ) }",
      "let x = ( fun a -> a . b ) in x |> f 1 |> g",
      "if a then b elif c then d else Just e",
      "match x with | Just ( a , b ) -> ( match a with | 1 -> 2 ) | _ -> [ ]",
      "f ( fun x -> x ) ( let y = 1 in y ) -5",
      "partial \"t\" ( flag \"n\" a b c )",
  };
  int tried = 0;
  int held = 0;
  for (const char* body : bodies) {
    std::vector<std::string> words;
    std::istringstream in{std::string(body)};
    for (std::string word; in >> word;) words.push_back(word);
    for (const char* comment : {"(* c1 *)", "// c1\n      ", "\n      // c1\n      ", "(* c1\nc *)",
                                "(* c1 *) // c1\n      "}) {
      for (size_t gap = 0; gap <= words.size(); ++gap) {
        std::string source = "[repl Test]\n ";
        for (size_t i = 0; i <= words.size(); ++i) {
          if (i == gap) source += std::string(comment) + " ";
          if (i < words.size()) source += words[i] + " ";
        }
        std::string once = Format(source);
        auto count = [](const std::string& text) {
          size_t found = 0;
          for (size_t at = 0; (at = text.find("c1", at)) != std::string::npos; ++at) ++found;
          return found;
        };
        ++tried;
        if (!Holds(source)) continue;  // a line that ends there means something else
        ++held;
        EXPECT_EQ(count(once), count(source)) << source << "\n-> " << once;
      }
    }
  }
  EXPECT_GT(held, tried * 3 / 4) << "of " << tried;
}

// Every form in every other form, at every place of it.
const std::vector<std::string> kForms = {
    "1",
    "-1",
    "true",
    "\"s\"",
    "'c'",
    "1.5",
    "-2.5",
    "null",
    "blank",
    "(let n = @ in @)",
    "(if @ then @ else @)",
    "(@ + @)",
    "(@ ^ @)",
    "(@ && @)",
    "(@ == @)",
    "(@ * @)",
    "(@ - @)",
    "(fun p q -> @)",
    "(@.field)",
    "v",
    "``in``",
    "(f @ @)",
    "(M.g_v1_ster @)",
    "M.h",
    "(+)",
    "((+) @ @)",
    "(partial \"t\" @)",
    "(rightPartial \"t\" @)",
    "(leftPartial \"t\" @)",
    "[@; @]",
    "[]",
    "(@, @)",
    "{ a = @; ``b c`` = @ }",
    "{}",
    "(@ |> f @ |> M.g)",
    "(@ |> @)",
    "(Just @)",
    "Nothing",
    "(Error @)",
    "(match @ with | Just (Ok p), -1 -> @ | \"s\" -> @ | _ -> @)",
    "(flag \"n\" @ @ @)"};

std::string Fill(const std::string& form, size_t place, const std::string& with) {
  std::string text;
  size_t at = 0;
  for (char c : form) {
    if (c != '@')
      text += c;
    else
      text += at++ == place ? with : "x";
  }
  return text;
}

TEST(SourcePrinterTest, EveryFormHoldsInEveryOther) {
  size_t held = 0;
  size_t tried = 0;
  for (const std::string& outer : kForms) {
    auto places = static_cast<size_t>(std::count(outer.begin(), outer.end(), '@'));
    for (size_t place = 0; place < places; ++place)
      for (const std::string& middle : kForms) {
        auto inner_places = static_cast<size_t>(std::count(middle.begin(), middle.end(), '@'));
        std::string long_name(70, 'w');
        std::vector<std::string> fillings;
        for (size_t inner = 0; inner < inner_places; ++inner)
          for (const std::string& innermost :
               {std::string("y"), "(g " + long_name + " (fun k -> k))",
                std::string("(let m = 1 in m)"), "(" + long_name + " || " + long_name + ")"})
            fillings.push_back(Fill(middle, inner, innermost));
        if (inner_places == 0) fillings.push_back(middle);
        for (const std::string& filling : fillings) {
          ++tried;
          held += Holds("[repl Test]\n" + Fill(outer, place, filling) + "\n") ? 1 : 0;
        }
      }
  }
  EXPECT_GT(held, tried * 9 / 10) << "of " << tried;
}

TEST(SourcePrinterTest, SaysWhereAFileIsWrong) {
  FormatResult result = FormatCanvas("[repl X]\n(1 +\n");
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_TRUE(result.text.empty());
  EXPECT_THAT(result.errors[0].message(), HasSubstr("expected an expression"));
}

TEST(SourcePrinterTest, LongChainsTakeNoMoreThanTheirLength) {
  std::string nested = "x";
  for (int i = 0; i < 60; ++i)
    nested = "List.map_v0 xs (fun a" + std::to_string(i) + " -> " + nested + ")";
  EXPECT_TRUE(Holds("[repl X]\nlet y = " + nested + "\ny\n"));
}

TEST(SourcePrinterTest, ACommandStaysAsItIsWritten) {
  const std::string canvas =
      "[exec-handler GET /a]\n// first\n/bin/sh -c '\n  echo   $HOME\n// no comment'\n"
      "\n// of the next\n[exec-handler POST /b]\n/bin/cat   x\n";
  FormatResult result = FormatCanvas("[exec-handler  get /a]" + canvas.substr(21) + "\n\n");
  ASSERT_TRUE(result.errors.empty());
  EXPECT_EQ(result.text, canvas);
}

TEST(SourcePrinterTest, ACommandKeepsTheSpaceThatItsMeaningHangsOn) {
  for (std::string_view command : {"[repl x]", "/bin/echo a\\ ", "[fn 'a\nb']"}) {
    std::string canvas = "[exec-handler GET /a]\n " + std::string(command) + "\n";
    FormatResult once = FormatCanvas(canvas);
    ASSERT_TRUE(once.errors.empty()) << command << ": " << once.errors[0].message();
    EXPECT_EQ(FormatCanvas(once.text).text, once.text) << command;
  }
}

}  // namespace
}  // namespace nightjar::lang
