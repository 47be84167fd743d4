#include "harness/xml_text.h"

#include <gtest/gtest.h>

namespace loadproof::harness {
namespace {

TEST(XmlText, EscapesAndReplacesWhatXmlCannotHold) {
  EXPECT_EQ(xml_text("a <b> & \"c\"\n"), "a &lt;b&gt; &amp; &quot;c&quot;&#10;");
  EXPECT_EQ(xml_text("\x01 \xff \xc3"), "? ? ?");
  EXPECT_EQ(xml_text("…"), "…");
}

}  // namespace
}  // namespace loadproof::harness
