#include "server/snapshot/snapshot_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace polyscene {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Snapshot> Version(uint64_t version) {
  SnapshotInfo info;
  info.version = version;
  return std::make_shared<Snapshot>(info);
}

TEST(SnapshotStore, HasNothingBeforeTheFirstPublish) { EXPECT_EQ(SnapshotStore().Current(), nullptr); }

TEST(SnapshotStore, ServesTheNewestPublished) {
  SnapshotStore store;
  ASSERT_TRUE(store.Publish(Version(1)).ok());
  ASSERT_TRUE(store.Publish(Version(5)).ok());
  EXPECT_EQ(store.Current()->info().version, 5);
}

TEST(SnapshotStore, RefusesWhatIsNotNewer) {
  SnapshotStore store;
  ASSERT_TRUE(store.Publish(Version(5)).ok());
  for (const uint64_t version : {4, 5}) {
    const absl::Status status = store.Publish(Version(version));
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("not newer than the served version 5"));
  }
  EXPECT_EQ(store.Current()->info().version, 5);
}

TEST(SnapshotStore, ASnapshotLivesUntilItsLastReaderLetsGo) {
  SnapshotStore store;
  ASSERT_TRUE(store.Publish(Version(1)).ok());
  std::shared_ptr<const Snapshot> reader = store.Current();
  const std::weak_ptr<const Snapshot> first = reader;

  ASSERT_TRUE(store.Publish(Version(2)).ok());
  EXPECT_EQ(reader->info().version, 1);
  reader.reset();
  EXPECT_TRUE(first.expired());
}

TEST(SnapshotStore, ReadersSeeVersionsGrowWhileOthersArePublished) {
  SnapshotStore store;
  ASSERT_TRUE(store.Publish(Version(1)).ok());
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&store] {
      for (uint64_t seen = 0; seen < 200;) {
        const uint64_t version = store.Current()->info().version;
        ASSERT_GE(version, seen);
        seen = version;
      }
    });
  }
  for (uint64_t version = 2; version <= 200; ++version) ASSERT_TRUE(store.Publish(Version(version)).ok());
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace polyscene
