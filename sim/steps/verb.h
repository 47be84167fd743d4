// The seam of verbs: what a step of a program does on one rank.
//
// A verb is one file and one row in the table of verb.cc: what it takes, and a function that runs
// it. Local verbs do all their work at once, through the primitives of Rank. Collective verbs post
// calls (Engine::post) and return; the engine moves bytes and states once all members have come,
// and then lets the rank go on. An Error is one that the simulated rank raises, as a loader would;
// exceptions of torch are caught by the engine and become the same.
#pragma once

#include <span>

#include "sim/braces.h"
#include "sim/program.h"
#include "sim/result.h"
#include "sim/steps/verb_info.h"

namespace loadproof::sim {

class Engine;
class Rank;

struct StepContext {
  Engine& engine;
  Rank& rank;
  const Step& step;
  std::span<const int> selected;  // slots that `of` and `when` mean at this moment
};

// What {…} stands for in the keys of stores: name, index (of the tensor in the selection), rank,
// local, node, turn (of the innermost `repeat`), and each mesh dimension: the rank's place in it.
Variables variables_of(const StepContext& context, const std::string& tensor, int64_t index);

struct Verb {
  VerbInfo info;
  Result<void> (*run)(StepContext&);
};

std::span<const Verb* const> verbs();          // the table, in the order of the reference
const Verb* find_verb_row(std::string_view name);

}  // namespace loadproof::sim
