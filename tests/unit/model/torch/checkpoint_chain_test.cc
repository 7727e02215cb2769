// Checkpoints that are written while learning goes on, and share row files with the ones before them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/learning/inspection.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/checkpoint_files.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr char kModel[] = R"(
  name: "chain"
  features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  features { name: "brand" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
  features { name: "price" side: CONTEXT type: FLOAT encode { numeric { scaling: STANDARD } } }
  scenes { name: "shop" tasks: ["click"] }
  tasks { name: "click" binary {} }
  network { shared_bottom { hidden: [4] } }
)";

class CheckpointChainTest : public testing::Test, protected CheckpointFiles {
 protected:
  // Rows `first`, `first` + 1, ... of a world of ever new items.
  static OwnedExamples Rows(int first, int count = 8) {
    OwnedExamples rows;
    rows.features.rows = count;
    auto& items = rows.features.Add("item", ValueType::kInt64).ints;
    for (int i = 0; i < count; ++i) items.push_back(first + i);
    auto& users = rows.features.Add("user", ValueType::kInt64).ints;
    for (int i = 0; i < count; ++i) users.push_back((first + i) % 3);
    auto& brands = rows.features.Add("brand", ValueType::kInt64).ints;
    for (int i = 0; i < count; ++i) brands.push_back((first + i) % 5);
    auto& prices = rows.features.Add("price", ValueType::kFloat).floats;
    for (int i = 0; i < count; ++i) prices.push_back(static_cast<float>((first + i) % 7));
    rows.labels.push_back({"click", {}, {}});
    for (int i = 0; i < count; ++i) rows.labels[0].values.push_back((first + i) % 2 == 0 ? 1.0f : 0.0f);
    return rows;
  }

  std::unique_ptr<Learner> Load(const std::string& name) { return CheckpointFiles::Load(spec_, name); }

  std::vector<std::string> Files(const std::string& name) {
    std::vector<std::string> files;
    for (const StoredFile& file : InspectCheckpoint(Path(name)).files) files.push_back(file.name);
    return files;
  }

  // A full checkpoint "a" of many rows, then the increments "b" and "c".
  void WriteChain() {
    Learn(*learner_, Rows(0, 400));
    ASSERT_TRUE(Write(*learner_, Path("a")).ok());
    Learn(*learner_, Rows(395));
    ASSERT_TRUE(Write(*learner_, Path("b")).ok());
    Learn(*learner_, Rows(1'000));
    ASSERT_TRUE(Write(*learner_, Path("c")).ok());
  }

  void Flip(const fs::path& path, uint64_t at) {
    fs::path copy = path;  // A copy, so that the other links of the file stay as they are.
    copy += ".copy";
    fs::copy_file(path, copy);
    fs::rename(copy, path);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x10));
  }

  const std::shared_ptr<const ModelSpec> spec_ = ParseModel(kModel);
  const std::unique_ptr<Learner> learner_ = NewLearner(spec_);
};

TEST_F(CheckpointChainTest, AnIncrementAddsAFileOfTheRowsTouchedAndSharesTheOthers) {
  WriteChain();
  EXPECT_THAT(Files("a"), ElementsAre("state.ckpt", "rows.000000"));
  EXPECT_THAT(Files("c"), ElementsAre("state.ckpt", "rows.000000", "rows.000001", "rows.000002"));
  EXPECT_TRUE(fs::equivalent(Path("a") / "rows.000000", Path("c") / "rows.000000"));
  EXPECT_TRUE(fs::equivalent(Path("b") / "rows.000001", Path("c") / "rows.000001"));
  // 8 items, 3 users and 5 brands were touched, of 24 + 4 x dimension bytes less 4 each.
  EXPECT_LT(fs::file_size(Path("c") / "rows.000002"), 11 * 36 + 5 * 28 + 200u);
}

TEST_F(CheckpointChainTest, AChainLoadsToTheStateItWasWrittenOf) {
  WriteChain();
  const std::string digest = Digest(*learner_);
  EXPECT_EQ(Digest(Path("c")), digest);
  EXPECT_NE(Digest(Path("b")), digest);
  EXPECT_EQ(Digest(*Load("c")), digest);
}

