#include "server/config/address.h"

#include <gmock/gmock.h>

namespace polyscene {
namespace {

TEST(HostPort, SplitsNamesAndAddresses) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:50051")->host, "127.0.0.1");
  EXPECT_EQ(ParseHostPort("127.0.0.1:50051")->port, 50051);
  EXPECT_EQ(ParseHostPort("scores.example.com:0")->port, 0);
  EXPECT_EQ(ParseHostPort("[::1]:65535")->host, "::1");
  EXPECT_EQ(ParseHostPort("[::1]:65535")->port, 65535);
}

TEST(HostPort, TellsWhatIsWrong) {
  for (const char* wrong :
       {"", "localhost", "localhost:", ":50051", "localhost:65536", "localhost:-1", "localhost:+1", "localhost:http",
        "localhost:1:2", "::1:50051", "[::1:50051", "[localhost]:1", "a b:1", "localhost: 1", "host/x:1"}) {
    const auto address = ParseHostPort(wrong);
    ASSERT_FALSE(address.ok()) << wrong;
    EXPECT_EQ(std::string(address.status().message()),
              "'" + std::string(wrong) +
                  "', expected HOST:PORT, for example 127.0.0.1:50051 or [::1]:50051, with a port from 0 to 65535");
  }
}

TEST(HostPort, KnowsWhatOnlyThisMachineReaches) {
  for (const char* near :
       {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "[0:0:0:0:0:0:0:1]:1", "localhost:1", "LOCALHOST:1"}) {
    EXPECT_TRUE(ParseHostPort(near)->IsLoopback()) << near;
  }
  for (const char* far :
       {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "128.0.0.1:1", "localhost.example.com:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(ParseHostPort(far)->IsLoopback()) << far;
  }
}

}  // namespace
}  // namespace polyscene
