// Files are read as a server would accept their rows.
#include "model/offline/example_files.h"

#include <gmock/gmock.h>

#include <vector>

#include "model/data/event_times.h"
#include "model/feature/encoder.h"
#include "model/offline/file_survey.h"
#include "tests/unit/model/offline/offline_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExampleFilesTest : public OfflineTest {
 protected:
  // The selected rows' prices, in order; scene by scene within a window.
  std::vector<float> Prices(RowSelection selection) {
    ExampleFiles files(spec_, HashKey(), std::move(selection), &refused_);
    std::vector<float> prices;
    ExampleChunk chunk;
    for (;;) {
      const absl::StatusOr<bool> more = files.Next(&chunk);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return prices;
      for (const Column& column : chunk.table.features.columns) {
        if (column.name != "price") continue;
        for (const auto& [begin, end] : chunk.ranges) {
          prices.insert(prices.end(), column.floats.begin() + begin, column.floats.begin() + end);
        }
      }
    }
  }
  static int64_t Micros(const char* time) {
    int64_t micros = 0;
    EXPECT_TRUE(ParseTimeMicros(time, &micros));
    return micros;
  }
  absl::StatusOr<FileSurvey> Survey(const std::string& path) {
    return SurveyFiles(spec_, HashKey(), {{path}}, &refused_, [](double) { return true; });
  }

  std::vector<std::string> told_;
  RefusedRows refused_{0, [this](const std::string& line) { told_.push_back(line); }};
};

TEST_F(ExampleFilesTest, SeveralFilesAreReadOneAfterTheOther) {
  EXPECT_THAT(Prices({{WriteRows("a.csv", 4), WriteRows("b.csv", 2)}}), ElementsAre(1, 2, 4, 3, 1, 2));
}

TEST_F(ExampleFilesTest, TheTimesSelectWhatIsBeforeAndWhatIsFromThenOn) {
  const std::string path = WriteRows("a.csv", 6);
  RowSelection before{{path}};
  before.until_micros = Micros("2024-01-03");
  RowSelection after{{path}};
  after.from_micros = Micros("2024-01-03");
  EXPECT_THAT(Prices(before), ElementsAre(1, 2));
  EXPECT_THAT(Prices(after), ElementsAre(4, 5, 3, 6));
}

TEST_F(ExampleFilesTest, ABadRowIsRefusedAloneWithItsFileAndLine) {
  const std::string path = Write("a.csv",
                                 "scene,time,user,tags,price,click,kind\n"
                                 "shop,2024-01-01,u,1,1,0,0\n"
                                 "shop,2024-01-01,u,1,2,0,7\n"
                                 "shop,2024-01-01,u,1,x,0,0\n"
                                 "shop,2024-01-01,u,1,4,0,2\n");
  EXPECT_THAT(Prices({{path}}), ElementsAre(1, 4));
  EXPECT_EQ(refused_.count(), 2);
  EXPECT_THAT(told_, testing::UnorderedElementsAre(
                         HasSubstr(path + ":3: label of task 'kind'"),
                         testing::AllOf(HasSubstr(path + ":4: column 'price': got 'x'"), HasSubstr("[wrong_type]"))));
  EXPECT_THAT(told_, testing::Contains(HasSubstr("got 7, expected a class's number, 0 to 2")));
  EXPECT_THAT(std::string(refused_.Check().message()), HasSubstr("2 rows were refused (out_of_range 1, wrong_type 1)"));
}

TEST_F(ExampleFilesTest, PersonalValuesBecomeTheIdsThatTheServerLogs) {
  ExampleFiles files(spec_, HashKey(), {{WriteRows("a.csv", 1)}}, &refused_);
  ExampleChunk chunk;
  ASSERT_TRUE(files.Next(&chunk).value());
  for (const Column& column : chunk.table.features.columns) {
    if (column.name != "user") continue;
    EXPECT_EQ(column.type, ValueType::kInt64);
    EXPECT_THAT(column.ints, ElementsAre(PersonalId(HashKey(), "u1")));
    EXPECT_TRUE(column.strings.empty());
  }
}

TEST_F(ExampleFilesTest, ASurveyCountsRowsLabelsAndMeasuresNumericFeatures) {
  const auto survey = Survey(WriteRows("a.csv", 6));
  ASSERT_TRUE(survey.ok()) << survey.status();
  EXPECT_EQ(survey->rows, 6);
  EXPECT_THAT(survey->labelled, ElementsAre(6, 4));  // Rows of search have no label of kind.
  EXPECT_EQ(survey->statistics.entries[0].count, 6);
  EXPECT_DOUBLE_EQ(survey->statistics.entries[0].mean, 3.5);
}

TEST_F(ExampleFilesTest, ASurveyMeasuresLabelsThatAreStandardizedAndCountsWhatMasksLeave) {
  v1::ModelFile file = spec_->file();
  v1::Task& days = *file.add_tasks();
  days.set_name("days");
  days.mutable_regression()->mutable_transform()->set_standardize(true);
  days.mutable_defined_when()->set_task("click");
  file.mutable_scenes(0)->add_tasks("days");
  const auto spec = ModelSpec::Create(file);
  ASSERT_TRUE(spec.ok()) << spec.status();
  const std::string path = Write("a.csv",
                                 "scene,time,user,price,click,days\n"
                                 "shop,2024-01-01,u,1,1,3\n"
                                 "shop,2024-01-01,u,1,0,90\n"
                                 "shop,2024-01-01,u,1,1,5\n");
  const auto survey = SurveyFiles(*spec, HashKey(), {{path}}, &refused_, [](double) { return true; });
  ASSERT_TRUE(survey.ok()) << survey.status();
  EXPECT_THAT(survey->labelled, ElementsAre(3, 0, 2));
  ASSERT_EQ(survey->statistics.entries.size(), 2u);
  EXPECT_EQ(survey->statistics.entries[1].count, 2);
  EXPECT_DOUBLE_EQ(survey->statistics.entries[1].mean, 4);
}

TEST_F(ExampleFilesTest, ASurveyStopsWhenAsked) {
  const auto survey = SurveyFiles(spec_, HashKey(), {{WriteRows("a.csv", 6)}}, &refused_, [](double) { return false; });
  EXPECT_TRUE(absl::IsCancelled(survey.status()));
}

TEST_F(ExampleFilesTest, FilesWithDifferentColumnsAreNamedWithWhatDiffers) {
  const std::string a = WriteRows("a.csv", 2);
  const std::string b = Write("b.csv", "scene,time,user,price,click\nshop,2024-01-01,u,1,1\n");
  const absl::Status status = CheckSameColumns(*spec_, {a, b});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("b.csv has other columns than "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("it lacks feature 'tags', task 'kind'"));
  EXPECT_THAT(std::string(CheckSameColumns(*spec_, {b, a}).message()),
              HasSubstr("only it has feature 'tags', task 'kind'"));
  EXPECT_TRUE(CheckSameColumns(*spec_, {a, WriteRows("c.csv", 3)}).ok());
}

TEST_F(ExampleFilesTest, AnEmptyOrUnreadableFileIsNamed) {
  EXPECT_THAT(std::string(CheckSameColumns(*spec_, {Write("empty.csv", "")}).message()), HasSubstr("empty.csv"));
  EXPECT_TRUE(absl::IsNotFound(CheckSameColumns(*spec_, {(directory_.path() / "none.csv").string()})));
  EXPECT_THAT(std::string(CheckSameColumns(*spec_, {"-"}).message()), HasSubstr("not standard input"));
}

}  // namespace
}  // namespace polyscene
