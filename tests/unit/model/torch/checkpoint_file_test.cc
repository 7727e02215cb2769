#include "model/learning/checkpoint_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "model/checksum/crc32c.h"
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

  std::vector<std::string> names;
  for (const SectionStream::Section& section : (*reader)->Sections()) names.push_back(section.name);
  EXPECT_THAT(names, ElementsAre("alpha", "beta"));
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

TEST_F(CheckpointFileTest, NoFlippedBitOfTheFormatMakesItLookNewer) {
  WriteTwoSections();
  const auto overwritten = [this](int64_t at, int bit) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ (1 << bit)));
  };
  for (int64_t at = 8; at < 12; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      overwritten(at, bit);
      EXPECT_EQ(CheckpointReader::Open(path_).status().code(), absl::StatusCode::kDataLoss) << at << " " << bit;
      overwritten(at, bit);
    }
  }
}

TEST_F(CheckpointFileTest, ANewerFormatIsRefusedAsSuch) {
  WriteTwoSections();
  Overwrite(8, 4);
  Overwrite(10, static_cast<char>(~4));
  const absl::Status status = CheckpointReader::Open(path_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("format 4"));
}

TEST_F(CheckpointFileTest, TheWritersChecksumIsTheReaders) {
  CheckpointWriter writer(path_);
  writer.Section("alpha", std::string(2'500'000, 'z'));
  ASSERT_TRUE(writer.Close().ok());
  ASSERT_TRUE(writer.Sync().ok());
  const auto reader = CheckpointReader::Open(path_).value();
  EXPECT_EQ(reader->checksum(), writer.checksum());
  EXPECT_EQ(reader->file_bytes(), writer.bytes());
  EXPECT_EQ(std::filesystem::file_size(path_), writer.bytes());
}

TEST(Crc32cTest, IsThatOfRfc3720) {
  const std::string zeros(32, '\0');
  EXPECT_EQ(Crc32c(0, zeros.data(), zeros.size()), 0x8a9136aau);
  EXPECT_EQ(Crc32c(0, "123456789", 9), 0xe3069283u);
}

TEST(Crc32cTest, ByTableItIsTheSameAtEveryLengthAndInPieces) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes.push_back(static_cast<char>(i * 37));
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const uint32_t whole = Crc32c(0, bytes.data(), size);
    ASSERT_EQ(Crc32cByTable(0, bytes.data(), size), whole) << size;
    ASSERT_EQ(Crc32c(Crc32c(0, bytes.data(), size / 3), bytes.data() + size / 3, size - size / 3), whole) << size;
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
