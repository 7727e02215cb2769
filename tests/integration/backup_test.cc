// ModelService.Backup: a copy of a data directory in use, from which a server starts.
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class BackupTest : public ServerFixture {
 protected:
  grpc::Status Backup(const std::string& to, v1::BackupResponse* response) {
    v1::BackupRequest request;
    request.set_directory(to);
    return model_->Backup(Context().get(), request, response);
  }

  void Save() {
    v1::SaveCheckpointResponse saved;
    ASSERT_TRUE(model_->SaveCheckpoint(Context().get(), {}, &saved).ok());
  }

  // Goes over to a server on the copy.
  void StartFromCopy() {
    StopServer();
    settings().data_dir = copy_;
    StartServer();
  }

  const std::string copy_ = (directory_.path() / "copy").string();
};

TEST_F(BackupTest, AServerStartsFromItWithEverythingThatWasAcknowledged) {
  StartServer();
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  Save();
  Learn("p", {GoodBatch(2, {4, 5})});

  v1::BackupResponse response;
  const grpc::Status status = Backup(copy_, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.directory(), copy_);
  EXPECT_GT(response.bytes(), 0u);
  EXPECT_EQ(response.log_end_offset(), 5u);
  EXPECT_EQ(response.checkpoint_offset(), 3u);
  Learn("p", {GoodBatch(3, {6})});  // After the copy: not in it.

  StartFromCopy();
  Learn("q", {GoodBatch(1, {7})});
  EXPECT_EQ(GetStatus().events_accepted(), 6u);
  EXPECT_EQ(GetStatus().events_learned(), 6u);
  EXPECT_EQ(WatermarkOf("p").logged(), 2u);
}

TEST_F(BackupTest, WithoutACheckpointTheLogAloneIsCopied) {
  StartServer();
  Learn("p", {GoodBatch(1, {1, 2, 3})});

  v1::BackupResponse response;
  ASSERT_TRUE(Backup(copy_, &response).ok());
  EXPECT_EQ(response.checkpoint_offset(), 0u);

  StartFromCopy();
  Learn("q", {GoodBatch(1, {4})});
  EXPECT_EQ(GetStatus().events_learned(), 4u);
}

TEST_F(BackupTest, IsConsistentWhileProducersStreamAndCheckpointsAreRetired) {
  settings().config.set_log_retention_bytes(1);
  settings().config.set_checkpoints_kept(1);
  StartServer();
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (uint64_t sequence = 1; !done; ++sequence) {
      Learn("p", {GoodBatch(sequence, std::vector<int64_t>(20, static_cast<int64_t>(sequence)))});
      if (sequence % 3 == 0) Save();
    }
  });
  std::vector<uint64_t> ends;
  for (int i = 0; i < 5; ++i) {
    v1::BackupResponse response;
    const grpc::Status status = Backup(copy_ + std::to_string(i), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ends.push_back(response.log_end_offset());
  }
  done = true;
  producer.join();

  for (size_t i = 0; i < ends.size(); ++i) {
    StopServer();
    settings().data_dir = copy_ + std::to_string(i);
    StartServer();
    EXPECT_GE(GetStatus().events_accepted(), ends[i]);
    Learn("q", {GoodBatch(1, {1})});
    EXPECT_EQ(GetStatus().events_learned(), GetStatus().events_accepted());
  }
}

TEST_F(BackupTest, RefusesAPlaceThatItCannotUse) {
  StartServer();
  v1::BackupResponse response;

  const grpc::Status relative = Backup("copy", &response);
  EXPECT_EQ(relative.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(relative.error_message(), HasSubstr("directory: got 'copy', expected an absolute path"));

  fs::create_directory(copy_);
  EXPECT_EQ(Backup(copy_, &response).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Backup(copy_ + "/a/b", &response).error_code(), grpc::StatusCode::NOT_FOUND);
  const grpc::Status within = Backup(settings().data_dir + "/copy", &response);
  EXPECT_EQ(within.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(within.error_message(), HasSubstr("within the data directory"));
  EXPECT_TRUE(fs::is_empty(copy_));
}

}  // namespace
}  // namespace polyscene
