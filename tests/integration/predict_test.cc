#include <ostream>
#include <string>
#include <vector>

#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PredictTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }
};

TEST_F(PredictTest, ScoresEveryCandidateForEveryTaskOnOneSnapshot) {
  v1::PredictResponse response;
  const grpc::Status status = Predict(GoodPredict(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();

  EXPECT_EQ(response.request_id(), "r1");
  ASSERT_THAT(response.scores(), SizeIs(2));
  EXPECT_EQ(response.scores(0).task(), "click");
  EXPECT_EQ(response.scores(0).outputs(), 1);
  EXPECT_THAT(response.scores(0).values(), SizeIs(3));
  EXPECT_EQ(response.scores(1).task(), "spend");
  EXPECT_THAT(response.scores(1).values(), SizeIs(3));
  EXPECT_THAT(response.ranking(), SizeIs(3));
  EXPECT_EQ(response.model().version(), server_->version());
  EXPECT_GE(response.model().weight_age_seconds(), 0);
  EXPECT_EQ(response.model().rows_learned(), 0);
}

TEST_F(PredictTest, AnswersTheTasksAskedForInTheirOrder) {
  v1::PredictRequest request = GoodPredict();
  request.add_tasks("spend");
  request.add_tasks("click");
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(request, &response).ok());
  EXPECT_EQ(response.scores(0).task(), "spend");
  EXPECT_EQ(response.scores(1).task(), "click");
}

TEST_F(PredictTest, RanksNothingWhereATaskOfTheRankingIsNotAskedFor) {
  v1::PredictRequest request = GoodPredict();
  request.add_tasks("click");
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(request, &response).ok());
  EXPECT_THAT(response.scores(), SizeIs(1));
  EXPECT_THAT(response.ranking(), IsEmpty());
}

TEST_F(PredictTest, ASceneWithoutCandidatesScoresItsContextRows) {
  v1::PredictResponse response;
  const grpc::Status status = Predict(Parse<v1::PredictRequest>(R"(
    scene: "churn" context { name: "user" strings: "ann" strings: "bob" } context { name: "visits" floats: 3 floats: 4 })"),
                                      &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(response.scores(), SizeIs(1));
  EXPECT_EQ(response.scores(0).task(), "click");
  EXPECT_THAT(response.scores(0).values(), SizeIs(2));
}

TEST_F(PredictTest, OptionalContextMayBeLeftOutAltogether) {
  v1::PredictResponse response;
  const grpc::Status status =
      Predict(Parse<v1::PredictRequest>(R"(scene: "shop" candidates { name: "item" ints: 1 ints: 2 })"), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(response.scores(0).values(), SizeIs(2));
}

TEST_F(PredictTest, ARequestGetsNothingOfTheOnesBefore) {
  v1::PredictResponse first, other, again;
  ASSERT_TRUE(Predict(GoodPredict(), &first).ok());

  v1::PredictRequest request = GoodPredict();
  request.add_tasks("spend");
  request.add_tasks("clikc");
  EXPECT_FALSE(Predict(request, &other).ok());
  request.mutable_tasks()->RemoveLast();
  request.clear_candidates();
  EXPECT_FALSE(Predict(request, &other).ok());
  ASSERT_TRUE(
      Predict(Parse<v1::PredictRequest>(R"(scene: "churn" context { name: "visits" floats: 3 floats: 4 })"), &other)
          .ok());

  ASSERT_TRUE(Predict(GoodPredict(), &again).ok());
  first.clear_model();
  again.clear_model();
  EXPECT_EQ(again.DebugString(), first.DebugString());
}

// ---- bad input: each gets a code and a message that names the field, what came and what was expected
// ---------------------

struct BadRequest {
  const char* name;
  const char* request;
  std::vector<const char*> message;  // What it must contain.
};

void PrintTo(const BadRequest& bad, std::ostream* out) { *out << bad.name; }

class BadPredictTest : public PredictTest, public ::testing::WithParamInterface<BadRequest> {};

TEST_P(BadPredictTest, IsRefusedAndTheServerLives) {
  v1::PredictResponse response;
  const grpc::Status status = Predict(Parse<v1::PredictRequest>(GetParam().request), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const char* part : GetParam().message) EXPECT_THAT(status.error_message(), HasSubstr(part));

  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, BadPredictTest,
    ::testing::Values(
        BadRequest{
            "UnknownScene", R"(scene: "serach" candidates { name: "item" ints: 1 })", {"scene", "'serach'", "'shop'"}},
        BadRequest{"NoScene", R"(candidates { name: "item" ints: 1 })", {"scene", "''", "'shop'"}},
        BadRequest{"UnknownFeature", R"(scene: "shop" candidates { name: "itme" ints: 1 })", {"'itme'", "'item'"}},
        BadRequest{"UnknownTask",
                   R"(scene: "shop" tasks: "clikc" candidates { name: "item" ints: 1 })",
                   {"tasks", "'clikc'", "'click'"}},
        BadRequest{"TaskOfAnotherScene",
                   R"(scene: "churn" tasks: "spend" context { name: "visits" floats: 1 })",
                   {"tasks", "'spend'", "'churn'"}},
        BadRequest{"TaskTwice",
                   R"(scene: "shop" tasks: "click" tasks: "click" candidates { name: "item" ints: 1 })",
                   {"tasks", "'click'", "twice"}},
        BadRequest{"FeatureOfAnotherScene",
                   R"(scene: "shop" context { name: "visits" floats: 1 } candidates { name: "item" ints: 1 })",
                   {"'visits'", "'shop'"}},
        BadRequest{"CandidateFeatureInContext",
                   R"(scene: "shop" context { name: "item" ints: 1 })",
                   {"'item'", "candidate feature"}},
        BadRequest{"ColumnTwice",
                   R"(scene: "shop" candidates { name: "item" ints: 1 } candidates { name: "item" ints: 1 })",
                   {"'item'", "two columns"}},
        BadRequest{
            "MissingRequiredColumn", R"(scene: "shop" candidates { name: "price" floats: 1 })", {"'item'", "required"}},
        BadRequest{"MissingRequiredValue",
                   R"(scene: "shop" candidates { name: "item" ints: 1 ints: 2 missing_rows: 1 })",
                   {"'item'", "row 1", "required"}},
        BadRequest{"WrongType",
                   R"(scene: "shop" candidates { name: "item" strings: "1" })",
                   {"'item'", "got STRING", "expected INT64"}},
        BadRequest{"TwoKindsOfValues",
                   R"(scene: "shop" candidates { name: "item" ints: 1 strings: "1" })",
                   {"'item'", "1 ints", "1 strings", "expected"}},
        BadRequest{
            "RaggedColumns",
            R"(scene: "shop" candidates { name: "item" ints: 1 ints: 2 } candidates { name: "price" floats: 1 })",
            {"'price'", "got 1", "expected 2"}},
        BadRequest{"RaggedSequence",
                   R"(scene: "shop" candidates { name: "item" ints: 1 }
                      candidates { name: "tags" strings: "a" strings: "b" lengths: 1 })",
                   {"'tags'", "got 2", "expected 1"}},
        BadRequest{"LengthsOfASingleValue",
                   R"(scene: "shop" candidates { name: "item" ints: 1 lengths: 1 })",
                   {"'item'", "single value"}},
        BadRequest{
            "TwoContextRows",
            R"(scene: "shop" context { name: "user" strings: "a" strings: "b" } candidates { name: "item" ints: 1 })",
            {"context", "got 2", "expected 1"}},
        BadRequest{"NotANumber",
                   R"(scene: "shop" candidates { name: "item" ints: 1 } candidates { name: "price" floats: nan })",
                   {"'price'", "row 0", "nan", "finite"}},
        BadRequest{"Infinity",
                   R"(scene: "shop" candidates { name: "item" ints: 1 } candidates { name: "price" floats: inf })",
                   {"'price'", "row 0", "inf", "finite"}},
        BadRequest{"TheIntegerThatMeansMissing",
                   R"(scene: "shop" candidates { name: "item" ints: -9223372036854775808 })",
                   {"'item'", "-9223372036854775808"}},
        BadRequest{"MissingRowOutOfRange",
                   R"(scene: "shop" candidates { name: "item" ints: 1 }
                      candidates { name: "price" floats: 1 missing_rows: 1 })",
                   {"'price'", "missing"}},
        BadRequest{"NoRows", R"(scene: "shop" context { name: "user" strings: "a" })", {"candidates", "got 0"}},
        BadRequest{"NothingAtAll", R"(scene: "churn")", {"context", "got 0"}},
        BadRequest{"CandidatesInASceneWithoutThem",
                   R"(scene: "churn" context { name: "visits" floats: 1 } candidates { name: "item" ints: 1 })",
                   {"'item'", "'churn'"}}),
    [](const auto& info) { return info.param.name; });

