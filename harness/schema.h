// JSON Schemas (draft-07) of scenarios and recipes, made from the tables, for editors.
//
// They describe form and names; what a patch or a selector refers to only the parser knows.
#pragma once

#include <string>

namespace loadproof::harness {

std::string scenario_schema_json();  // indented, with a newline at the end
std::string recipe_schema_json();

}  // namespace loadproof::harness
