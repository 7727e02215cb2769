// The command line and the files it names, merged.
#include "server/config/settings.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace polyscene {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kModel = std::string(POLYSCENE_MODELS_DIR) + "/eshop.textproto";

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() : folder_(std::filesystem::temp_directory_path() / ("settings_test_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~SettingsTest() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  static absl::StatusOr<ServerSettings> Read(std::vector<std::string> flags) {
    std::vector<const char*> argv = {"polyscene-server"};
    for (const std::string& flag : flags) argv.push_back(flag.c_str());
    return ReadSettings(static_cast<int>(argv.size()), argv.data());
  }
  // With a good model and data directory before `flags`.
  static absl::StatusOr<ServerSettings> ReadWith(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"--model", kModel, "--data_dir", "/data"});
    return Read(flags);
  }

  std::filesystem::path folder_;
};

std::string Message(const absl::StatusOr<ServerSettings>& settings) { return std::string(settings.status().message()); }

TEST_F(SettingsTest, ModelAndDataDirectoryAreEnough) {
  const auto settings = ReadWith({});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->model->file().name(), "eshop");
  EXPECT_EQ(settings->data_dir, "/data");
  EXPECT_EQ(settings->config.listen(), "127.0.0.1:50051");
  EXPECT_EQ(settings->hash_key.fingerprint(), HashKey().fingerprint());
  EXPECT_FALSE(settings->hash_key_given);
  EXPECT_FALSE(settings->insecure);
}

TEST_F(SettingsTest, AFlagWinsOverTheFileAndTheFileOverTheDefault) {
  const std::string config =
      File("server.textproto",
           "listen: \"127.0.0.1:1111\" metrics_listen: \"127.0.0.1:2222\" device: \"cuda:0\" trainer_nice: 3");
  const auto settings = ReadWith({"--config", config, "--listen=127.0.0.1:0", "--device", "cpu"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->config.listen(), "127.0.0.1:0");
  EXPECT_EQ(settings->config.device(), "cpu");
  EXPECT_EQ(settings->config.metrics_listen(), "127.0.0.1:2222");
  EXPECT_EQ(settings->config.trainer_nice(), 3);
  EXPECT_EQ(settings->config.checkpoints_kept(), 3);
}

TEST_F(SettingsTest, BeyondLoopbackNeedsInsecure) {
  for (const std::string listen : {"0.0.0.0:50051", "[::]:50051", "example.com:50051"}) {
    const auto refused = ReadWith({"--listen", listen});
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(refused), AllOf(HasSubstr("listen is '" + listen + "'"), HasSubstr("--insecure")));

    const auto accepted = ReadWith({"--listen", listen, "--insecure"});
    EXPECT_TRUE(accepted.ok()) << accepted.status();
    EXPECT_TRUE(accepted->insecure);
  }
}

TEST_F(SettingsTest, BeyondLoopbackInTheFileNeedsInsecureToo) {
  const std::string config = File("server.textproto", "listen: \"0.0.0.0:1\"");
  EXPECT_THAT(Message(ReadWith({"--config", config})), HasSubstr("listen is '0.0.0.0:1'"));
  EXPECT_TRUE(ReadWith({"--config", config, "--listen", "127.0.0.1:1"}).ok());
}

TEST_F(SettingsTest, MetricsMayBeReadFromElsewhere) {
  EXPECT_TRUE(ReadWith({"--metrics_listen", "0.0.0.0:9464"}).ok());
}

TEST_F(SettingsTest, TellsEveryMistakeAtOnce) {
  const std::string model = File("m.textproto", "name: \"m\"\nnetwrk { }\nfeatures { }\n");
  const std::string config = File("s.textproto", "\ntrainer_nice: 99\n");
  const auto settings =
      Read({"--model", model, "--config", config, "--listen", "here", "--device", "gpu", "--lsten", "x:1", "stray"});

  EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(settings),
              AllOf(HasSubstr("there is no flag --lsten; did you mean '--listen'?"),
                    HasSubstr("got 'stray', expected flags only (--help lists them)"),
                    HasSubstr("--data_dir is missing, expected --data_dir DIR"),
                    HasSubstr(config + ":2:1: trainer_nice is 99, expected 0 to 19 (0: the default)"),
                    HasSubstr("--listen: listen is 'here', expected HOST:PORT"),
                    HasSubstr("--device: device is 'gpu', expected auto, cpu or cuda:N"),
                    HasSubstr(model + ":2:1: a ModelFile has no field 'netwrk'; did you mean 'network'?"),
                    HasSubstr(model + ":3:1: the feature has no name")));
}

