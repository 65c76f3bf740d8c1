// How a file of expressions is taken apart.

#include "conformance/expression_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar::conformance {
namespace {

ExpressionFile Read(std::string_view text) {
  auto file = ReadExpressionFile(text);
  EXPECT_TRUE(file.has_value()) << file.error().ToString();
  return file ? std::move(*file) : ExpressionFile();
}

TEST(ExpressionFileTest, TakesEachLineOfAGroupAsACase) {
  ExpressionFile file = Read(
      "// about\n"
      "1 = 1\n"
      "\n"
      "[tests.of numbers]\n"
      "  2 = 2 // is itself  \n"
      "\t// not a case\n"
      "[3] = [3]\r\n");
  ASSERT_EQ(file.cases.size(), 3u);
  EXPECT_EQ(file.cases[0].code, "1 = 1");
  EXPECT_EQ(file.cases[0].line, 2u);
  EXPECT_EQ(file.cases[0].group, "");
  EXPECT_EQ(file.cases[1].code, "2 = 2");
  EXPECT_EQ(file.cases[1].name, "is itself");
  EXPECT_EQ(file.cases[1].group, "of numbers");
  EXPECT_EQ(file.cases[1].line, 5u);
  EXPECT_EQ(file.cases[2].code, "[3] = [3]");
}

TEST(ExpressionFileTest, KnowsCommentsFromTextThatLooksLikeThem) {
  ExpressionFile file = Read(
      "f \"http://a//b\" = \"a // b\" // why\n"
      "f \"\\\" // x\" = 1\n"
      "f a//b = 1\n");
  ASSERT_EQ(file.cases.size(), 3u);
  EXPECT_EQ(file.cases[0].code, "f \"http://a//b\" = \"a // b\"");
  EXPECT_EQ(file.cases[0].name, "why");
  EXPECT_EQ(file.cases[1].code, "f \"\\\" // x\" = 1");
  EXPECT_EQ(file.cases[1].name, "");
  EXPECT_EQ(file.cases[2].code, "f a//b = 1");
}

TEST(ExpressionFileTest, CountsExpectedExceptions) {
  ExpressionFile file = Read(
      "f 1 = 2 // EXPECTED_EXCEPTION_COUNT: 1\n"
      "f 1 = 3 // both EXPECTED_EXCEPTION_COUNT: 12 of them\n"
      "[test.a block EXPECTED_EXCEPTION_COUNT: 3] with DB X\n"
      "f 4\n");
  ASSERT_EQ(file.cases.size(), 3u);
  EXPECT_EQ(file.cases[0].exceptions, 1u);
  EXPECT_EQ(file.cases[0].name, "");
  EXPECT_EQ(file.cases[1].exceptions, 12u);
  EXPECT_EQ(file.cases[2].exceptions, 3u);
  EXPECT_EQ(file.cases[2].name, "a block");
  EXPECT_THAT(file.cases[2].datastores, ::testing::ElementsAre("X"));
}

TEST(ExpressionFileTest, KeepsTheLinesOfABlockWhereTheyStood) {
  ExpressionFile file = Read(
      "[test.long]\n"
      "(let x = 1 in\n"
      "\n"
      "// between\n"
      " x) = 1\n"
      "[tests.next]\n"
      "2 = 2\n");
  ASSERT_EQ(file.cases.size(), 2u);
  EXPECT_EQ(file.cases[0].name, "long");
  EXPECT_EQ(file.cases[0].line, 1u);
  // Its first line is the one below the header.
  EXPECT_EQ(file.cases[0].code, "(let x = 1 in\n\n\n x) = 1");
  EXPECT_EQ(file.cases[1].code, "2 = 2");
}

TEST(ExpressionFileTest, ReadsWhatAGroupHasAtHand) {
  ExpressionFile file = Read(
      "[tests.a] with DB X, Y\n"
      "1\n"
      "[tests.b] with Worker Mail, DB Z, ExactCanvasName name, StaticAssetsDeployHash abc\n"
      "2\n"
      "[tests.c]\n"
      "3\n");
  ASSERT_EQ(file.cases.size(), 3u);
  EXPECT_THAT(file.cases[0].datastores, ::testing::ElementsAre("X", "Y"));
  EXPECT_THAT(file.cases[1].datastores, ::testing::ElementsAre("Z"));
  EXPECT_THAT(file.cases[1].workers, ::testing::ElementsAre("Mail"));
  EXPECT_TRUE(file.cases[2].datastores.empty());
}

TEST(ExpressionFileTest, ReadsFunctionsAndDatastores) {
  ExpressionFile file = Read(
      "[fn.add a:int b:int]\n"
      "// adds\n"
      "a + b\n"
      "\n"
      "[packagefn.half x:float]\n"
      "x / 2.0\n"
      "[db.People { \"name\" : \"Str\", \"age\" : \"[Int]\" }]\n"
      "add 1 2 = 3\n");
  ASSERT_EQ(file.functions.size(), 1u);
  EXPECT_EQ(file.functions[0].name, "add");
  EXPECT_EQ(file.functions[0].header, "add a:int b:int");
  EXPECT_EQ(file.functions[0].line, 1u);
  EXPECT_THAT(file.functions[0].body, ::testing::HasSubstr("a + b"));
  ASSERT_EQ(file.package_functions.size(), 1u);
  EXPECT_EQ(file.package_functions[0].body, "x / 2.0");
  ASSERT_EQ(file.datastores.size(), 1u);
  EXPECT_EQ(file.datastores[0].header, "People { \"name\" : \"Str\", \"age\" : \"[Int]\" }");
  // A datastore's header is all of it: what follows is a case again.
  ASSERT_EQ(file.cases.size(), 1u);
  EXPECT_EQ(file.cases[0].code, "add 1 2 = 3");
}

TEST(ExpressionFileTest, SaysWhereAHeaderIsBroken) {
  auto file = ReadExpressionFile("1 = 1\n[fn.broken a:int\n2\n");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(file.error().context, ::testing::StartsWith("line 2:"));
  EXPECT_FALSE(ReadExpressionFile("\xff = 1\n").has_value());
}

}  // namespace
}  // namespace nightjar::conformance
