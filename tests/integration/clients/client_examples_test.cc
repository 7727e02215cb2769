// A server called by those who know no more of it than its installed package, its protos, or its address alone.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;
using ::testing::StartsWith;

const char kSource[] = POLYSCENE_SOURCE_DIR;

std::string Succeed(const std::vector<std::string>& words) {  // Its standard output.
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_status, 0) << words[0] << ": " << result.out << result.error;
  return result.out;
}

std::vector<std::string> Lines(const std::string& text) { return absl::StrSplit(text, '\n', absl::SkipEmpty()); }

class ClientExamplesTest : public ::testing::Test {
 protected:
  ClientExamplesTest()
      : server_({POLYSCENE_SERVER_PROGRAM, "--model", absl::StrCat(kSource, "/deploy/models/marketplace.textproto"),
                 "--data_dir", Path("data"), "--listen", "127.0.0.1:0", "--metrics_listen", "127.0.0.1:0", "--device",
                 "cpu"}),
        address_(server_.WaitForLine("listening on ")) {
    server_.WaitForLine("serving version ");
  }

  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }

  // A Python program with the stubs of `protos` (paths below `root`).
  std::vector<std::string> Python(const std::string& program, const std::string& root,
                                  std::vector<std::string> protos) {
    std::filesystem::create_directory(Path("python"));
    std::vector<std::string> words = {PROTOC_PROGRAM,
                                      "-I",
                                      root,
                                      absl::StrCat("--python_out=", Path("python")),
                                      absl::StrCat("--grpc_out=", Path("python")),
                                      absl::StrCat("--plugin=protoc-gen-grpc=", GRPC_PYTHON_PLUGIN)};
    words.insert(words.end(), protos.begin(), protos.end());
    Succeed(words);
    return {"/usr/bin/env", absl::StrCat("PYTHONPATH=", Path("python")), PYTHON_PROGRAM, "-B", program};
  }
  static bool PythonHasGrpc() {
    return std::filesystem::exists(PYTHON_PROGRAM) &&
           RunProgram({PYTHON_PROGRAM, "-c", "import grpc"}).exit_status == 0;
  }
  std::string PythonRanking() {
    std::vector<std::string> words =
        Python(absl::StrCat(kSource, "/client/examples/python/predict.py"), absl::StrCat(kSource, "/proto"),
               {"polyscene/v1/features.proto", "polyscene/v1/prediction.proto"});
    words.push_back(address_);
    return Succeed(words);
  }

  TempDirectory directory_;
  BackgroundProgram server_;
  std::string address_;
};

TEST_F(ClientExamplesTest, ACppProgramNeedsTheInstalledPackageAlone) {
  const std::string prefix = Path("prefix");
  Succeed({CMAKE_PROGRAM, "--install", POLYSCENE_BUILD_DIR, "--prefix", prefix, "--component", "client"});
  Succeed({CMAKE_PROGRAM, "-S", absl::StrCat(kSource, "/client/examples/cpp"), "-B", Path("build"), "-G",
           CMAKE_GENERATOR_NAME, absl::StrCat("-DCMAKE_PREFIX_PATH=", prefix),
           absl::StrCat("-DCMAKE_CXX_COMPILER=", CXX_COMPILER), "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror"});
  Succeed({CMAKE_PROGRAM, "--build", Path("build")});

  const std::vector<std::string> lines = Lines(Succeed({Path("build/rank_and_learn"), address_}));

  EXPECT_THAT(lines, ElementsAre(StartsWith("item "), StartsWith("item "), StartsWith("item "), "learned 3 rows"));
  EXPECT_EQ(Succeed({Path("build/remember_and_label"), address_}), "accepted 4 rows\n");
}

TEST_F(ClientExamplesTest, EveryInstalledHeaderFindsWhatItIncludesInThePackage) {
  Succeed({CMAKE_PROGRAM, "--install", POLYSCENE_BUILD_DIR, "--prefix", Path("prefix"), "--component", "client"});
  int headers = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("prefix/include"))) {
    if (!entry.is_regular_file()) continue;
    ++headers;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    for (const std::string& line : Lines(text.str())) {
      const std::vector<std::string> parts = absl::StrSplit(line, '"');
      if (parts.size() != 3 || parts[0] != "#include ") continue;
      const std::string room = parts[1].substr(0, parts[1].find('/'));
      if (room == "polyscene") {
        EXPECT_TRUE(std::filesystem::exists(absl::StrCat(Path("prefix/include/"), parts[1]))) << entry << ": " << line;
      } else {
        EXPECT_THAT(room, ::testing::AnyOf("absl", "grpcpp", "google")) << entry << ": " << line;
      }
    }
  }
  EXPECT_GE(headers, 20);
}

TEST_F(ClientExamplesTest, PythonRanks) {
  if (!PythonHasGrpc()) GTEST_SKIP() << "no python3 with gRPC (python3-grpcio)";
  EXPECT_THAT(Lines(PythonRanking()),
              ElementsAre("version 1, learned 0 rows", StartsWith("item "), StartsWith("item "), StartsWith("item ")));
}

