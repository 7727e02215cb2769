// Files for the readers' tests.
#pragma once

#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// A file of its own for each test, gone with the test's directory.
inline std::string WriteFile(const std::string& name, const std::string& content) {
  const ::testing::TestInfo* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / (std::string(test->test_suite_name()) + "." + test->name());
  std::filesystem::create_directories(folder);
  const std::string path = (folder / name).string();
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

inline std::string Gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline v1::ModelFile ParseModel(const std::string& text) {
  v1::ModelFile model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &model));
  return model;
}

// Where the public data sets are; empty where this machine does not have them.
inline std::string SharedData(const std::string& file) {
  std::filesystem::path folder = std::filesystem::path(POLYSCENE_SOURCE_DIR) / ".." / "shared" / "data";
  if (const char* const named = std::getenv("POLYSCENE_SHARED_DATA")) folder = named;
  return std::filesystem::exists(folder / file) ? (folder / file).string() : "";
}

}  // namespace polyscene
