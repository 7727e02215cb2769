#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

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

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
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

TEST_F(EventLogTest, RecordsKeepTheFingerprintOfTheModelTheyWereAcceptedUnder) {
  ASSERT_TRUE(AppendAndWait(*log_, EventsRecord("p", 1, Items(1, 2))).ok());
  log_.reset();
  EventLogOptions options = Options();
  options.model_fingerprint = 0xbeef;
  log_ = *EventLog::Open(options);
  ASSERT_TRUE(AppendAndWait(*log_, EventsRecord("p", 2, Items(3, 2))).ok());
  const auto cursor = *log_->Read(0);
  EXPECT_EQ((*cursor->Next())->record.model_fingerprint(), 0xfeed);
  EXPECT_EQ((*cursor->Next())->record.model_fingerprint(), 0xbeef);
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
    for (int sequence = 1; sequence <= 2; ++sequence) Log("p", sequence, Items(sequence, 20000));
    const std::string mark = ReadFile(Options().directory / "synced_mark");
    Log("p", 3, Items(3, 20000));
    log_.reset();
    std::ofstream(Options().directory / "synced_mark") << mark;  // Nobody was told of the third group.
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

// Where the last record's header begins, in a write-ahead log of less than a block (32 KiB).
size_t LastRecord(const std::string& bytes) {
  size_t last = 0;
  for (size_t next = 0; next + 7 <= bytes.size();) {
    last = next;
    next += 7 + static_cast<uint8_t>(bytes[next + 4]) + 256 * static_cast<uint8_t>(bytes[next + 5]);
  }
  return last;
}

// RocksDB takes a record that seems to reach beyond the end of the file for what a power cut left, and drops it.
TEST_F(EventLogTest, NoBitOfTheLastAcknowledgedGroupFlipsUnnoticed) {
  for (int sequence = 1; sequence <= 3; ++sequence) Log("p", sequence, Items(sequence, 5));
  log_.reset();
  const fs::path directory = Options().directory;
  const fs::path pristine = directory_.path() / "pristine";
  fs::copy(directory, pristine, fs::copy_options::recursive);
  const fs::path file = LargestFile(pristine, ".log").filename();
  const std::string bytes = ReadFile(pristine / file);
  const size_t header = LastRecord(bytes);
  ASSERT_LT(bytes.size(), 32768);
  for (size_t bit = 8 * header; bit < 8 * bytes.size(); bit += bit < 8 * (header + 7) ? 1 : 61) {
    fs::remove_all(directory);
    fs::copy(pristine, directory, fs::copy_options::recursive);
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    std::ofstream(directory / file) << flipped;
    const absl::Status status = TryOpen(Options());
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss)
        << "bit " << bit % 8 << " of byte " << bit / 8 << ": " << status;
    ASSERT_THAT(std::string(status.message()), HasSubstr(file.string()));
  }
}

TEST_F(EventLogTest, AWriteAheadLogThatIsGoneIsMissed) {
  Log("p", 1, {1});
  log_.reset();
  fs::remove(LargestFile(Options().directory, ".log"));
  EXPECT_EQ(TryOpen(Options()).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(TryOpen(Options()).code(), absl::StatusCode::kDataLoss);  // And still the next time.
}

TEST_F(EventLogTest, ADamagedMarkIsNamed) {
  Log("p", 1, {1});
  log_.reset();
  const fs::path mark = Options().directory / "synced_mark";
  const std::string bytes = ReadFile(mark);
  for (size_t byte = 0; byte < bytes.size(); ++byte) {
    std::string flipped = bytes;
    flipped[byte] = static_cast<char>(flipped[byte] ^ 4);
    std::ofstream(mark) << flipped;
    const absl::Status status = TryOpen(Options());
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss);
    ASSERT_THAT(std::string(status.message()), HasSubstr(mark.string()));
  }
  fs::remove(mark);  // As a log of an older release.
  Open();
  EXPECT_THAT(ItemsFrom(0), ::testing::ElementsAre(1));
}

TEST_F(EventLogTest, WatermarksThatDoNotAddUpAreRefused) {
  Log("p", 1, {1});
  Log("p", 2, {2});
  log_.reset();
  {
    std::unique_ptr<LogStore> store = *LogStore::Open(Options().directory, nullptr);
    rocksdb::WriteBatch batch;
    batch.Put(store->family(LogFamily::kProducers), "p", std::string("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 16));
    ASSERT_TRUE(store->Write(&batch, true).ok());
  }
  const absl::Status status = TryOpen(Options());
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("add up to 1"));
}

TEST_F(EventLogTest, AHoleInTheJournalIsToldAndControlRecordsAreNone) {
  Log("p", 1, {1, 2});
  ASSERT_TRUE(AppendAndWait(*log_, OpeningRecord("p", 7)).ok());
  Log("p", 2, {3, 4});
  ASSERT_TRUE(log_->JournalStep(0, 2).ok());
  ASSERT_TRUE(log_->JournalStep(3, 4).ok());
  testing::internal::CaptureStderr();
  Open();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_TRUE(log_->JournalStep(4, 5).ok());
  log_.reset();
  {
    std::unique_ptr<LogStore> store = *LogStore::Open(Options().directory, nullptr);
    rocksdb::WriteBatch batch;
    batch.Delete(store->family(LogFamily::kSteps), std::string("\0\0\0\0\0\0\0\3", 8));
    ASSERT_TRUE(store->Write(&batch, true).ok());
  }
  testing::internal::CaptureStderr();
  Open();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("one ends at offset 3, the next begins at 4"));
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
