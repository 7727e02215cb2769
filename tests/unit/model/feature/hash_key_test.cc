#include "model/feature/hash_key.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/feature/encoded_batch.h"
#include "model/feature/encoder.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// From the reference implementation (vectors_sip64): key 00 01 .. 0f, message 00 01 .. of as many bytes as the index.
constexpr uint64_t kReference[64] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d, 0xcf2794e0277187b7,
    0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462, 0x9e0082df0ba9e4b0,
    0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7, 0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee,
    0xa129ca6149be45e5, 0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
    0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8, 0xb8ad50c6f649af94,
    0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad, 0xde4daaaca71dc9a5, 0xa6a2506687956571,
    0xad87a3535c49ef28, 0x32d892fad841c342, 0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238,
    0x15e034d40fa197ae, 0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
    0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95, 0xf935451de4f21df2,
    0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb, 0xe612a3cb9ecba951, 0xc766e62cfcadaf96,
    0xee64435a9752fe72, 0xa192d576b245165a, 0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea,
    0x245731c13ca42499, 0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
    0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572};

HashKey ReferenceKey() {
  std::array<uint8_t, 16> bytes;
  for (int i = 0; i < 16; ++i) bytes[i] = static_cast<uint8_t>(i);
  return HashKey(bytes);
}

TEST(HashKeyTest, IsSipHash24) {
  std::string message;
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(ReferenceKey().Hash(message), kReference[i]) << "of " << i << " bytes";
    message.push_back(static_cast<char>(i));
  }
}

TEST(HashKeyTest, HashesAnIntegerAsItsEightBytes) {
  EXPECT_EQ(ReferenceKey().Hash(int64_t{0x0706050403020100}), kReference[8]);
}

TEST(HashKeyTest, ThePublicKeyIsSixteenZeros) {
  EXPECT_EQ(HashKey().Hash("shoe"), HashKey(std::array<uint8_t, 16>{}).Hash("shoe"));
}

TEST(HashKeyTest, FingerprintsTellKeysApart) { EXPECT_NE(HashKey().fingerprint(), ReferenceKey().fingerprint()); }

TEST(PersonalIdTest, DependsOnTheKey) {
  EXPECT_NE(PersonalId(HashKey(), "ann"), PersonalId(ReferenceKey(), "ann"));
  EXPECT_NE(PersonalId(HashKey(), int64_t{7}), PersonalId(ReferenceKey(), int64_t{7}));
}

TEST(PersonalIdTest, AnIntegersIdIsNotTheIntegerItself) { EXPECT_NE(PersonalId(HashKey(), int64_t{7}), 7); }

class HashKeyFileTest : public ::testing::Test {
 protected:
  ~HashKeyFileTest() override { std::filesystem::remove(path_); }

  absl::StatusOr<HashKey> Load(const std::string& text) {
    std::ofstream(path_) << text;
    return HashKey::Load(path_);
  }

  const std::string path_ = absl::StrCat(::testing::TempDir(), "hash_key_test.", ::getpid());
};

TEST_F(HashKeyFileTest, HoldsThirtyTwoDigitsFirstByteFirst) {
  const absl::StatusOr<HashKey> key = Load("000102030405060708090a0b0c0d0E0F");

  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->Hash(""), kReference[0]);
}

TEST_F(HashKeyFileTest, MayHaveWhiteSpaceAroundThem) {
  EXPECT_TRUE(Load(" \n000102030405060708090a0b0c0d0e0f\r\n").ok());
}

TEST_F(HashKeyFileTest, OfAnotherLengthSaysHowLong) {
  const absl::Status status = Load("0001020304050607").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("holds 16 characters; expected 32 hexadecimal digits"));
}

TEST_F(HashKeyFileTest, WithAnotherCharacterSaysWhereButNotWhatTheKeyIs) {
  const absl::Status status = Load("00010203x405060708090a0b0c0d0e0f").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("character 9 is not a hexadecimal digit"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("00010203")));
}

TEST_F(HashKeyFileTest, ThatIsEmptyIsRefused) {
  EXPECT_EQ(Load("\n").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HashKeyFileTest, ThatDoesNotExistIsNotFound) {
  const absl::Status status = HashKey::Load(path_ + ".none").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_ + ".none"));
}

TEST_F(HashKeyFileTest, ThatIsADirectoryIsAnError) { EXPECT_FALSE(HashKey::Load(::testing::TempDir()).ok()); }

}  // namespace
}  // namespace polyscene