TEST_F(SettingsTest, NothingGivenTellsWhatIsNeeded) {
  const auto settings = Read({});
  EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(settings),
            "--model is missing, expected --model FILE\n--data_dir is missing, expected --data_dir DIR");
}

TEST_F(SettingsTest, AFlagWithoutItsValue) {
  const auto settings = Read({"--data_dir", "/data", "--model"});
  EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(settings), HasSubstr("--model"));
}

TEST_F(SettingsTest, FilesThatAreNotThere) {
  const auto settings =
      Read({"--model", "/nowhere/m", "--data_dir", "/data", "--config", "/nowhere/c", "--hash_key", "/nowhere/k"});
  EXPECT_EQ(settings.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(settings), AllOf(HasSubstr("/nowhere/m"), HasSubstr("/nowhere/c"), HasSubstr("/nowhere/k")));
}

TEST_F(SettingsTest, TheHashKeyIsRead) {
  const auto settings = ReadWith({"--hash_key", File("key", "000102030405060708090a0b0c0d0e0f\n")});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_TRUE(settings->hash_key_given);
  EXPECT_NE(settings->hash_key.fingerprint(), HashKey().fingerprint());

  const std::string spoiled = File("key", "xyz");
  EXPECT_EQ(ReadWith({"--hash_key", spoiled}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(ReadWith({"--hash_key", spoiled})), HasSubstr(spoiled));
}

TEST_F(SettingsTest, AWarmStartNamesItsCheckpoint) {
  EXPECT_EQ(ReadWith({})->warm_start, "");
  EXPECT_EQ(ReadWith({"--warm_start", "/trained"})->warm_start, "/trained");
}

TEST_F(SettingsTest, DumpingTheLogNeedsItsDirectoryAloneAndTakesNoneOfTheOtherFlags) {
  const auto settings = Read({"--dump_log", "/data", "--from", "5", "--count", "2"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_TRUE(settings->dump_log.has_value());
  EXPECT_EQ(settings->dump_log->data_dir, "/data");
  EXPECT_EQ(settings->dump_log->from, 5);
  EXPECT_EQ(settings->dump_log->count, 2);
  EXPECT_FALSE(ReadWith({})->dump_log.has_value());
  EXPECT_THAT(Message(Read({"--dump_log", "/data", "--model", kModel})),
              HasSubstr("--model does not go with --dump_log"));
  EXPECT_THAT(Message(ReadWith({"--from", "5"})), HasSubstr("--from goes with --dump_log alone"));
}

TEST_F(SettingsTest, HelpFitsAScreen) {
  const std::string help = Message(Read({"--help"}));
  EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 24);
  EXPECT_THAT(help, HasSubstr("Example:\n  polyscene-server --model "));
}

TEST_F(SettingsTest, HelpAndVersionAreTextsToPrint) {
  const auto help = Read({"--help"});
  EXPECT_EQ(help.status().code(), absl::StatusCode::kCancelled);
  for (const char* flag :
       {"--model FILE", "--data_dir DIR", "--listen HOST:PORT", "--metrics_listen HOST:PORT", "--device DEVICE",
        "--config FILE", "--hash_key FILE", "--warm_start DIR", "--insecure", "--version"}) {
    EXPECT_THAT(Message(help), HasSubstr(flag));
  }
  const auto version = Read({"--version"});
  EXPECT_EQ(version.status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(Message(version), StartsWith("polyscene-server 0."));
}

}  // namespace
}  // namespace polyscene
