// The archive is a sound zip of sound arrays: read back here byte by byte, and by NumPy where there is one.
#include "model/data/npz_writer.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

uint64_t Number(const std::string& bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= uint64_t{static_cast<uint8_t>(bytes.at(at + i))} << (8 * i);
  return value;
}

// The stored files of a zip archive, found by its end, as readers do; every size, offset and checksum compared.
std::map<std::string, std::string> Unzip(const std::string& zip) {
  std::map<std::string, std::string> files;
  const size_t end = zip.size() - 22;
  EXPECT_EQ(Number(zip, end, 4), 0x06054b50u);
  uint64_t count = Number(zip, end + 10, 2), size = Number(zip, end + 12, 4), at = Number(zip, end + 16, 4);
  if (at == 0xffffffff) {
    EXPECT_EQ(Number(zip, end - 20, 4), 0x07064b50u);
    const uint64_t end64 = Number(zip, end - 12, 8);
    EXPECT_EQ(Number(zip, end64, 4), 0x06064b50u);
    EXPECT_EQ(end64 + 12 + Number(zip, end64 + 4, 8), end - 20);
    count = Number(zip, end64 + 32, 8), size = Number(zip, end64 + 40, 8), at = Number(zip, end64 + 48, 8);
    EXPECT_EQ(at + size, end64);
  } else {
    EXPECT_EQ(at + size, end);
  }
  uint64_t next_local = 0;
  for (uint64_t i = 0; i < count; ++i) {
    EXPECT_EQ(Number(zip, at, 4), 0x02014b50u);
    uint64_t bytes = Number(zip, at + 24, 4), local = Number(zip, at + 42, 4);
    const uint64_t crc = Number(zip, at + 16, 4), name_size = Number(zip, at + 28, 2);
    const std::string name = zip.substr(at + 46, name_size);
    size_t extra = at + 46 + name_size + 4;  // Behind the field's id and size.
    if (bytes == 0xffffffff) {
      bytes = Number(zip, extra, 8);
      extra += 16;  // The compressed size is the same.
    }
    if (local == 0xffffffff) local = Number(zip, extra, 8);
    at += 46 + name_size + Number(zip, at + 30, 2);

    EXPECT_EQ(local, next_local);
    EXPECT_EQ(Number(zip, local, 4), 0x04034b50u);
    EXPECT_EQ(Number(zip, local + 14, 4), crc);
    uint64_t local_bytes = Number(zip, local + 22, 4);
    if (local_bytes == 0xffffffff) local_bytes = Number(zip, local + 30 + name_size + 4, 8);
    EXPECT_EQ(local_bytes, bytes);
    EXPECT_EQ(zip.substr(local + 30, name_size), name);
    const uint64_t begin = local + 30 + name_size + Number(zip, local + 28, 2);
    files[name] = zip.substr(begin, bytes);
    EXPECT_EQ(crc32(0, reinterpret_cast<const Bytef*>(files[name].data()), bytes), crc) << name;
    next_local = begin + bytes;
  }
  return files;
}

class NpzWriterTest : public testing::TestWithParam<uint64_t> {
 protected:
  std::string Read() const {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void WriteThree() {
    NpzWriter writer(path_, {.zip64_from = GetParam()});
    const float weights[] = {1, 2, 3, 4, 5, 6.5};
    writer.Array("dense/a.weight", NpyType::kFloat32, {2, 3}, weights);
    const int64_t ids[] = {7, INT64_MIN};
    writer.Begin("ids", NpyType::kInt64, {2});
    writer.Write(ids, 8);
    writer.Write(ids + 1, 8);
    writer.End();
    const double scalar = 0.25;
    writer.Array("scalar", NpyType::kFloat64, {}, &scalar);
    writer.Array("empty", NpyType::kFloat32, {0, 4}, nullptr);
    ASSERT_TRUE(writer.Close().ok());
  }

  TempDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "weights.npz";
};

TEST_P(NpzWriterTest, WhatIsWrittenCanBeUnzipped) {
  WriteThree();
  std::map<std::string, std::string> files = Unzip(Read());
  ASSERT_EQ(files.size(), 4u);
  const std::string array = files["dense/a.weight.npy"];
  EXPECT_EQ(array.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const size_t elements = 10 + Number(array, 8, 2);
  EXPECT_EQ(elements % 64, 0u);
  EXPECT_THAT(array, testing::HasSubstr("'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
  float last = 0;
  std::memcpy(&last, &array[elements + 20], 4);
  EXPECT_EQ(last, 6.5f);
  EXPECT_EQ(array.size(), elements + 24);
  EXPECT_THAT(files["ids.npy"], testing::HasSubstr("'shape': (2,)"));
  EXPECT_THAT(files["scalar.npy"], testing::HasSubstr("'shape': ()"));
}

TEST_P(NpzWriterTest, NumPyReadsIt) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "no NumPy (Debian's python3-numpy) for /usr/bin/python3";
  }
  WriteThree();
  std::ofstream(directory_.path() / "check.py") << R"(
import sys, numpy as np
z = np.load(sys.argv[1])
assert sorted(z.files) == ['dense/a.weight', 'empty', 'ids', 'scalar'], z.files
assert z['dense/a.weight'].dtype == np.float32 and z['dense/a.weight'].tolist() == [[1, 2, 3], [4, 5, 6.5]]
assert z['ids'].tolist() == [7, -2**63]
assert z['scalar'].shape == () and z['scalar'] == 0.25
assert z['empty'].shape == (0, 4)
)";
  const std::string command =
      absl::StrCat("/usr/bin/python3 ", (directory_.path() / "check.py").string(), " ", path_.string());
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_P(NpzWriterTest, WithoutCloseNothingIsLeft) {
  {
    NpzWriter writer(path_, {.zip64_from = GetParam()});
    const float value = 1;
    writer.Array("a", NpyType::kFloat32, {1}, &value);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_P(NpzWriterTest, AnArrayOfTheWrongSizeIsAnError) {
  NpzWriter writer(path_, {.zip64_from = GetParam()});
  writer.Begin("a", NpyType::kFloat32, {2});
  const float value = 1;
  writer.Write(&value, 4);
  writer.End();
  EXPECT_THAT(std::string(writer.Close().message()), testing::HasSubstr("array 'a.npy' lacks 4 bytes"));
}

TEST_P(NpzWriterTest, AFolderThatIsNotThereIsNamed) {
  NpzWriter writer(directory_.path() / "none" / "w.npz");
  EXPECT_THAT(std::string(writer.Close().message()), testing::HasSubstr("none/w.npz.writing"));
}

INSTANTIATE_TEST_SUITE_P(PlainAndZip64, NpzWriterTest,
                         testing::Values(uint64_t{0xffffffff}, uint64_t{0}, uint64_t{300}));

}  // namespace
}  // namespace polyscene
