// The configuration file: defaults, and every mistake at once.
#include "server/config/server_config.h"

#include <gmock/gmock.h>

#include "server/config/settings.h"

namespace polyscene {
namespace {

std::string MessageOf(absl::string_view text) {
  const auto config = ParseServerConfig(text, "server.textproto");
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(config.status().message());
}

TEST(ServerConfig, AnEmptyFileTakesEveryDefault) {
  const auto config = ParseServerConfig("", "server.textproto");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen(), "127.0.0.1:50051");
  EXPECT_EQ(config->metrics_listen(), "127.0.0.1:9464");
  EXPECT_EQ(config->device(), "auto");
  EXPECT_GE(config->predict_threads(), 1);
  EXPECT_EQ(config->trainer_threads(), 1);
  EXPECT_EQ(config->trainer_nice(), 19);
  EXPECT_EQ(config->max_request_rows(), 10000);
  EXPECT_EQ(config->max_batch_rows(), 1024);
  EXPECT_EQ(config->max_queue_rows(), 100000);
  EXPECT_EQ(config->max_queue_bytes(), 268435456);
  EXPECT_EQ(config->max_batch_events(), 10000);
  EXPECT_EQ(config->max_message_bytes(), 16777216);
  EXPECT_EQ(config->log_sync_interval_ms(), 2);
  EXPECT_EQ(config->log_retention_bytes(), 17179869184);
  EXPECT_EQ(config->log_max_pending_bytes(), 67108864);
  EXPECT_EQ(config->checkpoints_kept(), 3);
  EXPECT_EQ(config->stop_grace_seconds(), 10);
  EXPECT_EQ(config->max_stream_requests(), 256);
}

TEST(ServerConfig, WhatIsGivenStays) {
  const auto config =
      ParseServerConfig("listen: \"127.0.0.1:0\" device: \"cuda:1\" trainer_nice: 7", "server.textproto");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen(), "127.0.0.1:0");
  EXPECT_EQ(config->device(), "cuda:1");
  EXPECT_EQ(config->trainer_nice(), 7);
}

TEST(ServerConfig, TellsEveryMistakeAtOnce) {
  EXPECT_EQ(
      MessageOf(R"(listen: "nowhere"
  predict_thread: 3
device: "gpu"
trainer_nice: 20 checkpoints_kept: "many"
stop_grace_seconds: -1
max_message_bytes: 9999999999
)"),
      "server.textproto:1:1: listen is 'nowhere', expected HOST:PORT, for example 127.0.0.1:50051 or [::1]:50051, "
      "with a port from 0 to 65535\n"
      "server.textproto:2:3: a ServerConfig has no field 'predict_thread'; did you mean 'predict_threads'?\n"
      "server.textproto:3:1: device is 'gpu', expected auto, cpu or cuda:N, for example cuda:0\n"
      "server.textproto:4:1: trainer_nice is 20, expected 0 to 19 (0: the default)\n"
      "server.textproto:4:18: checkpoints_kept is \"many\", expected an integer of 32 bits\n"
      "server.textproto:5:1: stop_grace_seconds is -1, expected above 0 to 3600 (0: the default)\n"
      "server.textproto:6:1: max_message_bytes is 9999999999, expected 1024 to 2147483647 (0: the default)");
}

struct Case {
  const char* text;
  const char* what;
};
void PrintTo(const Case& test, std::ostream* out) { *out << test.text; }

class OutOfRange : public testing::TestWithParam<Case> {};

TEST_P(OutOfRange, IsTold) {
  EXPECT_EQ(MessageOf(GetParam().text), std::string("server.textproto:1:1: ") + GetParam().what + " (0: the default)");
}

INSTANTIATE_TEST_SUITE_P(
    ServerConfig, OutOfRange,
    testing::Values(Case{"predict_threads: -1", "predict_threads is -1, expected 1 to 1024"},
                    Case{"trainer_threads: 1025", "trainer_threads is 1025, expected 1 to 1024"},
                    Case{"trainer_nice: -1", "trainer_nice is -1, expected 0 to 19"},
                    Case{"max_request_rows: -1", "max_request_rows is -1, expected 1 to 10000000"},
                    Case{"max_batch_rows: -1", "max_batch_rows is -1, expected 1 to 10000000"},
                    Case{"max_queue_rows: -1", "max_queue_rows is -1, expected 1 to 2147483647"},
                    Case{"max_queue_bytes: -1", "max_queue_bytes is -1, expected 1 or more"},
                    Case{"max_batch_events: -1", "max_batch_events is -1, expected 1 to 10000000"},
                    Case{"max_message_bytes: 1000", "max_message_bytes is 1000, expected 1024 to 2147483647"},
                    Case{"log_sync_interval_ms: nan", "log_sync_interval_ms is nan, expected above 0 to 1000"},
                    Case{"log_retention_bytes: -1", "log_retention_bytes is -1, expected 1 or more"},
                    Case{"log_max_pending_bytes: 1", "log_max_pending_bytes is 1, expected 1024 or more"},
                    Case{"checkpoints_kept: -1", "checkpoints_kept is -1, expected 1 to 1000"},
                    Case{"max_stream_requests: -1", "max_stream_requests is -1, expected 1 to 1000000"},
                    Case{"stop_grace_seconds: inf", "stop_grace_seconds is inf, expected above 0 to 3600"}));

TEST(ServerConfig, DevicesAreAutoCpuOrANumberedGpu) {
  for (const char* device : {"auto", "cpu", "cuda:0", "cuda:12"}) {
    EXPECT_TRUE(ParseServerConfig(std::string("device: \"") + device + "\"", "c").ok()) << device;
  }
  for (const char* device : {"cuda", "cuda:", "cuda:-1", "cuda:x", "CPU", "gpu:0"}) {
    EXPECT_FALSE(ParseServerConfig(std::string("device: \"") + device + "\"", "c").ok()) << device;
  }
}

}  // namespace
}  // namespace polyscene
