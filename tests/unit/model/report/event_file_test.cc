#include "model/report/event_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/event_file_reader.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class EventFileTest : public ::testing::Test {
 protected:
  EventFileTest() {
    auto file = EventFile::Create(directory_.path() / "runs" / "one");
    if (!file.ok()) ADD_FAILURE() << file.status();
    file_ = *std::move(file);
  }

  std::string Bytes() {
    EXPECT_TRUE(file_->Flush().ok());
    std::ifstream stream(file_->path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  TempDirectory directory_;
  std::unique_ptr<EventFile> file_;
};

TEST_F(EventFileTest, CurvesComeBackPointByPoint) {
  file_->AddScalar("loss/click", 0.5, 256);
  file_->AddScalar("loss/click", 0, 512);
  file_->AddScalar("loss/<buy>", -2.25, int64_t{1} << 40);
  const ReadEvents events = ReadEventFile(Bytes());
  EXPECT_EQ(events.error, "");
  EXPECT_EQ(events.file_version, "brain.Event:2");
  EXPECT_THAT(events.scalars, ElementsAre(Pair("loss/<buy>", ElementsAre(Pair(int64_t{1} << 40, -2.25f))),
                                          Pair("loss/click", ElementsAre(Pair(256, 0.5f), Pair(512, 0.0f)))));
}

TEST_F(EventFileTest, WhatIsNotFiniteIsLeftOut) {
  file_->AddScalar("loss", NAN, 1);
  file_->AddScalar("loss", std::numeric_limits<double>::infinity(), 1);
  file_->AddHistogram("weights", {NAN, std::numeric_limits<float>::infinity()}, 1);
  file_->AddHistogram("weights", {}, 1);
  file_->AddHistogram("gradients", {NAN, 2.0f}, 1);
  const ReadEvents events = ReadEventFile(Bytes());
  EXPECT_EQ(events.error, "");
  EXPECT_TRUE(events.scalars.empty());
  EXPECT_EQ(events.histograms.count("weights"), 0u);
  EXPECT_EQ(events.histograms.at("gradients")[0].second.num, 1);
}

TEST_F(EventFileTest, AHistogramsNumbersAreTheValues) {
  file_->AddHistogram("weights", {-1, 0, 0, 2, 0.5f}, 7);
  const ReadEvents events = ReadEventFile(Bytes());
  ASSERT_EQ(events.error, "");
  ASSERT_EQ(events.histograms.at("weights")[0].first, 7);
  const ReadHistogram& h = events.histograms.at("weights")[0].second;
  EXPECT_EQ(h.min, -1);
  EXPECT_EQ(h.max, 2);
  EXPECT_EQ(h.num, 5);
  EXPECT_EQ(h.sum, 1.5);
  EXPECT_EQ(h.sum_squares, 5.25);
}

TEST_F(EventFileTest, EveryValueIsWithinItsBucketAndBucketsAreNarrow) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values = {0, -0.0f, 1e-20f, std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::lowest()};
  for (int i = 0; i < 1000; ++i) values.push_back(normal(random) * std::pow(10.0f, static_cast<float>(i % 9) - 6));
  file_->AddHistogram("w", values, 0);
  const ReadHistogram h = ReadEventFile(Bytes()).histograms.at("w")[0].second;
  ASSERT_EQ(h.limits.size(), h.counts.size());
  double counted = 0;
  for (size_t i = 0; i < h.limits.size(); ++i) {
    counted += h.counts[i];
    if (i > 0) {
      ASSERT_LT(h.limits[i - 1], h.limits[i]);
    }
    const double low = i > 0 ? h.limits[i - 1] : -std::numeric_limits<double>::infinity();
    const auto inside = [&](float v) { return v >= low && v < h.limits[i]; };
    EXPECT_EQ(std::count_if(values.begin(), values.end(), inside), h.counts[i]) << low << " to " << h.limits[i];
    if (h.counts[i] == 0) continue;
    ASSERT_GT(i, 0u) << "the first bucket has no lower end, so it must be empty";
    if (std::min(std::abs(low), std::abs(h.limits[i])) > 1e-11) {
      EXPECT_NEAR(std::abs(h.limits[i] - low) / std::max(std::abs(low), std::abs(h.limits[i])), 1 - 1 / 1.1, 1e-6);
    }
  }
  EXPECT_EQ(counted, static_cast<double>(values.size()));
}

TEST_F(EventFileTest, AChangedByteIsNoticedByItsReader) {
  file_->AddScalar("loss", 0.5, 1);
  const std::string bytes = Bytes();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    EXPECT_NE(ReadEventFile(changed).error, "") << "byte " << i;
  }
}

TEST_F(EventFileTest, EveryFileOfADirectoryIsANewOneThatTensorBoardKnowsByItsName) {
  const auto other = EventFile::Create(directory_.path() / "runs" / "one");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_NE((*other)->path(), file_->path());
  EXPECT_THAT((*other)->path().filename().string(), testing::StartsWith("events.out.tfevents."));
}

TEST_F(EventFileTest, WhatCannotBeWrittenIsAnErrorWithItsPath) {
  std::ofstream(directory_.path() / "file") << "x";
  const auto below_a_file = EventFile::Create(directory_.path() / "file" / "run");
  EXPECT_FALSE(below_a_file.ok());
  EXPECT_THAT(std::string(below_a_file.status().message()), HasSubstr("file/run"));
}

}  // namespace
}  // namespace polyscene
