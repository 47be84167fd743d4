// Programs are data: a list of steps that every rank walks, skipping those that are not its own.
//
// A program knows no YAML; the harness makes one from a scenario by the verb table (steps/verb.h).
// Values only; shared by all ranks, never changed while a world runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/rank_set.h"
#include "sim/selector.h"

namespace loadproof {

// The line of a scenario or recipe that a step was written on; line and column count from 1.
struct Where {
  std::string file;
  int line = 0;
  int column = 0;
  bool operator==(const Where&) const = default;
};

using Value = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>,
                           std::vector<std::string>, RankSet, Selector>;

struct Step {
  std::string id;  // unique in its program: given, or "VERB@LINE"
  std::string verb;
  RankSet ranks;  // who runs it
  Selector of;    // what it acts on; empty where the verb takes none
  Selector when;  // further condition on each tensor; empty: none
  Selector if_any;  // the rank runs it only if this means a tensor at that moment; empty: always
  std::map<std::string, Value>
      args;                // every parameter of the verb but the common ones, defaults filled in
  std::vector<Step> body;  // of `each` and `update`
  Where where;
  int index = -1;  // position in the flat (depth-first) list; set by number_steps
  bool operator==(const Step&) const = default;
};

struct Program {
  std::vector<Step> steps;
};

// Numbers all steps depth first; returns how many there are.
int number_steps(Program& program);
// Depth-first list of pointers into the program, in order of index.
std::vector<const Step*> flat_steps(const Program& program);

// Arguments by name. REQUIRES: the verb declares `name` with that type (the harness has checked
// it).
template <typename T>
const T& arg(const Step& step, std::string_view name) {
  return std::get<T>(step.args.at(std::string(name)));
}
template <typename T>
const T* optional_arg(const Step& step, std::string_view name) {
  auto found = step.args.find(std::string(name));
  return found == step.args.end() ? nullptr : std::get_if<T>(&found->second);
}

}  // namespace loadproof