TEST_F(CheckpointChainTest, EachDirectoryIsWholeByItself) {
  WriteChain();
  const std::string digest = Digest(Path("c"));
  fs::remove_all(Path("a"));
  fs::remove_all(Path("b"));
  fs::copy(Path("c"), Path("elsewhere"), fs::copy_options::recursive);
  EXPECT_EQ(Digest(Path("c")), digest);
  EXPECT_EQ(Digest(*Load("elsewhere")), digest);
}

TEST_F(CheckpointChainTest, ContinuingFromChainsEqualsNeverHavingStopped) {
  const auto unbroken = NewLearner(spec_);
  std::unique_ptr<Learner> learner = NewLearner(spec_);
  Learn(*unbroken, Rows(0, 200));
  Learn(*learner, Rows(0, 200));
  for (int i = 0; i < 12; ++i) {
    const std::string name = absl::StrCat("checkpoint", i);
    ASSERT_TRUE(Write(*learner, Path(name)).ok());
    if (i % 3 == 2) learner = Load(name);
    const StepReport expected = Learn(*unbroken, Rows(190 + 4 * i));
    ASSERT_EQ(Learn(*learner, Rows(190 + 4 * i)).loss, expected.loss) << i;  // To the bit.
  }
  EXPECT_EQ(Digest(*learner), Digest(*unbroken));
}

TEST_F(CheckpointChainTest, WhatIsWrittenIsTheStateOfTheBeginningHoweverLearningGoesOn) {
  Learn(*learner_, Rows(0, 100));
  ASSERT_TRUE(Write(*learner_, Path("a")).ok());
  Learn(*learner_, Rows(95));
  const std::string digest = Digest(*Load("a"));
  const auto twin = Load("a");
  Learn(*twin, Rows(95));
  for (const CheckpointKind kind : {CheckpointKind::kIncremental, CheckpointKind::kFull}) {
    const std::string name = absl::StrCat("of_kind", static_cast<int>(kind));
    auto job = learner_->BeginCheckpoint(0, kind).value();
    EXPECT_EQ(job->full(), kind == CheckpointKind::kFull);
    for (int i = 0; i < 5; ++i) Learn(*learner_, Rows(90 + 10 * i));
    learner_->MakeSnapshot(1, 0).value();
    ASSERT_TRUE(job->Write(Path(name)).ok());
    learner_->EndCheckpoint(std::move(job));
    EXPECT_EQ(Digest(Path(name)), Digest(*twin));
    EXPECT_NE(Digest(Path(name)), Digest(*learner_));
    for (int i = 0; i < 5; ++i) Learn(*twin, Rows(90 + 10 * i));
    ASSERT_EQ(Digest(*learner_), Digest(*twin));
  }
}

TEST_F(CheckpointChainTest, RowsOfAFailedIncrementAreInTheNext) {
  Learn(*learner_, Rows(0, 200));
  ASSERT_TRUE(Write(*learner_, Path("a")).ok());
  Learn(*learner_, Rows(195));
  std::ofstream(Path("file")) << "no folder";
  EXPECT_FALSE(Write(*learner_, Path("file") / "b").ok());
  Learn(*learner_, Rows(500));
  ASSERT_TRUE(Write(*learner_, Path("b")).ok());
  EXPECT_THAT(Files("b"), ElementsAre("state.ckpt", "rows.000000", "rows.000001"));
  EXPECT_EQ(Digest(Path("b")), Digest(*learner_));
}

