// Steps as they stand in a file, before arguments have types: what patches and recipes work on.
//
// A tree of values. A `use` keeps the steps of its recipe as its body once it is expanded, so that
// a patch can drop, move or follow the recipe as a whole by the use's id, or a step in it by
// "ID.INNER".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/yaml.h"

namespace loadproof::harness {

inline constexpr std::string_view kUse = "use";

struct RawStep {
  std::string id;  // given in the file, with the prefixes of the uses around it; or empty
  Where id_where;
  std::string verb;           // or "use"; not necessarily one that exists
  Where where;                // of the verb
  std::vector<Entry> args;    // without id and do
  std::vector<RawStep> body;  // of `each` and `update`, or of a `use` once expanded
  bool has_body = false;
  bool expanded = false;

  const Entry* find(std::string_view name) const;
};

// REQUIRES nothing of the node: what is no step is a diagnostic and left out. Unknown verbs stay.
std::vector<RawStep> parse_steps(const Node& list, Diagnostics& diagnostics);
std::optional<RawStep> parse_step(const Node& node, Diagnostics& diagnostics);
std::optional<RawStep> parse_step(const Entry& entry, Diagnostics& diagnostics);

// True for a name that can be an id, a flag or a parameter: a letter or _, then also digits and -.
bool is_identifier(std::string_view text);

// Gives the step this argument, in place of one of that name; nothing as value takes it away.
void set_argument(RawStep& step, const Entry& argument, Diagnostics& diagnostics);

struct StepPlace {
  std::vector<RawStep>* list = nullptr;
  size_t index = 0;
  RawStep& step() const { return (*list)[index]; }
};
std::optional<StepPlace> find_step(std::vector<RawStep>& steps, std::string_view id);
std::vector<std::string> step_ids(const std::vector<RawStep>& steps);
void for_each_step(std::vector<RawStep>& steps, const std::function<void(RawStep&)>& visit);
void for_each_step(const std::vector<RawStep>& steps,
                   const std::function<void(const RawStep&)>& visit);

}  // namespace loadproof::harness
