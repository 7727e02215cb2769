#include "model/embedding/own_pages.h"

#include <gtest/gtest.h>

namespace polyscene {
namespace {

TEST(OwnPagesTest, BeforeAViewEveryPageIsTheWritersOwn) {
  const OwnPages pages;
  EXPECT_TRUE(pages.Contains(0));
  EXPECT_TRUE(pages.Contains(1'000'000));
}

TEST(OwnPagesTest, AfterAViewThoseAreThatWereCopiedOrAddedSince) {
  OwnPages pages;
  pages.Freeze(100);
  EXPECT_FALSE(pages.Contains(7));
  EXPECT_FALSE(pages.Contains(99));
  EXPECT_TRUE(pages.Contains(100));

  pages.Add(7);
  EXPECT_TRUE(pages.Contains(7));
  EXPECT_FALSE(pages.Contains(8));
}

TEST(OwnPagesTest, TheNextViewHasThoseToo) {
  OwnPages pages;
  pages.Freeze(100);
  pages.Add(7);
  pages.Freeze(150);
  EXPECT_FALSE(pages.Contains(7));
  EXPECT_FALSE(pages.Contains(120));
  EXPECT_TRUE(pages.Contains(150));
}

}  // namespace
}  // namespace polyscene
