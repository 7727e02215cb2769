#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/evaluation/evaluation.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// An evaluation with rows of every kind of task.
Evaluation Filled() {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform;
  Evaluation evaluation(ShopLayout());
  for (int i = 0; i < 500; ++i) {
    const float p = uniform(random);
    evaluation.Add(i % 2, kClick, {p}, {uniform(random) < p ? 1.0f : 0.0f});
    evaluation.Add(kSearch, kCategory, {p, (1 - p) / 2, (1 - p) / 2}, {static_cast<float>(i % 3)});
    evaluation.Add(kFeed, kDemand, {p, 2 * p}, {3 * p, uniform(random)});
  }
  return evaluation;
}

TEST(EvaluationCodecTest, ARoundTripKeepsEveryBit) {
  const Evaluation evaluation = Filled();

  absl::StatusOr<Evaluation> parsed = Evaluation::Parse(ShopLayout(), evaluation.Serialize());

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const std::vector<EvaluationFigure> expected = evaluation.Figures();
  const std::vector<EvaluationFigure> figures = parsed->Figures();
  ASSERT_EQ(figures.size(), expected.size());
  for (size_t i = 0; i < figures.size(); ++i) EXPECT_EQ(figures[i].value, expected[i].value);
  EXPECT_EQ(parsed->Serialize(), evaluation.Serialize());
}

TEST(EvaluationCodecTest, AParsedOneGoesOnAsTheOneItCameFrom) {
  Evaluation evaluation = Filled();
  absl::StatusOr<Evaluation> parsed = Evaluation::Parse(ShopLayout(), evaluation.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status();

  for (Evaluation* each : {&evaluation, &*parsed}) each->Add(kSearch, kClick, {0.3f}, {1});

  EXPECT_EQ(parsed->Serialize(), evaluation.Serialize());
}

TEST(EvaluationCodecTest, AQuantilesSumsRoundTrip) {
  EvaluationLayout layout = ShopLayout();
  layout.tasks[kDemand].quantile = 0.25;
  Evaluation evaluation(layout);
  evaluation.Add(kFeed, kDemand, {1, 5}, {3, 4});
  evaluation.Add(kFeed, kDemand, {2, 5}, {1, 9});

  const absl::StatusOr<Evaluation> parsed = Evaluation::Parse(layout, evaluation.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  for (const char* metric : {"pinball", "coverage", "mae"}) {
    EXPECT_EQ(Find(parsed->Figures(), "feed", "demand[1]", metric)->value,
              Find(evaluation.Figures(), "feed", "demand[1]", metric)->value);
  }
  // One of another quantile sums something else.
  EXPECT_EQ(Evaluation::Parse(ShopLayout(), evaluation.Serialize()).status().code(), absl::StatusCode::kDataLoss);
}

TEST(EvaluationCodecTest, OnlyBinsThatSawRowsTakeBytes) {
  Evaluation evaluation(ShopLayout());
  for (int i = 0; i < 1000; ++i) evaluation.Add(kSearch, kClick, {0.25f}, {0});

  EXPECT_LT(evaluation.Serialize().size(), 60);
}

TEST(EvaluationCodecTest, AnEmptyOneRoundTrips) {
  const Evaluation empty(ShopLayout());

  absl::StatusOr<Evaluation> parsed = Evaluation::Parse(ShopLayout(), empty.Serialize());

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->Figures().empty());
}

TEST(EvaluationCodecTest, AnotherLayoutIsDataLoss) {
  EvaluationLayout other = ShopLayout();
  other.tasks[kCategory].outputs = 4;

  const absl::StatusOr<Evaluation> parsed = Evaluation::Parse(other, Filled().Serialize());

  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("fingerprint"));
}

TEST(EvaluationCodecTest, BytesCutAnywhereAreDataLoss) {
  const std::string bytes = Filled().Serialize();

  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(Evaluation::Parse(ShopLayout(), bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss)
        << "cut to " << size << " bytes";
  }
}

TEST(EvaluationCodecTest, AnyChangedByteIsDataLoss) {
  const std::string bytes = Filled().Serialize();

  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] ^= 0x10;
    ASSERT_EQ(Evaluation::Parse(ShopLayout(), changed).status().code(), absl::StatusCode::kDataLoss)
        << "byte " << at << " changed";
  }
}

// FNV-1a in 8 bytes, as the format ends: with it, what follows meets the reader's own checks.
std::string WithChecksum(std::string body) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : body) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  for (int shift = 0; shift < 64; shift += 8) body.push_back(static_cast<char>(hash >> shift));
  return body;
}

TEST(EvaluationCodecTest, ChangedBytesBehindAGoodChecksumNeverCrash) {
  const std::string bytes = Filled().Serialize();
  const std::string body = bytes.substr(0, bytes.size() - 8);
  ASSERT_EQ(WithChecksum(body), bytes);
  std::mt19937 random(11);

  for (int i = 0; i < 2000; ++i) {
    std::string changed = body.substr(0, 10 + random() % (body.size() - 9));
    for (int flips = 0; flips < 3; ++flips) changed[9 + random() % (changed.size() - 9)] = static_cast<char>(random());
    const absl::StatusOr<Evaluation> parsed = Evaluation::Parse(ShopLayout(), WithChecksum(changed));
    EXPECT_THAT(parsed.status().code(), AnyOf(absl::StatusCode::kOk, absl::StatusCode::kDataLoss));
  }
}

TEST(EvaluationCodecTest, ACutBodyBehindAGoodChecksumIsDataLoss) {
  const std::string bytes = Filled().Serialize();

  for (size_t size = 0; size + 8 < bytes.size(); ++size) {
    ASSERT_EQ(Evaluation::Parse(ShopLayout(), WithChecksum(bytes.substr(0, size))).status().code(),
              absl::StatusCode::kDataLoss)
        << "cut to " << size << " bytes";
  }
}

}  // namespace
}  // namespace polyscene
