#include "server/training/step_former.h"

#include "tests/unit/server/training/training_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StepFormerTest : public TrainingTest {
 protected:
  void Begin(uint64_t offset) {
    absl::StatusOr<StepFormer> former =
        StepFormer::Create(spec_, *log_, offset, options_.step_rows, options_.step_wait);
    ASSERT_TRUE(former.ok()) << former.status();
    former_ = std::make_unique<StepFormer>(*std::move(former));
  }

  absl::StatusOr<std::variant<std::monostate, FormedStep, FormedOpening>> Next() { return former_->Next(clock_.Now()); }

  bool Rests() { return std::holds_alternative<std::monostate>(*Next()); }

  // The items of the next step, which is then done; empty if there is none.
  std::vector<int64_t> TakeStep() {
    auto next = Next();
    EXPECT_TRUE(next.ok()) << next.status();
    const FormedStep* step = next.ok() ? std::get_if<FormedStep>(&*next) : nullptr;
    if (step == nullptr) return {};
    std::vector<int64_t> items;
    for (const ExampleSlice& slice : step->slices) {
      const absl::Span<const int64_t> ints = slice.examples->features.Find("item")->ints;
      items.insert(items.end(), ints.begin() + slice.begin, ints.begin() + slice.end);
      EXPECT_EQ(slice.producer, "p");
    }
    EXPECT_EQ(step->end - step->begin, items.size());
    former_->Advance(step->end);
    return items;
  }

  std::unique_ptr<StepFormer> former_;
};

TEST_F(StepFormerTest, AStepTakesItsRowsAcrossRecordsAndWithinThem) {
  Log(0, 3);
  Log(3, 6);
  Begin(0);
  EXPECT_THAT(TakeStep(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(TakeStep(), ElementsAre(4, 5, 6, 7));
  EXPECT_TRUE(Rests());
}

TEST_F(StepFormerTest, RowsOfASceneThatIsNotThereAnyMoreTakeTheirPlaceInAStepAndAreLeftOut) {
  Log(0, 2);
  v1::LogRecord old = EventsRecord("p", ++sequence_, Items(2, 2));
  old.mutable_events()->set_scene("closed");
  ASSERT_TRUE(AppendAndWait(*log_, std::move(old)).ok());
  Begin(0);
  auto next = Next();
  ASSERT_TRUE(next.ok()) << next.status();
  const FormedStep& step = std::get<FormedStep>(*next);
  EXPECT_EQ(step.end, 4u);
  ASSERT_EQ(step.slices.size(), 1u);
  EXPECT_EQ(step.slices[0].examples->features.Find("item")->ints[0], 0);
}

TEST_F(StepFormerTest, TooFewRowsBecomeAStepOnceTheFirstHasWaited) {
  Log(0, 2);
  Begin(0);
  EXPECT_TRUE(Rests());
  EXPECT_EQ(former_->due(), clock_.Now() + absl::Seconds(1));
  clock_.Advance(absl::Milliseconds(600));
  Log(2, 1);
  EXPECT_TRUE(Rests());
  clock_.Advance(absl::Milliseconds(400));
  EXPECT_THAT(TakeStep(), ElementsAre(0, 1, 2));
  EXPECT_EQ(former_->due(), absl::InfiniteFuture());
}

TEST_F(StepFormerTest, AStepFillsAsSoonAsItsRowsAreThere) {
  Log(0, 2);
  Begin(0);
  EXPECT_TRUE(Rests());
  Log(2, 3);
  EXPECT_THAT(TakeStep(), ElementsAre(0, 1, 2, 3));
}

TEST_F(StepFormerTest, ItMayBeginWithinARecord) {
  Log(0, 10);
  Begin(5);
  EXPECT_THAT(TakeStep(), ElementsAre(5, 6, 7, 8));
}

TEST_F(StepFormerTest, AControlRecordEndsTheStepBeforeItAndStandsAlone) {
  Log(0, 2);
  LogOpening(77);
  Log(2, 2);
  Begin(0);
  EXPECT_THAT(TakeStep(), ElementsAre(0, 1));
  auto next = Next();
  const FormedOpening* opening = std::get_if<FormedOpening>(&*next);
  ASSERT_NE(opening, nullptr);
  EXPECT_EQ(opening->producer, "p");
  EXPECT_EQ(opening->from_micros, 77);
  EXPECT_EQ(opening->end, 3);
  former_->Advance(opening->end);
  EXPECT_TRUE(Rests());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(TakeStep(), ElementsAre(2, 3));
}

TEST_F(StepFormerTest, JournaledStepsAreFormedAgain) {
  Log(0, 10);
  ASSERT_TRUE(log_->JournalStep(0, 1).ok());
  ASSERT_TRUE(log_->JournalStep(1, 8).ok());
  Begin(0);
  EXPECT_TRUE(std::get<FormedStep>(*Next()).journaled);
  EXPECT_THAT(TakeStep(), ElementsAre(0));
  EXPECT_THAT(TakeStep(), ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_TRUE(Rests());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(std::get<FormedStep>(*Next()).journaled);
  EXPECT_THAT(TakeStep(), ElementsAre(8, 9));
}

TEST_F(StepFormerTest, AJournalThatGoesBeyondTheLogIsDataLoss) {
  Log(0, 3);
  ASSERT_TRUE(log_->JournalStep(0, 5).ok());
  Begin(0);
  const absl::Status status = Next().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("from offset 0 to 5, but rows follow only to offset 3"));
}

TEST_F(StepFormerTest, AJournaledStepOverAControlRecordIsDataLoss) {
  Log(0, 2);
  LogOpening(0);
  Log(2, 2);
  ASSERT_TRUE(log_->JournalStep(0, 4).ok());
  Begin(0);
  EXPECT_EQ(Next().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StepFormerTest, PartsTellSceneAndTimeOfEachRecord) {
  const absl::Time first = clock_.Now();
  Log(0, 3);
  clock_.Advance(absl::Seconds(5));
  Log(3, 3);
  Begin(0);
  auto next = Next();
  const std::vector<StepPart>& parts = std::get<FormedStep>(*next).parts;
  ASSERT_EQ(parts.size(), 2);
  EXPECT_EQ(parts[0].scene, spec_->FindScene("shop"));
  EXPECT_EQ(parts[0].rows, 3);
  EXPECT_EQ(parts[0].accepted_at, first);
  EXPECT_EQ(parts[1].rows, 1);
  EXPECT_EQ(parts[1].accepted_at, first + absl::Seconds(5));
}

}  // namespace
}  // namespace polyscene
