#include "model/learning/checkpoint_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CheckpointFileTest : public testing::Test {
 protected:
  void WriteTwoSections() {
    CheckpointWriter writer(path_);
    writer.Section("alpha", "first");
    writer.Section("beta", std::string(3'000'000, 'x'));
    ASSERT_TRUE(writer.Close().ok());
  }
  void Overwrite(int64_t at, char byte) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.put(byte);
  }

  TempDirectory directory_;
  const std::filesystem::path path_ = std::filesystem::path(directory_.path()) / "state.ckpt";
};

TEST_F(CheckpointFileTest, ReadsBackWhatWasWritten) {
  WriteTwoSections();
  auto reader = CheckpointReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();

  EXPECT_THAT((*reader)->Names(), ElementsAre("alpha", "beta"));
  EXPECT_EQ((*reader)->Read("alpha").value(), "first");
  EXPECT_EQ((*reader)->SizeOf("beta").value(), 3'000'000u);
}

TEST_F(CheckpointFileTest, AFlippedByteAnywhereIsDataLossThatNamesTheSection) {
  WriteTwoSections();
  Overwrite(2'000'000, 'y');
  const auto reader = CheckpointReader::Open(path_);
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(reader.status().message()), AllOf(HasSubstr("beta"), HasSubstr("checksum")));
}

TEST_F(CheckpointFileTest, EveryTruncationIsDataLoss) {
  CheckpointWriter writer(path_);
  writer.Section("alpha", "first");
  ASSERT_TRUE(writer.Close().ok());
  for (int64_t size = static_cast<int64_t>(std::filesystem::file_size(path_)) - 1; size >= 0; --size) {
    std::filesystem::resize_file(path_, size);
    ASSERT_EQ(CheckpointReader::Open(path_).status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST_F(CheckpointFileTest, EveryFlippedByteOfASmallFileIsRefused) {
  const auto write = [this] {
    std::filesystem::remove(path_);
    CheckpointWriter writer(path_);
    writer.Section("alpha", "first");
    ASSERT_TRUE(writer.Close().ok());
  };
  write();
  const int64_t size = static_cast<int64_t>(std::filesystem::file_size(path_));
  for (int64_t at = 0; at < size; ++at) {
    write();
    Overwrite(at, '\x5a');
    ASSERT_FALSE(CheckpointReader::Open(path_).ok()) << "byte " << at;
  }
}

TEST_F(CheckpointFileTest, AMissingFileIsNotFound) {
  EXPECT_EQ(CheckpointReader::Open(path_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CheckpointFileTest, AFolderThatIsNotThereIsAnErrorWithItsPath) {
  CheckpointWriter writer("/nonexistent/state.ckpt");
  writer.Section("alpha", "first");
  const absl::Status status = writer.Close();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/state.ckpt"));
}

}  // namespace
}  // namespace polyscene
