// Text as XML takes it, of an element or of an attribute in double quotes.
#pragma once

#include <string>
#include <string_view>

namespace loadproof::harness {

// XML 1.0 cannot hold most control characters, nor bytes that are no UTF-8: '?' stands for them.
std::string xml_text(std::string_view text);

}  // namespace loadproof::harness
