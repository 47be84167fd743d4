// Arguments into a recipe's steps: a whole scalar `$p` or `${p}` becomes the argument's node, a
// `${p}` inside a longer text its text.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "harness/yaml.h"

namespace loadproof::harness {

// Calls `visit` with the name and place of each reference in the tree's scalars.
void for_each_reference(const Node& node,
                        const std::function<void(const std::string&, const Where&)>& visit);

// Entries whose whole value is an argument of nothing are left out. REQUIRES: every reference is in
// `arguments`.
Node substitute(const Node& node, const std::map<std::string, Node>& arguments,
                Diagnostics& diagnostics);

}  // namespace loadproof::harness
