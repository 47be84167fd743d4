// The reference of the language as Markdown, made from the tables: the generated part of
// scenarios/README.md.
#pragma once

#include <span>
#include <string>

#include "harness/recipe.h"

namespace loadproof::harness {

inline constexpr std::string_view kReferenceBegin = "<!-- The reference below is generated. -->";

// Begins with the line kReferenceBegin.
std::string reference_markdown(std::span<const Recipe> recipes);

}  // namespace loadproof::harness
