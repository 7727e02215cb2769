// Times and values as text.
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "model/data/event_times.h"
#include "model/data/field_parser.h"

namespace polyscene {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kApril2008 = 1'207'008'000 * kSecond;  // 2008-04-01T00:00:00Z

int64_t Micros(absl::string_view text) {
  int64_t micros = std::numeric_limits<int64_t>::min();
  EXPECT_TRUE(ParseTimeMicros(text, &micros)) << text;
  return micros;
}

TEST(ParseTimeMicrosTest, ReadsDates) {
  EXPECT_EQ(Micros("1970-01-01"), 0);
  EXPECT_EQ(Micros("2008-04-01"), kApril2008);
  EXPECT_EQ(Micros("2000-03-01") - Micros("2000-02-28"), 2 * 86'400 * kSecond);  // 2000 was a leap year,
  EXPECT_EQ(Micros("1900-03-01") - Micros("1900-02-28"), 1 * 86'400 * kSecond);  // 1900 was not.
  EXPECT_EQ(Micros("1969-12-31"), -86'400 * kSecond);
}

TEST(ParseTimeMicrosTest, ReadsTimesOfDay) {
  EXPECT_EQ(Micros("2008-04-01T01:02"), kApril2008 + 3720 * kSecond);
  EXPECT_EQ(Micros("2008-04-01 01:02:03"), kApril2008 + 3723 * kSecond);
  EXPECT_EQ(Micros("2008-04-01T01:02:03.25"), kApril2008 + 3723 * kSecond + 250'000);
  EXPECT_EQ(Micros("2008-04-01T00:00:00.1234567"), kApril2008 + 123'456);
}

TEST(ParseTimeMicrosTest, ZonesAreAheadOfUtc) {
  EXPECT_EQ(Micros("2008-04-01T02:00:00Z"), kApril2008 + 7200 * kSecond);
  EXPECT_EQ(Micros("2008-04-01T02:00:00+02:00"), kApril2008);
  EXPECT_EQ(Micros("2008-04-01T02:00+0200"), kApril2008);
  EXPECT_EQ(Micros("2008-03-31T18:30-05:30"), kApril2008);
  EXPECT_EQ(Micros("2008-04-01T02:00+02"), kApril2008);
}

TEST(ParseTimeMicrosTest, ReadsSecondsAndMillisecondsSince1970) {
  EXPECT_EQ(Micros("0"), 0);
  EXPECT_EQ(Micros("1207008000"), kApril2008);
  EXPECT_EQ(Micros("1207008000123"), kApril2008 + 123'000);
  EXPECT_EQ(Micros("-60"), -60 * kSecond);
}

TEST(IsDateTest, ADateHasNoTimeOfDay) {
  EXPECT_TRUE(IsDate("2008-04-01"));
  for (const char* const text : {"2008-04-01T00:00", "2008-04-01 00:00:00Z", "1207008000", ""}) {
    EXPECT_FALSE(IsDate(text)) << text;
  }
}

TEST(ParseTimeMicrosTest, RefusesWhatIsNoTime) {
  for (const char* const text :
       {"", "today", "2008-13-01", "2008-02-30", "2008-04-01T", "2008-04-01T24:00", "2008-04-01T10:60", "2008-04-01x",
        "2008-04-01T10:00+", "2008-4-1", "12.5", "1e9", "99999999999999999", "2008-04-01T10:00:00."}) {
    int64_t micros = 7;
    EXPECT_FALSE(ParseTimeMicros(text, &micros)) << text;
    EXPECT_EQ(micros, 7) << text;
  }
}

TEST(ParseInt64Test, ReadsWholeNumbersAlsoWhereToolsWriteThemAsFloats) {
  const auto parse = [](absl::string_view text) {
    int64_t value = -1;
    EXPECT_TRUE(ParseInt64(text, &value)) << text;
    return value;
  };
  EXPECT_EQ(parse("29"), 29);
  EXPECT_EQ(parse(" +29 "), 29);
  EXPECT_EQ(parse("29.0"), 29);
  EXPECT_EQ(parse("-9223372036854775807"), -9223372036854775807);
}

TEST(ParseInt64Test, RefusesFractionsJunkAndTheValueThatMeansMissing) {
  int64_t value = 7;
  for (const char* const text :
       {"", " ", "29.5", "x", "29x", "2 9", "1e3", "+-1", "9223372036854775808", "-9223372036854775808"}) {
    EXPECT_FALSE(ParseInt64(text, &value)) << text;
  }
  EXPECT_EQ(value, 7);
}

TEST(ParseFloatTest, ReadsFiniteNumbers) {
  float value = 0;
  EXPECT_TRUE(ParseFloat("-1.5e2", &value));
  EXPECT_EQ(value, -150);
  EXPECT_TRUE(ParseFloat("1e-60", &value));
  EXPECT_EQ(value, 0);
}

TEST(ParseFloatTest, RefusesWhatIsNotFiniteOrNoNumber) {
  float value = 7;
  for (const char* const text : {"", "nan", "inf", "-INF", "1e39", "abc", "1,5", "1.5.2"}) {
    EXPECT_FALSE(ParseFloat(text, &value)) << text;
  }
  EXPECT_EQ(value, 7);
}

TEST(ParseTruthTest, ReadsWhatDatabasesWriteAndNothingElse) {
  float value = 5;
  for (const char* const text : {"t", "T", "true", "TRUE"}) {
    EXPECT_TRUE(ParseTruth(text, &value)) << text;
    EXPECT_EQ(value, 1);
  }
  for (const char* const text : {"f", "F", "false", "False"}) {
    EXPECT_TRUE(ParseTruth(text, &value)) << text;
    EXPECT_EQ(value, 0);
  }
  for (const char* const text : {"", "y", "no", "tru", "truee", "1"}) EXPECT_FALSE(ParseTruth(text, &value)) << text;
}

TEST(IsUtf8Test, TellsTextFromOtherBytes) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain text of more than eight bytes"));
  EXPECT_TRUE(IsUtf8("M\xC3\xBCnchen \xE2\x82\xAC \xF0\x9F\x91\x9F"));
  EXPECT_FALSE(IsUtf8("M\xFCnchen"));        // Latin-1
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));          // An overlong slash.
  EXPECT_FALSE(IsUtf8("\xE0\x80\xAF"));      // The same in three bytes.
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));      // A surrogate.
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));  // Beyond Unicode.
  EXPECT_FALSE(IsUtf8("cut off \xE2\x82"));
}

}  // namespace
}  // namespace polyscene
