#include "worker/lang/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar::lang {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Texts(std::string_view source) {
  std::vector<std::string> texts;
  LexResult result = Lex(source, 1);
  EXPECT_TRUE(result.errors.empty()) << source;
  for (const Token& token : result.tokens)
    if (token.kind != TokenKind::kEnd) texts.push_back(token.text);
  return texts;
}

LexError ErrorOf(std::string_view source) {
  LexResult result = Lex(source, 1);
  EXPECT_EQ(result.errors.size(), 1u) << source;
  return result.errors.empty() ? LexError{} : result.errors[0];
}

TEST(LexerTest, CutsWordsNumbersAndOperators) {
  EXPECT_THAT(Texts("let x=List.map_v0 xs"),
              ElementsAre("let", "x", "=", "List", ".", "map_v0", "xs"));
  EXPECT_THAT(Texts("a|>b||c<=d<>e++f"),
              ElementsAre("a", "|>", "b", "||", "c", "<=", "d", "<>", "e", "++", "f"));
  EXPECT_THAT(Texts("999I 7L 1.50 2e3 4.0E-2"), ElementsAre("999", "7", "1.50", "2e3", "4.0E-2"));
}

TEST(LexerTest, TakesAMinusForASignOnlyWhereNoOperandStandsBefore) {
  EXPECT_THAT(Texts("f -5"), ElementsAre("f", "-5"));
  EXPECT_THAT(Texts("[-1;-2]"), ElementsAre("[", "-1", ";", "-2", "]"));
  EXPECT_THAT(Texts("n-1"), ElementsAre("n", "-", "1"));
  EXPECT_THAT(Texts("n - 1"), ElementsAre("n", "-", "1"));
  EXPECT_THAT(Texts("(-5)-3"), ElementsAre("(", "-5", ")", "-", "3"));
}

TEST(LexerTest, DecodesEscapes) {
  EXPECT_THAT(Texts(R"("a\n\t\"\\b")"), ElementsAre("a\n\t\"\\b"));
  EXPECT_THAT(Texts(R"("\u00e9\U0001F600\x41")"), ElementsAre("\u00e9\U0001F600A"));
  EXPECT_THAT(Texts(R"("\ud83d\ude00")"), ElementsAre("\U0001F600"));
  EXPECT_THAT(Texts(R"('\'' 'x')"), ElementsAre("'", "x"));
}

TEST(LexerTest, ReadsNumbersInEveryFormOfFSharp) {
  EXPECT_THAT(Texts("1. [1.;2] -0.5 1_000 0.000_1"),
              ElementsAre("1.", "[", "1.", ";", "2", "]", "-0.5", "1000", "0.0001"));
  EXPECT_THAT(Texts("0xff 0X10L -0x2 0xFFFFFFFFFFFFFFFF"), ElementsAre("255", "16", "-2", "-1"));
  EXPECT_THAT(Texts("x.1 1.x"), ElementsAre("x", ".", "1", "1", ".", "x"));
  EXPECT_THAT(ErrorOf("0x").message, HasSubstr("hexadecimal"));
  EXPECT_THAT(ErrorOf("0x12345678901234567").message, HasSubstr("hexadecimal"));
}

TEST(LexerTest, ReadsStringsInEveryFormOfFSharp) {
  EXPECT_THAT(Texts(R"("""a "quoted" \n word""" 1)"), ElementsAre(R"(a "quoted" \n word)", "1"));
  EXPECT_THAT(Texts(R"(@"c:\new ""x""" 1)"), ElementsAre(R"(c:\new "x")", "1"));
  EXPECT_THAT(Texts("\"one \\\n   two\""), ElementsAre("one two"));
  EXPECT_THAT(Texts(R"("\065\233\0")"), ElementsAre(std::string("A\u00e9\0", 4)));
  EXPECT_THAT(ErrorOf(R"("\999")").message, HasSubstr("no such character"));
  EXPECT_THAT(ErrorOf(R"("""a"")").message, HasSubstr("no closing quote"));
}

TEST(LexerTest, KeepsAnUnknownEscapeAsItStands) {
  EXPECT_THAT(Texts(R"("\d+")"), ElementsAre("\\d+"));
}

TEST(LexerTest, ReadsOddNamesInBackticks) {
  LexResult result = Lex("{ ``Content-Type`` = 1 }", 1);
  ASSERT_GT(result.tokens.size(), 1u);
  EXPECT_EQ(result.tokens[1].text, "Content-Type");
  EXPECT_TRUE(result.tokens[1].quoted);
}

TEST(LexerTest, SkipsComments) {
  EXPECT_THAT(Texts("1 // one\n// two\n2"), ElementsAre("1", "2"));
  EXPECT_THAT(Texts("\"// not one\""), ElementsAre("// not one"));
}

TEST(LexerTest, KnowsWhereEachTokenStands) {
  LexResult result = Lex("a\n  \u00e9", 10);
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].line, 11u);
  EXPECT_EQ(result.errors[0].column, 3u);

  result = Lex("\"\u00e9\u00e9\" x\ny", 10);
  ASSERT_EQ(result.tokens.size(), 4u);
  EXPECT_EQ(result.tokens[1].column, 6u) << "columns count characters, not bytes";
  EXPECT_FALSE(result.tokens[1].first_on_line);
  EXPECT_EQ(result.tokens[2].line, 11u);
  EXPECT_TRUE(result.tokens[2].first_on_line);
}

TEST(LexerTest, SaysWhatIsWrong) {
  EXPECT_THAT(ErrorOf("\"never ends").message, HasSubstr("no closing quote"));
  EXPECT_THAT(ErrorOf("\"ends in \\").message, HasSubstr("escape"));
  EXPECT_THAT(ErrorOf("``half").message, HasSubstr("no end"));
  EXPECT_THAT(ErrorOf("''").message, HasSubstr("single quotes"));
  EXPECT_THAT(ErrorOf("12abc").message, HasSubstr("number"));
  EXPECT_THAT(ErrorOf("\"\\u00g0\"").message, HasSubstr("hexadecimal"));
  EXPECT_THAT(ErrorOf("#").message, HasSubstr("no meaning"));
}

TEST(LexerTest, RefusesSurrogatesWithoutTheirOtherHalf) {
  EXPECT_THAT(ErrorOf(R"("\ud83d")").message, HasSubstr("no such character"));
  EXPECT_THAT(ErrorOf(R"("\ud83d\u0041")").message, HasSubstr("no such character"));
  EXPECT_THAT(ErrorOf(R"("\ud83d\uzzzz")").message, HasSubstr("hexadecimal"));
  EXPECT_THAT(ErrorOf(R"("\ude00")").message, HasSubstr("no such character"));
  EXPECT_THAT(ErrorOf("\"\\ud83d\\u").message, HasSubstr("hexadecimal"));
}

}  // namespace
}  // namespace nightjar::lang