TEST_F(ClientExamplesTest, PythonSendsLabelsOfWhatIsRemembered) {
  if (!PythonHasGrpc()) GTEST_SKIP() << "no python3 with gRPC (python3-grpcio)";
  std::vector<std::string> words =
      Python(absl::StrCat(kSource, "/client/examples/python/remember.py"), absl::StrCat(kSource, "/proto"),
             {"polyscene/v1/features.proto", "polyscene/v1/prediction.proto", "polyscene/v1/training.proto"});
  words.push_back(address_);
  EXPECT_EQ(Succeed(words), "remembered\nlearned up to batch 2\n");
}

TEST_F(ClientExamplesTest, GoRanksAsPythonDoes) {
  const std::string packages = "/usr/share/gocode";  // Where Debian keeps the sources of Go's libraries.
  if (!std::filesystem::exists(GO_PROGRAM) || !std::filesystem::exists(packages + "/src/google.golang.org/grpc")) {
    GTEST_SKIP() << "no go with gRPC (golang-go, golang-google-grpc-dev)";
  }
  std::string mapping;
  for (const char* proto : {"features", "prediction"}) {
    absl::StrAppend(&mapping, mapping.empty() ? "" : ",", "Mpolyscene/v1/", proto, ".proto=polyscene/v1");
  }
  const std::string source = Path("go/src");
  std::filesystem::create_directories(source + "/rank");
  Succeed({PROTOC_PROGRAM, "-I", absl::StrCat(kSource, "/proto"), "--go_out=" + source, "--go_opt=" + mapping,
           "--go-grpc_out=" + source, "--go-grpc_opt=" + mapping, "polyscene/v1/features.proto",
           "polyscene/v1/prediction.proto"});
  std::filesystem::copy(absl::StrCat(kSource, "/client/examples/go/main.go"), source + "/rank");
  Succeed({"/usr/bin/env", "GO111MODULE=off", "GOFLAGS=", absl::StrCat("GOPATH=", Path("go"), ":", packages),
           absl::StrCat("GOCACHE=", POLYSCENE_BUILD_DIR, "/go-cache"), GO_PROGRAM, "build", "-o", Path("rank"),
           "rank"});

  const std::string ranking = Succeed({Path("rank"), address_});

  EXPECT_THAT(Lines(ranking), SizeIs(4));
  EXPECT_THAT(ranking, HasSubstr("item 500013 ranking 0."));
  if (PythonHasGrpc()) {
    EXPECT_EQ(ranking, PythonRanking());
  }
}

TEST_F(ClientExamplesTest, WhoKnowsTheAddressAloneCallsByReflection) {
  if (!PythonHasGrpc()) GTEST_SKIP() << "no python3 with gRPC (python3-grpcio)";
  const std::string here = absl::StrCat(kSource, "/tests/integration/clients");
  std::vector<std::string> call = Python(here + "/call_by_reflection.py", here, {"reflection.proto"});
  call.push_back(address_);
  EXPECT_THAT(Lines(Succeed(call)), IsSupersetOf({"polyscene.v1.PredictionService", "polyscene.v1.TrainingService",
                                                  "polyscene.v1.ModelService", "grpc.health.v1.Health"}));

  const json request = {
      {"scene", "recommendation"},
      {"requestId", "r1"},
      {"context", {{{"name", "user_id"}, {"ints", {17}}}}},
      {"candidates", {{{"name", "item_id"}, {"ints", {500013, 500221}}}, {{"name", "price"}, {"floats", {19.9, 4.5}}}}},
      {"tasks", {"purchase", "click"}}};
  call.insert(call.end(), {"polyscene.v1.PredictionService", "Predict", request.dump()});
  const json answer = json::parse(Succeed(call));

  EXPECT_EQ(answer["requestId"], "r1");
  EXPECT_EQ(answer["model"]["version"], "1");
  ASSERT_THAT(answer["scores"], SizeIs(2));
  EXPECT_EQ(answer["scores"][0]["task"], "purchase");
  EXPECT_EQ(answer["scores"][1]["task"], "click");
  ASSERT_THAT(answer["ranking"], SizeIs(2));
  for (int row = 0; row < 2; ++row) {
    const double purchase = answer["scores"][0]["values"][row], click = answer["scores"][1]["values"][row];
    EXPECT_NEAR(answer["ranking"][row], click * std::sqrt(purchase), 1e-6) << "the scene's rank_by";
  }
  EXPECT_NE(answer["ranking"][0], answer["ranking"][1]);
}

TEST_F(ClientExamplesTest, WhoCallsByReflectionReadsWhatIsWrong) {
  if (!PythonHasGrpc()) GTEST_SKIP() << "no python3 with gRPC (python3-grpcio)";
  const std::string here = absl::StrCat(kSource, "/tests/integration/clients");
  std::vector<std::string> call = Python(here + "/call_by_reflection.py", here, {"reflection.proto"});
  call.insert(call.end(), {address_, "polyscene.v1.PredictionService", "Predict", R"({"scene": "serach"})"});
  const ProgramResult result = RunProgram(call);
  EXPECT_NE(result.exit_status, 0);
  EXPECT_THAT(result.error, HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(result.error, HasSubstr("serach"));
}

}  // namespace
}  // namespace polyscene
