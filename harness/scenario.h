// A scenario file as a value: settings, tensors, steps, axes and expectations, checked.
//
// parse_scenario() reports everything that is wrong at once: it builds every option of every axis
// one at a time, the other axes at their first option. expand() (harness/expand.h) makes all the
// cases.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/case.h"
#include "harness/diagnostic.h"
#include "harness/expectation.h"
#include "harness/files.h"
#include "harness/patch.h"
#include "harness/recipe.h"

namespace loadproof::harness {

// One value of an axis. A swept field is the patch that sets it.
struct Option {
  std::string label;  // in case ids; of a model the last part of its path
  std::string text;   // as written
  Where where;
  Patch patch;
  std::optional<Expect> expect;  // in place of the scenario's
};

struct Axis {
  std::string name;
  Where where;
  std::vector<Option> options;  // at least one
};

struct Scenario {
  std::string path;  // as given
  std::string folder;  // that paths are from: the file's, or that of the one it is `like`
  std::string about, reference;
  Draft base;
  std::vector<ExtraTensor> tensors;
  std::vector<Axis> axes;  // `variant` first, then the sweep's in the order of the file
  std::vector<Option> variants;  // all there are, whichever of them `axes` is left with
  std::vector<Axis> invariant;  // what must not matter to any case
  std::optional<Expect> expect;
  ExpectContext context;
  Library library;
};

struct Parsed {
  std::optional<Scenario> scenario;     // there if and only if there is no diagnostic
  std::vector<Diagnostic> diagnostics;  // sorted
  Sources sources;                      // of the scenario and of the recipes that it uses
};

// `oracles` are the names that expectations may use.
Parsed parse_scenario(const std::string& path, const Files& files,
                      std::span<const std::string_view> oracles);

inline constexpr size_t kCasesMax = 100'000;

// The keys of a scenario, with a sentence each.
struct ScenarioKey {
  std::string_view key;
  std::string_view about;
};
std::span<const ScenarioKey> scenario_keys();

}  // namespace loadproof::harness
