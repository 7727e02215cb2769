#include "client/replay/replay_rows.h"

#include "gmock/gmock.h"
#include "tests/unit/client/replay/shop.h"

namespace polyscene::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;

// "user predict_at label_at", seconds.
std::vector<std::string> Times(const std::vector<ReplayRow>& rows) {
  std::vector<std::string> all;
  for (const ReplayRow& row : rows) {
    all.push_back(absl::StrCat(row.table.features.columns[0].strings[0], " ", row.predict_at / kSecond, " ",
                               row.label_at / kSecond));
  }
  return all;
}

TEST(ReplayRowsTest, RowsComeInTheirOrderWithTheTimesOfEventAndLabels) {
  const auto rows =
      OpenRows({ShopFile("visits,100,150,,,ann,,,,,1,,,\n"
                         "search,200,,r,,bob,7,,1,,,,,\n"
                         "visits,300,250,,,cid,,,,,0,,,\n")});
  EXPECT_THAT(Times(AllRows(*rows)), ElementsAre("ann 100 150", "bob 200 200", "cid 300 300"));
  EXPECT_EQ(rows->out_of_order(), 0);
}

TEST(ReplayRowsTest, DaysAreKnownAtTheirEnd) {
  const auto rows =
      OpenRows({ShopFile("visits,1970-01-02,1970-01-01,,,ann,,,,,1,,,\n"
                         "visits,1970-01-02,1970-01-04,,,bob,,,,,1,,,\n")});
  EXPECT_THAT(Times(AllRows(*rows)), ElementsAre("ann 86400 172800", "bob 86400 345600"));
}

TEST(ReplayRowsTest, AnotherColumnsTimesPutTheRowsIntoAnotherOrder) {
  ReplayRowsOptions options;
  options.predict_time_column = "booked";
  const auto rows = OpenRows({ShopFile("visits,500,600,,,ann,,,,,1,,,300\n"
                                       "search,501,,r,,bob,7,x|y,1,2.5,,,,100\n"
                                       "visits,502,603,,,cid,,,,,0,,,100\n"
                                       "visits,503,100,,,dan,,,,,0,,,700\n")},
                             options);
  const std::vector<ReplayRow> all = AllRows(*rows);
  EXPECT_THAT(Times(all), ElementsAre("bob 100 501", "cid 100 603", "ann 300 600", "dan 700 700"));
  // A row is whole, wherever it stood.
  EXPECT_EQ(all[0].table.scene, "search");
  EXPECT_THAT(all[0].table.features.columns[2].strings, ElementsAre("x", "y"));
  EXPECT_THAT(all[0].table.features.columns[2].lengths, ElementsAre(2u));
  EXPECT_THAT(all[0].table.labels[1].values, ElementsAre(2.5f));
  EXPECT_THAT(all[0].table.labels[1].missing, IsEmpty());
  EXPECT_THAT(all[0].table.lines, ElementsAre(3));
  EXPECT_THAT(all[1].table.labels[0].values, ElementsAre(0));
  EXPECT_EQ(all[1].table.rows(), 1);
}

TEST(ReplayRowsTest, ARowWithoutATimeIsRefused) {
  for (const char* column : {"", "booked"}) {
    std::vector<std::string> rejected;
    ReplayRowsOptions options;
    options.predict_time_column = column;
    options.on_rejected = [&](const RejectedLine& line) {
      rejected.push_back(absl::StrCat(line.line, " ", line.reason, ": ", line.message));
    };
    const auto rows = OpenRows({ShopFile("visits,,,,,ann,,,,,1,,,\nvisits,5,,,,bob,,,,,1,,,5\n")}, options);
    EXPECT_THAT(Times(AllRows(*rows)), ElementsAre("bob 5 5"));
    EXPECT_THAT(rejected, ElementsAre(HasSubstr("2 missing_value: column '")));
  }
}

TEST(ReplayRowsTest, RowsThatStepBackInTimeAreCounted) {
  const auto rows = OpenRows({ShopFile("visits,5,,,,a,,,,,1,,,\nvisits,3,,,,b,,,,,1,,,\nvisits,4,,,,c,,,,,1,,,\n")});
  EXPECT_THAT(Times(AllRows(*rows)), ElementsAre("a 5 5", "b 3 3", "c 4 4"));
  EXPECT_EQ(rows->out_of_order(), 1);
}

TEST(ReplayRowsTest, WhatCannotBeReplayedIsSaid) {
  ReplayRowsOptions options;
  options.predict_time_column = "boked";
  const std::string file = ShopFile("visits,5,,,,a,,,,,1,,,\n");
  EXPECT_THAT(ReplayRows::Open({file}, Shop()->file(), options).status().message(), HasSubstr("no column 'boked'"));
  v1::ModelFile timeless = Shop()->file();
  timeless.mutable_files()->clear_event_time_column();
  EXPECT_THAT(ReplayRows::Open({file}, timeless, {}).status().message(), HasSubstr("event_time_column"));
}

}  // namespace
}  // namespace polyscene::replay
