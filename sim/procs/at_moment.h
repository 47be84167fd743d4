// What is called on the way of a rank through its steps, so that a test can end it anywhere.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace loadproof::sim {

// The step that the rank began last, and the moment: "" as it begins, "waiting" once its calls have
// been told, "moving" and "moved" before and after bytes move.
using AtMoment = std::function<void(const std::string& step, std::string_view moment)>;

}  // namespace loadproof::sim