TEST_F(PredictTest, TooManyRowsAreRefused) {
  v1::PredictRequest request;
  request.set_scene("shop");
  v1::Column* item = request.add_candidates();
  item->set_name("item");
  for (int i = 0; i < 101; ++i) item->add_ints(i);
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("got 101 rows, expected 1 to 100"));
}

TEST_F(PredictTest, AnIdThatIsTooLongIsRefused) {
  v1::PredictRequest request = GoodPredict();
  request.set_request_id(std::string(129, 'x'));
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("request_id: got 129 bytes, expected at most 128"));
}

TEST_F(PredictTest, AHugeUnknownNameDoesNotComeBackWhole) {
  v1::PredictRequest request = GoodPredict();
  request.set_scene(std::string(100'000, 's'));
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_LT(status.error_message().size(), 3000);
}

TEST_F(PredictTest, CountsWhatItAnswered) {
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(GoodPredict(), &response).ok());
  ASSERT_FALSE(Predict(Parse<v1::PredictRequest>(R"(scene: "nowhere")"), &response).ok());
  const std::string text = MetricsText();
  EXPECT_THAT(text, HasSubstr("polyscene_predict_total{code=\"OK\",scene=\"shop\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("polyscene_predict_rows_total{scene=\"shop\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("polyscene_predict_total{code=\"INVALID_ARGUMENT\",scene=\"unknown\"} 1\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("nowhere")));
}

class SmallMessagesTest : public ServerFixture {};

TEST_F(SmallMessagesTest, AnOversizedMessageIsRefusedAndTheServerLives) {
  settings().config.set_max_message_bytes(2000);
  StartServer();
  v1::PredictRequest request = GoodPredict();
  request.mutable_context(0)->set_strings(0, std::string(5000, 'x'));
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("larger than max"));
  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
}

}  // namespace
}  // namespace polyscene
