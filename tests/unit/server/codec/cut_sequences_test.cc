#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"
#include "polyscene/v1/prediction.pb.h"
#include "server/codec/codec.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;

constexpr char kModel[] = R"(
name: "cut"
features { name: "seen" side: CANDIDATE type: INT64 sequence { max_length: 2 } encode { hash { embedding { dimension: 4 } } } }
features { name: "tags" side: CANDIDATE type: STRING sequence { max_length: 3 } encode { hash { embedding { dimension: 4 } } } }
features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 4 } } } }
scenes { name: "shop" tasks: "click" }
tasks { name: "click" binary {} }
network { shared_bottom { hidden: 4 } }
)";

TEST(CutSequencesTest, LeavesTheLastValuesOfEachRow) {
  const auto spec = ModelSpec::Parse(kModel, "cut.textproto");
  ASSERT_TRUE(spec.ok()) << spec.status();
  v1::PredictRequest request;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    candidates { name: "seen" ints: [1, 2, 3, 4, 5, 6] lengths: [3, 0, 1, 2] missing_rows: 1 }
    candidates { name: "tags" strings: ["a", "b", "c", "d", "e"] lengths: [0, 5, 0, 0] }
    candidates { name: "item" ints: [7, 8, 9, 10] })",
                                                            &request));
  CutSequences(**spec, request.mutable_candidates());
  EXPECT_THAT(request.candidates(0).ints(), ElementsAre(2, 3, 4, 5, 6));
  EXPECT_THAT(request.candidates(0).lengths(), ElementsAre(2, 0, 1, 2));
  EXPECT_THAT(request.candidates(0).missing_rows(), ElementsAre(1));
  EXPECT_THAT(request.candidates(1).strings(), ElementsAre("c", "d", "e"));
  EXPECT_THAT(request.candidates(1).lengths(), ElementsAre(0, 3, 0, 0));
  EXPECT_THAT(request.candidates(2).ints(), ElementsAre(7, 8, 9, 10));
}

TEST(CutSequencesTest, LeavesVectorsWhole) {
  const auto spec = ModelSpec::Parse(R"(
    name: "vectors"
    features { name: "text" side: CANDIDATE type: FLOAT sequence {} encode { vector { length: 64 } } }
    scenes { name: "shop" tasks: "click" }
    tasks { name: "click" binary {} }
    network { shared_bottom { hidden: 4 } })",
                                     "vectors.textproto");
  ASSERT_TRUE(spec.ok()) << spec.status();
  google::protobuf::RepeatedPtrField<v1::Column> columns;
  v1::Column& text = *columns.Add();
  text.set_name("text");
  for (int i = 0; i < 128; ++i) text.add_floats(static_cast<float>(i));
  text.add_lengths(64);
  text.add_lengths(64);
  const std::string before = text.SerializeAsString();
  CutSequences(**spec, &columns);
  EXPECT_EQ(columns[0].SerializeAsString(), before);
}

}  // namespace
}  // namespace polyscene
