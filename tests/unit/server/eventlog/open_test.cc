#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

fs::path LargestFile(const fs::path& directory, const std::string& extension) {
  fs::path largest;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != extension) continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  EXPECT_FALSE(largest.empty()) << extension;
  return largest;
}

// Flips every bit of the byte in the middle of the largest file of that kind.
void BreakFile(const fs::path& directory, const std::string& extension) {
  const fs::path largest = LargestFile(directory, extension);
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(largest) / 2);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get());
  file.seekp(middle);
  file.put(static_cast<char>(~byte));
}

TEST_F(EventLogTest, TheLogOfAnotherModelIsRefused) {
  EventLogOptions options = Options();
  options.model_fingerprint = 0xbeef;
  const absl::Status status = TryOpen(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("000000000000feed"), HasSubstr("000000000000beef")));
  Open();  // And nothing changed.
}

TEST_F(EventLogTest, ALogInUseIsRefused) {
  absl::StatusOr<std::unique_ptr<EventLog>> second = EventLog::Open(Options());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use by another process"));
}

TEST_F(EventLogTest, ALogOfANewerFormatIsRefused) {
  log_.reset();
  {
    std::unique_ptr<LogStore> store = *LogStore::Open(Options().directory, nullptr);
    rocksdb::WriteBatch batch;
    batch.Put(store->family(LogFamily::kMeta), "format_version", std::string("\0\0\0\0\0\0\0\2", 8));
    ASSERT_TRUE(store->Write(&batch, true).ok());
  }
  const absl::Status status = TryOpen(Options());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("format version 2, expected 1"));
}

TEST_F(EventLogTest, ADirectoryThatCannotBeWrittenIsRefused) {
  if (::geteuid() == 0) {
    // The superuser may write anywhere; for this test the process is nobody.
    fs::create_directory(directory_.path() / "denied");
    fs::permissions(directory_.path(), fs::perms::all);
    ASSERT_EQ(::seteuid(65534), 0);
  } else {
    fs::create_directory(directory_.path() / "denied");
    fs::permissions(directory_.path() / "denied", fs::perms::none);
  }
  EventLogOptions options = Options();
  options.directory = directory_.path() / "denied";
  const absl::Status status = EventLog::Open(options).status();
  const bool restored = ::seteuid(::getuid()) == 0;
  ASSERT_TRUE(restored);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr((directory_.path() / "denied").string()));
}

TEST_F(EventLogTest, AFlippedByteInTheWriteAheadLogIsFoundWhenOpening) {
  for (int sequence = 1; sequence <= 20; ++sequence) Log("p", sequence, Items(0, 100));
  log_.reset();
  BreakFile(Options().directory, ".log");
  const absl::Status status = TryOpen(Options());
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("checksum"));
}

TEST_F(EventLogTest, AGroupCutShortByAPowerCutIsDroppedAndWhatWasBeforeItStays) {
  for (const uintmax_t missing : {1, 70000}) {
    log_.reset();
    fs::remove_all(Options().directory);
    Open();
    for (int sequence = 1; sequence <= 3; ++sequence) Log("p", sequence, Items(sequence, 20000));
    log_.reset();
    const fs::path file = LargestFile(Options().directory, ".log");
    fs::resize_file(file, fs::file_size(file) - missing);

    Open();
    EXPECT_EQ(log_->end_offset(), 40000);
    EXPECT_EQ(log_->WatermarkOf("p", 0, 0).logged(), 2);
    EXPECT_EQ(ItemsFrom(0).size(), 40000);
    EXPECT_EQ(Log("p", 3, {1}), 40001);
    Open();
    EXPECT_EQ(ItemsFrom(0).size(), 40001);
  }
}

TEST_F(EventLogTest, AFlippedByteInATableIsFoundWhenItsRecordIsRead) {
  log_.reset();
  {
    std::unique_ptr<LogStore> store = *LogStore::Open(Options().directory, nullptr);
    ASSERT_TRUE(store->Flush().ok());
  }
  Open();
  for (int sequence = 1; sequence <= 20; ++sequence) Log("p", sequence, Items(sequence, 1000));
  log_.reset();
  {
    std::unique_ptr<LogStore> store = *LogStore::Open(Options().directory, nullptr);
    ASSERT_TRUE(store->Flush().ok());
  }
  BreakFile(Options().directory, ".sst");

  Open();
  std::unique_ptr<EventLog::Cursor> cursor = *log_->Read(0);
  absl::StatusOr<std::optional<LogEntry>> entry = cursor->Next();
  while (entry.ok() && entry->has_value()) entry = cursor->Next();
  EXPECT_EQ(entry.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(entry.status().message()), AllOf(HasSubstr("record at offset "), HasSubstr("checksum")));
}

}  // namespace
}  // namespace polyscene
