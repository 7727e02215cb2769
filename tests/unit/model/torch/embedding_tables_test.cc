// Which ids of a table have a row, and for how long.
#include "model/embedding/embedding_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <numeric>

#include "model/embedding/initial_row.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;

class EmbeddingTablesTest : public testing::Test {
 protected:
  // No sequence here is pooled by attention.
  class NoAttention : public SequenceAttention {
   public:
    torch::Tensor WeightsOf(int, const torch::Tensor&, const torch::Tensor&) const override {
      ADD_FAILURE() << "nobody asked for it";
      return {};
    }
  };
  void Make(const std::string& rows, int dimension = 4) {
    spec_ = ParseModel(absl::StrCat(R"(
      name: "one table"
      features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: )",
                                    dimension, R"( } } } }
      scenes { name: "shop" tasks: ["click"] }
      tasks { name: "click" binary {} }
      network { shared_bottom { hidden: [4] } }
    )",
                                    rows));
    tables_ = std::make_unique<EmbeddingTables>(spec_, torch::kCPU);
  }

  static EncodedBatch Batch(const std::vector<uint64_t>& ids) {
    EncodedBatch batch;
    batch.rows = static_cast<int64_t>(ids.size());
    batch.scenes.resize(ids.size());
    batch.slots.resize(1);
    batch.slots[0].ids = ids;
    return batch;
  }
  static std::vector<uint64_t> Ids(uint64_t first, uint64_t count) {
    std::vector<uint64_t> ids(count);
    std::iota(ids.begin(), ids.end(), first);
    return ids;
  }

  // A step that sets what has a row to `value`. Returns the rows of the distinct ids.
  std::vector<uint32_t> Learn(const std::vector<uint64_t>& ids, float value = 1) {
    std::vector<GroupRows> rows = tables_->Resolve(Batch(ids));
    learned_ += ids.size();
    tables_->Admit(rows, static_cast<int64_t>(ids.size()), learned_);
    std::vector<uint32_t> having;
    for (const uint32_t row : rows[0].rows) {
      if (row != kNoRow) having.push_back(row);
    }
    tables_->store(0).Write(having,
                            torch::full({static_cast<int64_t>(having.size()), spec_->tables()[0].dimension}, value));
    return rows[0].rows;
  }
  // Learned rows of one id go by.
  void Pass(uint64_t rows, uint64_t id = 999'999) {
    for (uint64_t i = 0; i < rows; i += 64) Learn(std::vector<uint64_t>(64, id));
  }

  bool HasRow(uint64_t id) { return tables_->Resolve(Batch({id}))[0].missing.empty(); }
  uint64_t Having(const std::vector<uint64_t>& ids) {
    return ids.size() - tables_->Resolve(Batch(ids))[0].missing.size();
  }
  torch::Tensor Initial(uint64_t id) const {
    std::vector<float> row(spec_->tables()[0].dimension);
    InitialRow(spec_->file().seed(), 0, id, spec_->tables()[0].initial_range, absl::MakeSpan(row));
    return torch::tensor(row);
  }
  torch::Tensor Served(uint64_t id) { return tables_->Freeze()->Embed(Batch({id}), attention_)[0]; }
  TableLife Life() const { return tables_->table_life(0); }

  const NoAttention attention_;
  std::shared_ptr<const ModelSpec> spec_;
  std::unique_ptr<EmbeddingTables> tables_;
  uint64_t learned_ = 0;
};

