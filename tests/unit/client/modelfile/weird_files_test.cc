// Files as they come: whatever they hold, the answer is a model file that loads, or an error that names the trouble.
#include <gmock/gmock.h>

#include "absl/strings/str_split.h"
#include "tests/unit/client/modelfile/init_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

class WeirdFilesTest : public InitTest {
 protected:
  std::string Error(const std::string& csv) {
    const auto result = TryInit(csv);
    EXPECT_FALSE(result.ok()) << result->written.text;
    return std::string(result.status().message());
  }
};

TEST_F(WeirdFilesTest, NamesThatAModelFileDoesNotAllowKeepTheirColumn) {
  const InitResult result =
      Init("\"Qty (kg)\",\"say \"\"hi\"\"\",\"two\nlines\",größe,back\\slash,y\n1,a,2,b,c,1\n3,b,5,a,d,0\n");
  EXPECT_EQ(FeatureOf(result, "Qty (kg)").name(), "Qty_kg");
  EXPECT_EQ(FeatureOf(result, "say \"hi\"").name(), "say_hi");
  EXPECT_EQ(FeatureOf(result, "two\nlines").name(), "two_lines");
  EXPECT_EQ(FeatureOf(result, "größe").column(), "größe");
  EXPECT_EQ(FeatureOf(result, "back\\slash").column(), "back\\slash");
}

TEST_F(WeirdFilesTest, ANamelessColumnIsLeftOut) {
  const InitResult result = Init(",kind,y\n0,a,1\n1,b,0\n2,a,1\n");
  EXPECT_EQ(result.guess.columns[0].role, Role::kLeftOut);
  EXPECT_THAT(result.written.text, HasSubstr("the header does not name it"));
}

TEST_F(WeirdFilesTest, WhatCannotBeGuessedFromIsAClearError) {
  EXPECT_THAT(Error(""), HasSubstr("the file is empty"));
  EXPECT_THAT(Error("a,b,y\n"), HasSubstr("has a header and no rows"));
  EXPECT_THAT(Error("a,b,a\n1,2,3\n"), HasSubstr("more than one column 'a'"));
  EXPECT_THAT(Error("a;b;y\n1;2;3\n"), HasSubstr("seems to be separated by ';', expected commas"));
  EXPECT_THAT(Error("a\tb\n1\t2\n"), HasSubstr("separated by tabs"));
  EXPECT_THAT(Error("y\n1\n0\n"), HasSubstr("no column is left to be a feature"));
  EXPECT_THAT(Error("click,churn,y_spend\n1,0,3\n0,1,4\n"), HasSubstr("no column is left to be a feature"));
  EXPECT_THAT(Error("name,kind\nx,a\ny,b\n"), HasSubstr("no column can be a label"));
  EXPECT_THAT(Error("a,b\n1\n2\n3\n"), HasSubstr("no row can be read: line 2 has 1 field"));
}

TEST_F(WeirdFilesTest, BinaryGarbageIsAClearError) {
  std::string garbage = "PK\x03\x04";
  uint32_t state = 1;
  for (int i = 0; i < 100'000; ++i) garbage.push_back(static_cast<char>((state = state * 1664525 + 1013904223) >> 24));
  EXPECT_THAT(Error(garbage), HasSubstr("events.csv"));
  EXPECT_FALSE(TryInit("a,b,y\n" + garbage).ok());
}

TEST_F(WeirdFilesTest, TextThatIsNotUtf8IsLeftOut) {
  const InitResult result = Init(
      "bad,b\xff"
      "ad,kind,y\n\xff,1,a,1\nx,2,b,0\n");
  EXPECT_EQ(RoleOf(result, "bad"), "left out");
  EXPECT_EQ(RoleOf(result,
                   "b\xff"
                   "ad"),
            "left out");
  EXPECT_EQ(RoleOf(result, "kind"), "feature");
}

TEST_F(WeirdFilesTest, AHeaderOfNumbersIsDoubted) {
  EXPECT_TRUE(Doubts(Init("5.1,3.5,1.4,1\n4.9,3.0,1.4,0\n4.7,3.2,1.3,1\n"), "Does the file have a header?"));
}

TEST_F(WeirdFilesTest, TwoThousandColumnsMakeAModelFile) {
  std::string csv = "y";
  for (int c = 1; c < 2000; ++c) absl::StrAppend(&csv, ",c", c);
  for (int row = 0; row < 60; ++row) {
    absl::StrAppend(&csv, "\n", row % 2);
    for (int c = 1; c < 2000; ++c) absl::StrAppend(&csv, ",", (row * c) % 97);
  }
  const InitResult result = Init(csv + "\n");
  EXPECT_EQ(result.proposal.file.features_size() + static_cast<int>(result.guess.All(Role::kLeftOut).size()), 1999);
  EXPECT_GT(result.proposal.file.features_size(), 1800);
}

TEST_F(WeirdFilesTest, AHundredLabelsMakeTasks) {
  std::string csv = "kind";
  for (int c = 0; c < 100; ++c) absl::StrAppend(&csv, ",y_a", c);
  for (int row = 0; row < 20; ++row) {
    absl::StrAppend(&csv, "\n", row % 7);
    for (int c = 0; c < 100; ++c) absl::StrAppend(&csv, ",", (row * c) % 11);
  }
  EXPECT_EQ(TaskOf(Init(csv + "\n"), "y_a").forecast().horizon(), 100);
}

TEST_F(WeirdFilesTest, ASampleOfALongerFileSaysSo) {
  InitOptions options;
  options.events = Write(Csv("kind,y", 1000, [](int i) { return absl::StrCat(i % 9, ",", i % 2); }));
  options.sample.rows = 100;
  const auto result = InitModel(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->sample.rows(), 100);
  EXPECT_FALSE(result->sample.whole_file());
  EXPECT_TRUE(Doubts(*result, "What comes after the first 100 rows?"));
}

TEST_F(WeirdFilesTest, EditsNameLinesThatStandInTheText) {
  const InitResult result = Init(Csv("event_date,item_id,price,kind,y_grade", 300, [](int i) {
    return absl::StrCat("2024-01-0", 1 + i / 100, ",i", i % 40, ",", i % 17, ",", i % 9, ",", i % 6);
  }));
  const std::vector<std::string> lines = absl::StrSplit(result.written.text, "\n");
  int told = 0;
  for (const Edit& edit : result.written.edits) {
    for (const Edit::Line& line : edit.now) {
      ASSERT_LE(line.number, static_cast<int>(lines.size()));
      EXPECT_EQ(lines[line.number - 1], line.text);
      ++told;
    }
    // What is to be written instead loads too.
    if (edit.instead.empty() || edit.now.empty()) continue;
    std::vector<std::string> edited = lines;
    for (const Edit::Line& line : edit.now) edited[line.number - 1].clear();
    edited[edit.now[0].number - 1] = edit.instead[0];
    std::string text;
    for (const std::string& line : edited) absl::StrAppend(&text, line, "\n");
    EXPECT_TRUE(ModelSpec::Parse(text, "edited").ok()) << ModelSpec::Parse(text, "edited").status() << "\n" << text;
  }
  EXPECT_GT(told, 2);
}

}  // namespace
}  // namespace polyscene
