// What is wrong with a scenario or recipe, and where: collected, never thrown, shown all at once.
//
// Lines and columns count from 1, columns in bytes. A diagnostic that has no place in a file (an
// override of the command line) has line 0 and the option's name as file.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/program.h"

namespace loadproof::harness {

struct Diagnostic {
  Where where;
  std::string message;  // no full stop at the end
  std::string hint;     // what may have been meant; empty: nothing to say
  bool operator==(const Diagnostic&) const = default;
};

// Texts of the files that were read, by path, for excerpts.
using Sources = std::map<std::string, std::string>;

// Collects. Values of the front end are made as far as they can be, so that one run shows
// everything.
class Diagnostics {
 public:
  void add(Where where, std::string message, std::string hint = {});
  // An unknown name: the message, and the nearest of the known names as hint.
  void add_unknown(Where where, std::string_view what, std::string_view name,
                   std::span<const std::string> known);
  bool empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }
  // By file, line, column; each once.
  std::vector<Diagnostic> sorted() const;

 private:
  std::vector<Diagnostic> list_;
};

// `did you mean "a" or "b"?`, or, where none is near, `one of: a, b, c` if they are few.
std::string nearest_hint(std::string_view wanted, std::span<const std::string> known);

// "file:line:column: error: message", the line with a caret under the column, and the hint.
std::string print(const Diagnostic& diagnostic, const Sources& sources);
std::string print(std::span<const Diagnostic> diagnostics, const Sources& sources);

}  // namespace loadproof::harness
