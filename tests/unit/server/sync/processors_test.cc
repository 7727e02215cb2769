#include "server/sync/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

class ProcessorQuotaTest : public testing::Test {
 protected:
  void Write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = directory_.path() / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  int Quota() const { return ProcessorQuota(directory_.path() / "cgroup", directory_.path() / "groups"); }

  const TempDirectory directory_;
};

TEST_F(ProcessorQuotaTest, IsThatOfTheOwnGroup) {
  Write("cgroup", "1:cpu:/other\n0::/shop/server\n");
  Write("groups/shop/server/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(ProcessorQuotaTest, OrTheLeastOfThoseAboveIt) {
  Write("cgroup", "0::/shop/server\n");
  Write("groups/shop/cpu.max", "150000 50000\n");
  Write("groups/shop/server/cpu.max", "800000 100000\n");
  EXPECT_EQ(Quota(), 3);
}

TEST_F(ProcessorQuotaTest, IsThatOfTheMountWhereAContainerSeesNoOther) {
  Write("cgroup", "0::/\n");
  Write("groups/cpu.max", "400000 100000\n");
  EXPECT_EQ(Quota(), 4);
}

TEST_F(ProcessorQuotaTest, CountsAPartOfAProcessorAsOne) {
  Write("groups/cpu.max", "150000 100000\n");
  EXPECT_EQ(Quota(), 2);
  Write("groups/cpu.max", "1000 100000\n");
  EXPECT_EQ(Quota(), 1);
}

TEST_F(ProcessorQuotaTest, IsNoneWhereNothingLimitsOrNothingCanBeRead) {
  EXPECT_EQ(Quota(), 0);
  Write("cgroup", "0::/shop\n");
  EXPECT_EQ(Quota(), 0);
  for (const char* text : {"max 100000\n", "", "broken", "100000 0\n", "-1 100000\n"}) {
    Write("groups/shop/cpu.max", text);
    EXPECT_EQ(Quota(), 0) << text;
  }
}

TEST_F(ProcessorQuotaTest, IsNoneOfAGroupOutsideTheMount) {
  Write("cgroup", "0::/../beside\n");
  Write("beside/cpu.max", "100000 100000\n");
  std::filesystem::create_directories(directory_.path() / "groups");
  EXPECT_EQ(Quota(), 0);
}

TEST(ProcessorsTest, AreNoMoreThanAffinityAllows) {
  EXPECT_GE(Processors(), 1);
  int counted = 0;
  std::thread([&counted] {  // Its affinity ends with it.
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    counted = Processors();
  })
      .join();
  EXPECT_EQ(counted, 1);
}

}  // namespace
}  // namespace polyscene
