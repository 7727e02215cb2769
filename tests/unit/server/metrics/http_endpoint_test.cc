#include "server/metrics/http_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <memory>
#include <string>
#include <utility>

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

HttpEndpointOptions Options(const std::string& listen) {
  HttpEndpointOptions options;
  options.listen = listen;
  options.metrics = [] { return std::string("polyscene_queue_rows 0\n"); };
  options.status = [] { return std::vector<std::pair<std::string, std::string>>{{"model", "<shop> & co"}}; };
  options.serving = [] { return true; };
  return options;
}

std::unique_ptr<HttpEndpoint> Start(HttpEndpointOptions options) {
  absl::StatusOr<std::unique_ptr<HttpEndpoint>> endpoint = HttpEndpoint::Start(std::move(options));
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  return *std::move(endpoint);
}

TEST(HttpEndpoint, TakesAFreePortAndServesMetrics) {
  const std::unique_ptr<HttpEndpoint> endpoint = Start(Options("127.0.0.1:0"));
  EXPECT_THAT(endpoint->address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(endpoint->address(), "127.0.0.1:0");

  const httplib::Result metrics = httplib::Client("http://" + endpoint->address()).Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->status, 200);
  EXPECT_EQ(metrics->body, "polyscene_queue_rows 0\n");
  EXPECT_THAT(metrics->get_header_value("Content-Type"), HasSubstr("version=0.0.4"));
}

TEST(HttpEndpoint, TheFirstPageLinksMetricsAndEscapesWhatItShows) {
  const std::unique_ptr<HttpEndpoint> endpoint = Start(Options("127.0.0.1:0"));
  const httplib::Result page = httplib::Client("http://" + endpoint->address()).Get("/");
  ASSERT_TRUE(page);
  EXPECT_THAT(page->body, HasSubstr("href=\"/metrics\""));
  EXPECT_THAT(page->body, HasSubstr("&lt;shop&gt; &amp; co"));
  EXPECT_THAT(page->body, Not(HasSubstr("<shop>")));
}

TEST(HttpEndpoint, HealthFollowsServing) {
  HttpEndpointOptions options = Options("127.0.0.1:0");
  bool serving = true;
  options.serving = [&serving] { return serving; };
  const std::unique_ptr<HttpEndpoint> endpoint = Start(std::move(options));
  httplib::Client client("http://" + endpoint->address());
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  serving = false;
  EXPECT_EQ(client.Get("/healthz")->status, 503);
}

TEST(HttpEndpoint, AnUnknownPageIsNotFound) {
  const std::unique_ptr<HttpEndpoint> endpoint = Start(Options("127.0.0.1:0"));
  EXPECT_EQ(httplib::Client("http://" + endpoint->address()).Get("/secret")->status, 404);
}

TEST(HttpEndpoint, ATakenPortIsRefusedByName) {
  const std::unique_ptr<HttpEndpoint> first = Start(Options("127.0.0.1:0"));
  const absl::Status taken = HttpEndpoint::Start(Options(first->address())).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(taken.message()), HasSubstr(first->address()));
  EXPECT_THAT(std::string(taken.message()), HasSubstr("Address already in use"));
}

TEST(HttpEndpoint, AnAddressWithoutPortIsRefused) {
  for (const char* address : {"", "localhost", ":9464", "127.0.0.1:port", "127.0.0.1:70000"}) {
    EXPECT_EQ(HttpEndpoint::Start(Options(address)).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

TEST(HttpEndpoint, EndsAtOnceWhenNobodyCame) {
  for (int i = 0; i < 20; ++i) Start(Options("127.0.0.1:0")).reset();
}

}  // namespace
}  // namespace polyscene
