// A flipped bit in any file of the data directory: found and named, or of no consequence. Never silently used.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class FlippedBitsTest : public ServerFixture {
 protected:
  // A directory with two checkpoints, events behind them, tables and a write-ahead log.
  void SetUp() override {
    settings().config.set_checkpoints_kept(5);
    StartServer();
    Learn("p", {GoodBatch(1, {1, 2, 3}), GoodBatch(2, {4, 5, 6})});
    Save();
    Learn("p", {GoodBatch(3, {7, 8})});
    StopServer();
    StartServer();
    controls_.learner.HoldSteps();
    EventStreamClient stream(*training_);
    stream.Open("q");
    for (uint64_t sequence = 1; sequence <= 9; ++sequence) {
      stream.Send(GoodBatch(sequence, {static_cast<int64_t>(100 + sequence)}));
      stream.Acknowledgement();
    }
    std::thread stop([this] { server_->Stop(); });
    stream.End();
    controls_.learner.ReleaseSteps();
    stop.join();
    StopServer();
    fs::copy(settings().data_dir, pristine(), fs::copy_options::recursive);
    state_ = StateOf();
    ASSERT_FALSE(state_.empty());
  }
  void TearDown() override { controls_.learner.ReleaseSteps(); }

  fs::path pristine() const { return directory_.path() / "pristine"; }

  void Save() {
    v1::SaveCheckpointResponse saved;
    ASSERT_TRUE(model_->SaveCheckpoint(Context().get(), {}, &saved).ok());
  }

  void Restore() {
    fs::remove_all(settings().data_dir);
    fs::copy(pristine(), settings().data_dir, fs::copy_options::recursive);
  }

  // What a server on data_dir comes to: why it refuses, or what it has learned and where each producer stands.
  std::string StateOf() {
    TestModelControls controls;
    absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(settings_, MakeTestModel(settings_, controls));
    if (!server.ok()) return server.status().ToString();
    server_ = *std::move(server);
    if (const absl::Status status = server_->Serve(); !status.ok()) return status.ToString();
    Connect();
    v1::GetStatusResponse status = GetStatus();
    while (status.learned_offset() < status.log_end_offset() && status.trainer_error().empty()) {
      std::this_thread::yield();
      status = GetStatus();
    }
    if (!status.trainer_error().empty()) return status.trainer_error();
    v1::SaveCheckpointResponse saved;
    if (!model_->SaveCheckpoint(Context().get(), {}, &saved).ok()) return "SaveCheckpoint failed";
    std::string state = ReadFile(FakeCheckpointFile(saved.directory()));
    for (const char* producer : {"p", "q"}) state += std::to_string(WatermarkOf(producer).logged()) + " ";
    server_.reset();
    return "learned " + state + std::to_string(status.events_accepted());
  }

  std::string state_;
};

TEST_F(FlippedBitsTest, InAnyFileAreNamedOrOfNoConsequence) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(pristine())) {
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(fs::relative(entry.path(), pristine()));
  }
  std::sort(files.begin(), files.end());
  EXPECT_GE(files.size(), 8);
  int refused = 0;
  for (const fs::path& file : files) {
    const std::string bytes = ReadFile(pristine() / file);
    const std::string name = file.filename().string();
    for (size_t part = 0; part < 7; ++part) {
      const size_t byte = std::min(bytes.size() * part / 6, bytes.size() - 1);
      Restore();
      std::string flipped = bytes;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (part + byte) % 8));
      std::ofstream(fs::path(settings().data_dir) / file, std::ios::binary) << flipped;
      const std::string state = StateOf();
      server_.reset();
      if (state == state_) continue;  // A checkpoint: the one before it was used, and led to the same.
      ++refused;
      // Where RocksDB reports a file by its contents alone, all that it may be are named.
      EXPECT_THAT(state, AnyOf(HasSubstr(name), HasSubstr("CURRENT"), HasSubstr("MANIFEST")))
          << file << ", bit " << (part + byte) % 8 << " of byte " << byte << " of " << bytes.size();
      EXPECT_EQ(state.find("learned "), std::string::npos) << file << ": " << state << "\nexpected " << state_;
    }
  }
  EXPECT_GT(refused, 10);
}

}  // namespace
}  // namespace polyscene
