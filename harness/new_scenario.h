// The text of a new scenario, for a person to change: a defect and its mend, with comments that say
// what each part is for. Its cases pass as they stand, under every fill.
#pragma once

#include <cstdint>
#include <string>

namespace loadproof::harness {

// REQUIRES: at least two ranks, for the defect is that some are left out.
std::string new_scenario(const std::string& path, int64_t ranks);

// The innermost folder called "scenarios" above an absolute path; "" where there is none.
std::string scenarios_folder_of(const std::string& path);

}  // namespace loadproof::harness
