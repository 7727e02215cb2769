// What keeps a server from starting, and what it says then.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/integration/server_fixture.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

class StartTest : public ServerFixture {
 protected:
  // A second server's settings that differ in what each test says.
  void UseOtherDirectory() { settings().data_dir = (directory_.path() / "other").string(); }
};

TEST_F(StartTest, ATakenPortIsRefusedByName) {
  StartServer();
  UseOtherDirectory();
  settings().config.set_listen(server_->address());
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(server_->address()));
  EXPECT_THAT(std::string(status.message()), HasSubstr("taken"));

  v1::PredictResponse response;
  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());  // The first one goes on.
}

TEST_F(StartTest, ATakenMetricsPortIsRefusedByName) {
  StartServer();
  UseOtherDirectory();
  settings().config.set_metrics_listen(server_->metrics_address());
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(server_->metrics_address()));
}

TEST_F(StartTest, ADirectoryInUseIsRefusedByName) {
  StartServer();
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(settings().data_dir));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("in use by another server (process " + std::to_string(getpid())));
}

TEST_F(StartTest, ADirectoryIsFreeAgainOnceItsServerStopped) {
  StartServer();
  StopServer();
  EXPECT_TRUE(TryStart().ok());
}

TEST_F(StartTest, ADirectoryInWhichNothingWasLearnedTakesAnyModel) {
  StartServer();
  StopServer();
  settings().model = AnotherTinyModel();
  EXPECT_TRUE(TryStart().ok());
}

TEST_F(StartTest, ADirectoryOfAnotherHashKeyIsRefused) {
  StartServer();
  StopServer();
  settings().hash_key = HashKey(std::array<uint8_t, 16>{1, 2, 3});
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("hash_key"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(settings().data_dir));
}

TEST_F(StartTest, APathThatIsAFileIsRefusedByName) {
  const std::filesystem::path file = directory_.path() / "file";
  std::ofstream(file) << "not a directory";
  settings().data_dir = (file / "data").string();
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(settings().data_dir));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Not a directory"));
}

TEST_F(StartTest, ADirectoryWithoutPermissionIsRefusedByName) {
  // Root may write anywhere but where the kernel itself says no.
  const bool root = geteuid() == 0;
  if (root) {
    settings().data_dir = "/proc/1/polyscene";
  } else {
    settings().data_dir = (directory_.path() / "closed" / "data").string();
    std::filesystem::create_directory(directory_.path() / "closed");
    ASSERT_EQ(chmod((directory_.path() / "closed").c_str(), 0500), 0);
  }
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), root ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr(settings().data_dir));
}

TEST_F(StartTest, ACallOnAStoppedServerIsUnavailable) {
  StartServer();
  server_->Stop();
  v1::PredictResponse response;
  EXPECT_EQ(Predict(GoodPredict(), &response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace polyscene
