// Cases for benchmarks: of a scenario that is a text, and runs of them that are known to go right.
#pragma once

#include <optional>
#include <string>

#include "harness/expand.h"
#include "harness/runner.h"

namespace loadproof::bench {

// The only case of a text, without its line `about:`. What is wrong with it ends the program, with
// exit code 2: it is a mistake of the benchmark.
harness::Case case_of_text(const std::string& text);

// The only case of a file that the wishes leave, in the same way.
harness::Case case_of_file(const std::string& path, const harness::Overrides& wishes);

// What is wrong with a case that should pass; "" if it does. Opens what the session keeps.
std::string first_run(sim::Session& session, const harness::Case& plan);

}  // namespace loadproof::bench
