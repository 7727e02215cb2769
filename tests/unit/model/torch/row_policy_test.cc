// Learners whose tables let rows go: snapshots, checkpoints and replays.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "model/learning/inspection.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/checkpoint_files.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr char kPolicies[] = R"(
  rows { admit_after: 2 expire_after_rows: 1024 }
  tables { name: "item" rows { max_bytes: 1048576 } }
  tables { name: "brand" rows { admit_after: 1 } }
)";

std::string ModelText(const std::string& policies) {
  return absl::StrCat(R"(
    name: "policies"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 512 } } } }
    features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "city" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "brand" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    scenes { name: "shop" tasks: ["click"] }
    tasks { name: "click" binary {} }
    network { shared_bottom { hidden: [4] } }
  )",
                      policies);
}

class RowPolicyTest : public testing::Test, protected CheckpointFiles {
 protected:
  // Step `number` of a stream whose popular items change; the same each time it is asked for.
  static OwnedExamples Rows(int number, int count = 64) {
    std::mt19937 random(static_cast<uint32_t>(number));
    const auto draw = [&random](double most) {
      const double uniform = static_cast<double>(random()) / 4294967296.0;
      return static_cast<int64_t>(std::pow(most, uniform));
    };
    OwnedExamples rows;
    rows.features.rows = count;
    for (const char* name : {"item", "user", "city", "brand"}) {
      auto& ids = rows.features.Add(name, ValueType::kInt64).ints;
      for (int i = 0; i < count; ++i) ids.push_back(draw(3'000) + number / 4);
    }
    rows.labels.push_back({"click", {}, {}});
    for (int i = 0; i < count; ++i) rows.labels[0].values.push_back(random() % 2 == 0 ? 1.0f : 0.0f);
    return rows;
  }

  void Write(Learner& learner, const fs::path& path) {
    const absl::Status status = CheckpointFiles::Write(learner, path);
    ASSERT_TRUE(status.ok()) << status;
  }
  static TableRows Of(const Learner& learner, const std::string& table) {
    for (const TableRows& rows : learner.tables()) {
      if (rows.table == table) return rows;
    }
    ADD_FAILURE() << table;
    return {};
  }
  std::vector<float> Scores(Learner& learner, const std::shared_ptr<const ModelSpec>& spec) {
    return Score(spec, *learner.MakeSnapshot(1, 0).value(), Rows(7, 500).features, "shop", "click");
  }

  const std::shared_ptr<const ModelSpec> spec_ = ParseModel(ModelText(kPolicies));
  const std::unique_ptr<Learner> learner_ = NewLearner(spec_);
};

TEST_F(RowPolicyTest, TheStreamAdmitsExpiresAndEvicts) {  // Or the other tests would show nothing.
  for (int i = 0; i < 120; ++i) Learn(*learner_, Rows(i));
  EXPECT_GT(Of(*learner_, "item").evicted, 500u);
  EXPECT_EQ(Of(*learner_, "item").waiting, 0u);
  EXPECT_GT(Of(*learner_, "user").expired, 100u);
  EXPECT_GT(Of(*learner_, "user").waiting, 100u);
  EXPECT_EQ(Of(*learner_, "brand").expired, 0u);
}

TEST_F(RowPolicyTest, ContinuingFromChainsEqualsNeverHavingStopped) {
  const auto unbroken = NewLearner(spec_);
  std::unique_ptr<Learner> learner = NewLearner(spec_);
  for (int i = 0; i < 120; ++i) {
    if (i % 5 == 4) {
      const std::string name = absl::StrCat("checkpoint", i);
      Write(*learner, Path(name));
      if (i % 10 == 9) learner = Load(spec_, name);
    }
    const StepReport expected = Learn(*unbroken, Rows(i));
    ASSERT_EQ(Learn(*learner, Rows(i)).loss, expected.loss) << i;  // To the bit.
  }
  EXPECT_EQ(Digest(*learner), Digest(*unbroken));
  ASSERT_GT(Of(*unbroken, "item").evicted, 500u);
}

TEST_F(RowPolicyTest, AChainLoadsToTheStateItWasWrittenOf) {
  for (int i = 0; i < 100; ++i) {
    Learn(*learner_, Rows(i));
    if (i >= 60 && i % 4 == 0) Write(*learner_, Path(absl::StrCat("checkpoint", i)));
  }
  Write(*learner_, Path("last"));
  EXPECT_EQ(Digest(Path("last")), Digest(*learner_));
  EXPECT_EQ(Digest(*Load(spec_, "last")), Digest(*learner_));
}

TEST_F(RowPolicyTest, RowsOfAFailedIncrementAreInTheNext) {
  for (int i = 0; i < 60; ++i) Learn(*learner_, Rows(i));
  Write(*learner_, Path("a"));
  for (int i = 60; i < 70; ++i) Learn(*learner_, Rows(i));
  learner_->EndCheckpoint(learner_->BeginCheckpoint(0, CheckpointKind::kIncremental).value());  // Never written.
  for (int i = 70; i < 75; ++i) Learn(*learner_, Rows(i));
  Write(*learner_, Path("b"));
  EXPECT_EQ(Digest(*Load(spec_, "b")), Digest(*learner_));
}

TEST_F(RowPolicyTest, SnapshotsChangeNothingOfWhatIsLearnedAndStayWhatTheyWere) {
  const auto twin = NewLearner(spec_);
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  std::vector<std::vector<float>> scores;
  for (int i = 0; i < 100; ++i) {
    Learn(*learner_, Rows(i));
    Learn(*twin, Rows(i));
    if (i % 3 != 0) continue;
    snapshots.push_back(learner_->MakeSnapshot(static_cast<uint64_t>(i), 0).value());
    scores.push_back(Score(spec_, *snapshots.back(), Rows(i, 300).features, "shop", "click"));
  }
  for (size_t i = 0; i < snapshots.size(); ++i) {
    ASSERT_EQ(Score(spec_, *snapshots[i], Rows(static_cast<int>(3 * i), 300).features, "shop", "click"), scores[i]);
  }
  EXPECT_EQ(Digest(*learner_), Digest(*twin));
}

TEST_F(RowPolicyTest, AModelFileThatGetsPoliciesTakesTheRowsOverAndOneThatLosesThemToo) {
  const auto plain = ParseModel(ModelText(""));
  const auto learner = NewLearner(plain);
  for (int i = 0; i < 5; ++i) Learn(*learner, Rows(i));
  ASSERT_TRUE(learner->SaveCheckpoint(Path("plain"), 0).ok());
  const auto with_policies = Load(spec_, "plain");
  EXPECT_EQ(Scores(*with_policies, spec_), Scores(*learner, plain));

  for (int i = 0; i < 60; ++i) Learn(*with_policies, Rows(i));
  ASSERT_GT(Of(*with_policies, "item").evicted, 0u);
  Write(*with_policies, Path("a"));
  for (int i = 60; i < 70; ++i) Learn(*with_policies, Rows(i));
  Write(*with_policies, Path("b"));  // With rows let go, and given to others.
  const auto without = Load(plain, "b");
  EXPECT_EQ(Scores(*without, plain), Scores(*with_policies, spec_));
  EXPECT_EQ(Of(*without, "item").rows, Of(*with_policies, "item").rows);
  EXPECT_EQ(Of(*without, "user").rows, Of(*with_policies, "user").rows);
  for (int i = 70; i < 75; ++i) Learn(*without, Rows(i));
  ASSERT_TRUE(without->SaveCheckpoint(Path("c"), 0).ok());
  EXPECT_EQ(Digest(*Load(plain, "c")), Digest(*without));
}

TEST_F(RowPolicyTest, ALowerBoundIsKeptFromTheFirstStepThatNeedsRoom) {
  const auto wide = ParseModel(ModelText("tables { name: \"item\" rows { max_bytes: 4194304 } }"));
  const auto narrow = ParseModel(ModelText("tables { name: \"item\" rows { max_bytes: 1048576 } }"));
  const auto learner = NewLearner(wide);
  for (int i = 0; i < 60; ++i) Learn(*learner, Rows(i));
  ASSERT_TRUE(learner->SaveCheckpoint(Path("wide"), 0).ok());
  const uint64_t before = Of(*learner, "item").rows;
  const auto restored = Load(narrow, "wide");
  EXPECT_EQ(Of(*restored, "item").rows, before);
  Learn(*restored, Rows(500));
  const uint64_t after = Of(*restored, "item").rows;
  EXPECT_LT(after, before);
  Learn(*restored, Rows(600));
  EXPECT_EQ(Of(*restored, "item").rows, after);
}

}  // namespace
}  // namespace polyscene
