// Which cases: the paths and options that run, list and explain have in common.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan.h"

namespace loadproof::harness {

struct Selection {
  std::vector<std::string> paths;
  std::vector<std::string> only;  // "axis=value,axis=value", any number of times
  Overrides overrides;            // but `only`
};

void add_selection(CLI::App& command, Selection& selection);

// Nothing after the problems have been printed to standard error.
std::optional<std::vector<Case>> select_cases(const Selection& selection);

// Options as words of a command line: those by which a case is not what its file says and which its
// replay line does not tell anyway; and all of them, for another process.
std::vector<std::string> override_words(const Selection& selection);
std::vector<std::string> all_words(const Selection& selection);

}  // namespace loadproof::harness
