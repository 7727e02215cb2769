#include "model/report/html.h"

#include "gtest/gtest.h"

namespace polyscene {
namespace {

TEST(EscapeHtmlTest, MarkupBecomesText) {
  EXPECT_EQ(EscapeHtml("<b a=\"1\" c='2'>&amp;</b>"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
}

TEST(EscapeHtmlTest, WellFormedTextStays) {
  EXPECT_EQ(EscapeHtml("Umsatz \xC3\xBC, \xE2\x82\xAC, \xF0\x9F\x9B\x92\n\tend"),
            "Umsatz \xC3\xBC, \xE2\x82\xAC, \xF0\x9F\x9B\x92\n\tend");
}

TEST(EscapeHtmlTest, WhatIsNoCharacterIsReplacedByteByByte) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(EscapeHtml(absl::string_view("a\0b", 3)), "a" + r + "b");
  EXPECT_EQ(EscapeHtml("\x1B[0m\x7F"), r + "[0m" + r);
  EXPECT_EQ(EscapeHtml("\xFF<"), r + "&lt;");
  EXPECT_EQ(EscapeHtml("\xC3"), r) << "cut";
  EXPECT_EQ(EscapeHtml("\xC3<script>"), r + "&lt;script&gt;") << "what follows a broken character is not swallowed";
  EXPECT_EQ(EscapeHtml("\xC0\xBC"), r + r) << "a '<' of two bytes";
  EXPECT_EQ(EscapeHtml("\xE0\x80\xBC"), r + r + r) << "a '<' of three";
  EXPECT_EQ(EscapeHtml("\xED\xA0\x80"), r + r + r) << "a surrogate";
  EXPECT_EQ(EscapeHtml("\xF4\x90\x80\x80"), r + r + r + r) << "beyond Unicode";
}

}  // namespace
}  // namespace polyscene