TEST_F(CheckpointChainTest, AFullOneFollowsWhenTheIncrementsOutgrewTheLast) {
  Learn(*learner_, Rows(0, 20));
  ASSERT_TRUE(Write(*learner_, Path("a")).ok());
  Learn(*learner_, Rows(1'000, 20));
  ASSERT_TRUE(Write(*learner_, Path("b")).ok());
  Learn(*learner_, Rows(2'000, 20));
  ASSERT_TRUE(Write(*learner_, Path("c")).ok());
  EXPECT_THAT(Files("c"), ElementsAre("state.ckpt", "rows.000000"));
  EXPECT_FALSE(fs::equivalent(Path("a") / "rows.000000", Path("c") / "rows.000000"));
  EXPECT_EQ(Digest(Path("c")), Digest(*learner_));
}

TEST_F(CheckpointChainTest, WhereTheLastOneIsGoneTheWriteIsAbortedAndTheNextIsFull) {
  Learn(*learner_, Rows(0, 200));
  ASSERT_TRUE(Write(*learner_, Path("a")).ok());
  fs::remove_all(Path("a"));
  Learn(*learner_, Rows(195));
  EXPECT_EQ(Write(*learner_, Path("b")).code(), absl::StatusCode::kAborted);
  EXPECT_FALSE(fs::exists(Path("b.writing")));
  ASSERT_TRUE(Write(*learner_, Path("b")).ok());
  EXPECT_THAT(Files("b"), ElementsAre("state.ckpt", "rows.000000"));
  EXPECT_EQ(Digest(Path("b")), Digest(*learner_));
}

TEST_F(CheckpointChainTest, NothingTouchedAddsNoFile) {
  WriteChain();
  ASSERT_TRUE(Write(*learner_, Path("d")).ok());
  EXPECT_EQ(Files("d"), Files("c"));
}

TEST_F(CheckpointChainTest, OneJobAtATime) {
  auto job = learner_->BeginCheckpoint(0, CheckpointKind::kFull).value();
  EXPECT_EQ(learner_->BeginCheckpoint(0, CheckpointKind::kFull).status().code(), absl::StatusCode::kFailedPrecondition);
  learner_->EndCheckpoint(std::move(job));
  EXPECT_TRUE(learner_->BeginCheckpoint(0, CheckpointKind::kFull).ok());
}

TEST_F(CheckpointChainTest, AFlippedBitInAnyFileIsDataLossThatNamesTheFile) {
  WriteChain();
  for (const char* file : {"state.ckpt", "rows.000000", "rows.000001", "rows.000002"}) {
    for (int part = 0; part < 8; ++part) {
      fs::remove_all(Path("flipped"));
      fs::copy(Path("c"), Path("flipped"));
      Flip(Path("flipped") / file, fs::file_size(Path("c") / file) * part / 8);
      const absl::Status status = LoadLearner(spec_, LearnerOptions(), Path("flipped")).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << file << " " << part;
      EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("flipped/", file)));
    }
  }
  EXPECT_TRUE(Load("c") != nullptr);
}

TEST_F(CheckpointChainTest, ATruncatedOrMissingFileIsDataLossThatNamesTheFile) {
  WriteChain();
  for (const char* file : {"state.ckpt", "rows.000000", "rows.000001", "rows.000002"}) {
    for (const bool missing : {false, true}) {
      fs::remove_all(Path("cut"));
      fs::copy(Path("c"), Path("cut"));
      if (missing) {
        fs::remove(Path("cut") / file);
      } else {
        fs::resize_file(Path("cut") / file, fs::file_size(Path("cut") / file) - 1);
      }
      const absl::Status status = LoadLearner(spec_, LearnerOptions(), Path("cut")).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << file;
      EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("cut/", file)));
    }
  }
}

TEST_F(CheckpointChainTest, AFileOfAnotherChainIsDataLoss) {
  WriteChain();
  const auto other = NewLearner(spec_);
  Learn(*other, Rows(7, 400));
  ASSERT_TRUE(Write(*other, Path("other")).ok());
  fs::copy(Path("a"), Path("mixed"));
  fs::copy_file(Path("other") / "rows.000000", Path("mixed") / "rows.000000", fs::copy_options::overwrite_existing);
  ASSERT_EQ(fs::file_size(Path("mixed") / "rows.000000"), fs::file_size(Path("a") / "rows.000000"));
  const absl::Status status = LoadLearner(spec_, LearnerOptions(), Path("mixed")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is another file"));
}

}  // namespace
}  // namespace polyscene