TEST_F(EmbeddingTablesTest, WithoutAPolicyIdsGetRowsInTheOrderInWhichTheyAreMet) {
  Make("");
  EXPECT_THAT(Learn({7, 8, 7, 9}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Learn({9, 5}), ElementsAre(2, 3));
  EXPECT_EQ(Life().rows, 4u);
}

TEST_F(EmbeddingTablesTest, ResolvingMakesNoRowAndGathersInitialValues) {
  Make("");
  const std::vector<GroupRows> rows = tables_->Resolve(Batch({7, 8, 7}));
  EXPECT_THAT(rows[0].rows, ElementsAre(kNoRow, kNoRow));
  EXPECT_THAT(rows[0].seen, ElementsAre(2, 1));
  EXPECT_TRUE(torch::equal(tables_->Gather(0, rows[0])[1], Initial(8)));
  EXPECT_EQ(Life().rows, 0u);
}

TEST_F(EmbeddingTablesTest, AnIdGetsItsRowInTheStepOfItsThirdSighting) {
  Make("rows { admit_after: 3 }");
  Learn({7});
  Learn({7, 8, 8, 8});
  EXPECT_FALSE(HasRow(7));
  EXPECT_TRUE(HasRow(8));  // Each time that it occurs counts.
  EXPECT_EQ(Life().waiting, 1u);
  EXPECT_TRUE(torch::equal(Served(7), Initial(7)));  // What was learned for it was dropped.
  EXPECT_THAT(Learn({7}, 5), ElementsAre(1));
  EXPECT_EQ(Served(7)[0].item<float>(), 5);
  EXPECT_EQ(Life().waiting, 0u);
}

TEST_F(EmbeddingTablesTest, OnlyLearningCountsSightings) {
  Make("rows { admit_after: 2 }");
  Learn({7});
  for (int i = 0; i < 10; ++i) Served(7);
  for (int i = 0; i < 10; ++i) HasRow(7);
  EXPECT_FALSE(HasRow(7));
}

TEST_F(EmbeddingTablesTest, ARowIsLetGoOnceItsIdWasNotLearnedFromForSoManyRows) {
  Make("rows { expire_after_rows: 4096 }");
  Learn({7, 8}, 5);
  Pass(2'048);
  Learn({8});
  Pass(2'000);
  EXPECT_TRUE(HasRow(7));   // Never too early,
  Pass(1'200 + 4'096 / 8);  // and late by no more than a unit and a round.
  EXPECT_FALSE(HasRow(7));
  EXPECT_TRUE(HasRow(8));
  EXPECT_EQ(Life().expired, 1u);
  EXPECT_TRUE(torch::equal(Served(7), Initial(7)));
  EXPECT_THAT(Learn({70}), ElementsAre(0));  // In its place.
  EXPECT_THAT(Learn({7}), ElementsAre(3));   // It comes back as new.
}

class BoundedTableTest : public EmbeddingTablesTest {
 protected:
  // Room for some hundred rows.
  BoundedTableTest() { Make("rows { max_bytes: 1048576 }", 512); }

  uint64_t most() const { return static_cast<uint64_t>(tables_->group(0).most_rows); }
};

TEST_F(BoundedTableTest, MemoryNeverExceedsTheBoundAndUsesMostOfIt) {
  for (uint64_t i = 0; i < 100; ++i) {
    Learn(Ids(i * 50, 64));
    ASSERT_LE(tables_->memory_bytes(), 1'048'576u);
  }
  EXPECT_EQ(Life().rows, most());
  EXPECT_GT(tables_->memory_bytes(), 1'048'576u * 9 / 10);
  EXPECT_EQ(Life().rows + Life().evicted, 99 * 50 + 64u);
}

TEST_F(BoundedTableTest, RowsOfTheStepNeverMakeRoomAndWhatHasNoneIsServedAsNew) {
  const std::vector<uint64_t> many = Ids(0, most() + 20);
  Learn(many, 5);
  EXPECT_EQ(Life().rows, most());
  EXPECT_EQ(Life().evicted, 0u);
  EXPECT_EQ(Having(Ids(0, most())), most());  // In the step's order.
  EXPECT_TRUE(torch::equal(Served(most()), Initial(most())));
  Learn(Ids(10, most()));
  EXPECT_EQ(Having(Ids(10, most())), most());
  EXPECT_EQ(Life().evicted, 10u);
}

TEST_F(BoundedTableTest, TheOneSeenLeastMakesRoom) {
  Learn(Ids(0, most()));
  for (uint64_t id = 0; id < most(); ++id) {
    if (id != 5) Learn({id});
  }
  Learn(Ids(10'000, 1));
  // The hand looked at the first 16.
  EXPECT_FALSE(HasRow(5));
  EXPECT_EQ(Having(Ids(0, most())), most() - 1);
}

TEST_F(BoundedTableTest, ASnapshotStaysWhatItWasThroughAnyChurn) {
  std::vector<std::pair<std::shared_ptr<const FrozenTables>, torch::Tensor>> snapshots;
  const EncodedBatch all = Batch(Ids(0, 2'000));
  for (uint64_t i = 0; i < 40; ++i) {
    Learn(Ids(i * 45, 64), static_cast<float>(i));
    auto frozen = tables_->Freeze();
    torch::Tensor values = frozen->Embed(all, attention_);
    snapshots.emplace_back(std::move(frozen), std::move(values));
  }
  ASSERT_GT(Life().evicted, most());
  for (const auto& [frozen, values] : snapshots) ASSERT_TRUE(torch::equal(frozen->Embed(all, attention_), values));
}

TEST_F(BoundedTableTest, WhatAStepThatFailedSawIsNotSeen) {
  Learn(Ids(0, 10));
  tables_->Resolve(Batch(Ids(0, 20)));  // And no Admit().
  EXPECT_EQ(Life().rows, 10u);
}

}  // namespace
}  // namespace polyscene
