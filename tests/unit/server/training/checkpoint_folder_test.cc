#include "server/training/checkpoint_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

class CheckpointFolderTest : public testing::Test {
 protected:
  void Add(const std::string& name) {
    fs::create_directories(path_ / name);
    std::ofstream(path_ / name / "weights") << "1";
  }

  TempDirectory directory_;
  const fs::path path_ = directory_.path() / "checkpoints";
  CheckpointFolder folder_{path_};
};

TEST_F(CheckpointFolderTest, NamesSortLikeOffsets) {
  EXPECT_EQ(folder_.PathOf(42), path_ / "00000000000000000042");
  EXPECT_EQ(folder_.PathOf(~uint64_t{0}), path_ / "18446744073709551615");
}

TEST_F(CheckpointFolderTest, PrepareCreatesTheFolder) {
  ASSERT_TRUE(folder_.Prepare().ok());
  EXPECT_THAT(*folder_.Offsets(), IsEmpty());
}

TEST_F(CheckpointFolderTest, PrepareRemovesWritesThatWereCutShort) {
  Add("00000000000000000007.tmp");
  Add("00000000000000000008.writing");
  Add("00000000000000000003");
  ASSERT_TRUE(folder_.Prepare().ok());
  EXPECT_FALSE(fs::exists(path_ / "00000000000000000007.tmp"));
  EXPECT_FALSE(fs::exists(path_ / "00000000000000000008.writing"));
  EXPECT_THAT(*folder_.Offsets(), ElementsAre(3));
}

TEST_F(CheckpointFolderTest, OtherNamesAreNoCheckpoints) {
  for (const char* name : {"7", "0000000000000000000x", "99999999999999999999", "00000000000000000003.corrupt"}) {
    Add(name);
  }
  EXPECT_THAT(*folder_.Offsets(), IsEmpty());
}

TEST_F(CheckpointFolderTest, PruneKeepsTheNewest) {
  for (const uint64_t offset : {100, 9, 2000}) Add(folder_.PathOf(offset).filename());
  EXPECT_EQ(*folder_.Prune(2), 100);
  EXPECT_THAT(*folder_.Offsets(), ElementsAre(100, 2000));
  EXPECT_EQ(*folder_.Prune(2), 100);
}

TEST_F(CheckpointFolderTest, PruneKeepsTheNewestOneThatSharesNoFileWithTheNewest) {
  const auto link = [this](uint64_t from, uint64_t to) {
    fs::create_directories(folder_.PathOf(to));
    fs::create_hard_link(folder_.PathOf(from) / "weights", folder_.PathOf(to) / "weights");
  };
  Add(folder_.PathOf(10).filename());
  link(10, 20);
  Add(folder_.PathOf(30).filename());
  for (const uint64_t offset : {40, 50, 60}) link(30, offset);
  EXPECT_EQ(*folder_.Prune(2), 20);
  EXPECT_THAT(*folder_.Offsets(), ElementsAre(20, 50, 60));
  Add(folder_.PathOf(70).filename());
  EXPECT_EQ(*folder_.Prune(2), 60);  // Of the chain before: enough.
  EXPECT_THAT(*folder_.Offsets(), ElementsAre(60, 70));
}

TEST_F(CheckpointFolderTest, PruneOfNothingIsNothing) {
  ASSERT_TRUE(folder_.Prepare().ok());
  EXPECT_EQ(*folder_.Prune(2), std::nullopt);
}

TEST_F(CheckpointFolderTest, WhatIsSetAsideFreesItsNameAndCanBeLookedAt) {
  for (int time = 0; time < 2; ++time) {
    Add("00000000000000000007");
    ASSERT_TRUE(folder_.SetAside(7).ok());
    EXPECT_THAT(*folder_.Offsets(), IsEmpty());
    EXPECT_TRUE(fs::exists(path_ / "00000000000000000007.corrupt" / "weights"));
  }
}

}  // namespace
}  // namespace polyscene
