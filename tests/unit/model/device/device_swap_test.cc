// Snapshots change while requests are scored on a device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/model/device/device_fixture.h"

namespace polyscene {
namespace {

constexpr float kRounding = 2e-5f;

class DeviceSwapTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Devices, DeviceSwapTest, testing::ValuesIn(Devices()));

std::vector<ZooRequest> Requests(const ModelSpec& spec, uint32_t seed) {
  ZooRows values(seed);
  std::vector<ZooRequest> requests;
  for (int i = 0; i < 6; ++i) requests.push_back(values.Request(spec, 1 + values.Below(100)));
  return requests;
}

TEST_P(DeviceSwapTest, EachPublishIsAnsweredWithItsOwnWeightsAndRows) {
  DeviceModel model(GetParam(), kZooNetworks[4]);
  for (uint32_t round = 0; round < 4; ++round) {
    std::vector<ZooRequest> requests = Requests(model.spec(), 20 + round);
    model.ExpectEqual(requests, kRounding);
    model.Learn(30 + round);
    model.Publish();
  }
}

TEST_P(DeviceSwapTest, AnOlderSnapshotKeepsItsAnswersBetweenThoseOfNewerOnes) {
  DeviceModel model(GetParam(), kZooNetworks[4]);
  std::vector<ZooRequest> requests = Requests(model.spec(), 21);
  const std::vector<ScoreRequest> views = DeviceModel::Views(requests);
  Learner& learner = model.device_learner();  // Whose snapshots share pages.
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  std::vector<std::vector<ScoreResult>> answers;
  for (uint32_t version = 1; version <= 4; ++version) {
    snapshots.push_back(*learner.MakeSnapshot(version, 0));
    answers.push_back(model.Expected(*snapshots.back(), views));
    LearnZoo(learner, model.spec(), 40 + version, 3);
  }
  EXPECT_NE(answers[0][0].tasks[0].values, answers[1][0].tasks[0].values);
  for (const size_t i : {0, 3, 1, 0, 2}) {
    ExpectScoresNear(ScoreOn(model.forward(), OnDevice(*snapshots[i]), views), answers[i], kRounding);
  }
}

TEST_P(DeviceSwapTest, WhileTheLearnerGoesOnEveryAnswerIsOfItsSnapshot) {
  DeviceModel model(GetParam(), ZooText(kZooNetworks[4], "forward: LIBTORCH"), ZooText(kZooNetworks[4], ""),
                    SmallBuckets(/*lanes=*/2), /*steps=*/6);
  Learner& learner = model.device_learner();
  const std::shared_ptr<const Snapshot> old = *learner.MakeSnapshot(1, 0);
  LearnZoo(learner, model.spec(), 50, 3);
  const std::shared_ptr<const Snapshot> current = *learner.MakeSnapshot(2, 0);
  std::atomic<bool> stopping{false};
  std::vector<std::thread> callers;  // More than lanes: some wait for one.
  for (uint32_t caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&, caller] {
      std::vector<ZooRequest> requests = Requests(model.spec(), 60 + caller);
      const std::vector<ScoreRequest> views = DeviceModel::Views(requests);
      const auto of_old = model.Expected(*old, views);
      const auto of_current = model.Expected(*current, views);
      do {
        ExpectScoresNear(ScoreOn(model.forward(), OnDevice(*old), views), of_old, kRounding);
        ExpectScoresNear(ScoreOn(model.forward(), OnDevice(*current), views), of_current, kRounding);
      } while (!stopping);
    });
  }
  for (uint32_t version = 3; version < 9; ++version) {
    LearnZoo(learner, model.spec(), version, 1);
    EXPECT_TRUE(learner.MakeSnapshot(version, 0).ok());  // Let go at once: its pages are used again.
  }
  stopping = true;
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace polyscene
