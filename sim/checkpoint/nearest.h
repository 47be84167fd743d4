// Near misses: which of the names that exist a person may have meant by one that does not.
//
// Every diagnostic of the project that meets an unknown name asks here, so that all of them suggest
// alike. Pure functions: the result depends on the names alone, not on the order of `known`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loadproof {

// At most `limit` of the known names, the likeliest first: those equal but for case, else those few
// typing slips away (Damerau-Levenshtein, so that a swap of two letters is one slip), else those
// that begin with the wanted name, else those that contain it or are contained in it. Duplicates of
// `known` are given once, and a name equal to the wanted one not at all.
std::vector<std::string> nearest_names(std::string_view wanted,
                                       std::span<const std::string_view> known, size_t limit = 3);
std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> known,
                                       size_t limit = 3);

// The end of a message about an unknown name: ` (did you mean "a", "b" or "c"?)`, or nothing.
std::string did_you_mean(std::span<const std::string> nearest);
std::string did_you_mean(std::string_view wanted, std::span<const std::string_view> known);
std::string did_you_mean(std::string_view wanted, std::span<const std::string> known);

// Text from a file as it may be shown to a person: in double quotes, with control characters and
// bytes that are not UTF-8 escaped, cut after 200 bytes.
std::string in_quotes(std::string_view text);

}  // namespace loadproof
