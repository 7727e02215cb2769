// A checkpoint that does not fit is refused, with the reason; so is a broken one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

std::string ModelText(int width) {
  return absl::StrCat(R"(
    name: "small"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    scenes { name: "shop" tasks: ["click"] }
    tasks { name: "click" binary {} }
    network { shared_bottom { hidden: [)",
                      width, R"(] } }
  )");
}

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto learner = NewLearner(spec_);
    OwnedExamples rows;
    rows.features.rows = 3;
    rows.features.Add("item", ValueType::kInt64).ints = {1, 2, 3};
    rows.labels.push_back({"click", {1, 0, 1}, {}});
    Learn(*learner, rows);
    ASSERT_TRUE(learner->SaveCheckpoint(path_, 3).ok());
  }
  absl::Status Load(const std::shared_ptr<const ModelSpec>& spec, HashKey key = HashKey()) {
    LearnerOptions options;
    options.key = key;
    return LoadLearner(spec, options, path_).status();
  }

  TempDirectory directory_;
  const std::shared_ptr<const ModelSpec> spec_ = ParseModel(ModelText(4));
  const std::filesystem::path path_ = directory_.path() / "checkpoint";
};

TEST_F(CheckpointTest, OfAnotherModelIsRefusedWithBothFingerprints) {
  const auto other = ParseModel(ModelText(5));
  const absl::Status status = Load(other);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(spec_->fingerprint_hex()));
  EXPECT_THAT(std::string(status.message()), HasSubstr(other->fingerprint_hex()));
}

TEST_F(CheckpointTest, UnderAnotherHashKeyIsRefused) {
  std::array<uint8_t, 16> bytes{};
  bytes[0] = 1;
  const absl::Status status = Load(spec_, HashKey(bytes));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("hash key"));
}

TEST_F(CheckpointTest, WithAFlippedByteIsDataLoss) {
  std::fstream file(path_ / "state.ckpt", std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  const auto middle = file.tellg() / 2;
  file.seekg(middle);
  const char byte = static_cast<char>(file.get());
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 1));
  file.close();
  EXPECT_EQ(Load(spec_).code(), absl::StatusCode::kDataLoss);
}

TEST_F(CheckpointTest, OfALearnerThatHasSeenNothingCanBeRead) {
  const absl::Status saved = NewLearner(spec_)->SaveCheckpoint(directory_.path() / "new", 0);
  ASSERT_TRUE(saved.ok()) << saved;  // Verified by reading it back.
  EXPECT_TRUE(LoadLearner(spec_, LearnerOptions(), directory_.path() / "new").ok());
}

TEST_F(CheckpointTest, AFolderWithoutItsFileIsDataLoss) {
  std::filesystem::remove(path_ / "state.ckpt");
  EXPECT_EQ(Load(spec_).code(), absl::StatusCode::kDataLoss);
}

TEST_F(CheckpointTest, IsNeverWrittenOverAnother) {
  const auto learner = NewLearner(spec_);
  EXPECT_EQ(learner->SaveCheckpoint(path_, 0).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Load(spec_).ok());
}

TEST(DeviceTest, AnUnknownOrAbsentDeviceIsNamed) {
  EXPECT_EQ(ResolveDevice("cpu").value(), "cpu");
  EXPECT_THAT(std::string(ResolveDevice("tpu").status().message()), HasSubstr("got 'tpu'"));
  EXPECT_THAT(std::string(ResolveDevice("cuda:99").status().message()), HasSubstr("cuda:99"));
}

}  // namespace
}  // namespace polyscene
