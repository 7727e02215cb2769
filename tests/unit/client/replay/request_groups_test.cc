#include "client/replay/request_groups.h"

#include "client/replay/remembered_request.h"
#include "gmock/gmock.h"
#include "tests/unit/client/replay/shop.h"

namespace polyscene::replay {
namespace {

using ::testing::ElementsAre;

class RequestGroupsTest : public ::testing::Test {
 protected:
  // "scene: lines" of each group.
  std::vector<std::string> Grouped(const std::string& lines, int64_t max_rows = 100) {
    RequestGroups groups(*spec_, max_rows);
    rows_ = OpenRows({ShopFile(lines)});
    for (ReplayRow& row : AllRows(*rows_)) groups.Add(row);
    groups_ = groups.Take();
    EXPECT_EQ(groups.rows(), 0);
    std::vector<std::string> all;
    for (const RowGroup& group : groups_) {
      std::string& one = all.emplace_back(absl::StrCat(spec_->scenes()[group.scene].name, ":"));
      for (const ReplayRow& row : group.rows) absl::StrAppend(&one, " ", row.table.lines[0]);
    }
    return all;
  }

  const std::shared_ptr<const ModelSpec> spec_ = Shop();
  std::unique_ptr<ReplayRows> rows_;
  std::vector<RowGroup> groups_;
};

TEST_F(RequestGroupsTest, RowsOfOneSceneAndRequestAreOneRequestWhereverTheyStand) {
  EXPECT_THAT(Grouped("search,5,,r,,ann,1,,1,,,,,\n"
                      "visits,5,,,,ann,,,,,1,,,\n"
                      "search,5,,s,,ann,2,,1,,,,,\n"
                      "search,5,,r,,ann,3,,0,,,,,\n"
                      "visits,5,,,,bob,,,,,1,,,\n"),
              ElementsAre("search: 2 5", "visits: 3 6", "search: 4"));
}

TEST_F(RequestGroupsTest, CandidatesOfOneRequestAgreeInTheirContext) {
  EXPECT_THAT(Grouped("search,5,,r,,ann,1,,1,,,,,\n"
                      "search,5,,r,,bob,2,,1,,,,,\n"
                      "search,5,,r,,,3,,1,,,,,\n"
                      "search,5,,r,,ann,4,,0,,,,,\n"),
              ElementsAre("search: 2 5", "search: 3", "search: 4"));
}

TEST_F(RequestGroupsTest, NoRequestHasMoreRowsThanAllowed) {
  EXPECT_THAT(Grouped("visits,5,,,,a,,,,,1,,,\nvisits,5,,,,b,,,,,1,,,\nvisits,5,,,,c,,,,,1,,,\n", 2),
              ElementsAre("visits: 2 3", "visits: 4"));
}

TEST_F(RequestGroupsTest, ARequestHasItsContextOnceAndAColumnForAllItsCandidates) {
  Grouped("search,5,,r,,ann,1,x|y,1,,,,,\nsearch,5,,r,,ann,2,,0,,,,,\n");
  const v1::PredictRequest request = RequestOf(*spec_, groups_[0], "p/1");
  EXPECT_EQ(request.request_id(), "p/1");
  EXPECT_TRUE(request.remember());
  EXPECT_TRUE(request.wait_until_remembered());
  EXPECT_EQ(request.event_time_micros(), 5'000'000);
  ASSERT_EQ(request.context_size(), 1);
  EXPECT_THAT(request.context(0).strings(), ElementsAre("ann"));
  ASSERT_EQ(request.candidates_size(), 2);
  EXPECT_THAT(request.candidates(0).ints(), ElementsAre(1, 2));
  EXPECT_THAT(request.candidates(1).lengths(), ElementsAre(2u, 0u));
  EXPECT_THAT(request.candidates(1).missing_rows(), ElementsAre(1u));
}

TEST_F(RequestGroupsTest, WithoutCandidatesEveryRowHasItsOwnContext) {
  Grouped("visits,5,,,,ann,,,,,1,,,\nvisits,5,,,,,,,,,0,,,\n");
  const v1::PredictRequest request = RequestOf(*spec_, groups_[0], "p/1");
  EXPECT_EQ(request.candidates_size(), 0);
  ASSERT_EQ(request.context_size(), 1);
  EXPECT_THAT(request.context(0).strings(), ElementsAre("ann", ""));
  EXPECT_THAT(request.context(0).missing_rows(), ElementsAre(1u));
}

}  // namespace
}  // namespace polyscene::replay
