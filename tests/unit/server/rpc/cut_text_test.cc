#include <gtest/gtest.h>

#include <string>

#include "server/rpc/grpc_status.h"

namespace polyscene {
namespace {

TEST(CutText, LeavesWhatFits) {
  EXPECT_EQ(CutText("", 0), "");
  EXPECT_EQ(CutText("price", 5), "price");
}

TEST(CutText, MarksWhatIsCut) { EXPECT_EQ(CutText("prices", 5), "price..."); }

TEST(CutText, CutsNoCharacterInTwo) {
  const std::string euros = "a\xE2\x82\xAC\xE2\x82\xAC";  // One letter and two signs of three bytes.
  EXPECT_EQ(CutText(euros, 6), "a\xE2\x82\xAC...");
  EXPECT_EQ(CutText(euros, 4), "a\xE2\x82\xAC...");
  EXPECT_EQ(CutText(euros, 3), "a...");
}

}  // namespace
}  // namespace polyscene
