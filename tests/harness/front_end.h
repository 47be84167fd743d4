// What tests of the front end share: files that are texts, and a scenario from its varying part.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/expand.h"
#include "harness/scenario.h"

namespace loadproof::harness {

inline constexpr std::string_view kTestOracles[] = {
    "finite", "defined", "ckpt", "replicas", "alias", "dtype", "no_hang", "no_error",
    "symmetric_error", "clear_error", "atomic", "no_vacuous"};

inline Files text_files(std::map<std::string, std::string> texts) {
  auto list = [texts](const std::string& folder) {
    std::set<std::string> names;
    const std::string prefix = folder.empty() ? "" : folder + "/";
    for (const auto& [path, text] : texts)
      if (path.starts_with(prefix))
        names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
    return std::vector<std::string>(names.begin(), names.end());
  };
  auto read = [texts = std::move(texts)](const std::string& path) -> Result<std::string> {
    const auto found = texts.find(path);
    if (found == texts.end()) return fail("cannot open " + path);
    return found->second;
  };
  return {.read = read, .list = list};
}

// The text is the scenario "scenarios/t/x.yaml"; a model is at "scenarios/models/tiny".
inline Parsed parse_text(const std::string& text, std::map<std::string, std::string> others = {}) {
  others["scenarios/t/x.yaml"] = text;
  others["scenarios/models/tiny/config.json"] = "{}";
  return parse_scenario("scenarios/t/x.yaml", text_files(std::move(others)), kTestOracles);
}

// The first two lines of most rows; what follows begins at line 3.
inline const std::string kHead = "about: a\nmodel: ../models/tiny\n";

// A scenario, what is wrong with it, and the recipe "r" that it may use.
struct ErrorRow {
  std::string scenario;
  std::vector<std::string> problems;
  std::string recipe = {};
};

// Each diagnostic as "[FILE:]LINE:COLUMN: message = hint"; the scenario's own name is left out.
inline std::vector<std::string> problems(const ErrorRow& row) {
  std::map<std::string, std::string> others;
  if (!row.recipe.empty()) others["scenarios/loaders/r.yaml"] = row.recipe;
  const Parsed parsed = parse_text(row.scenario, std::move(others));
  std::vector<std::string> texts;
  for (const auto& [where, message, hint] : parsed.diagnostics) {
    const std::string file = where.file == "scenarios/t/x.yaml" ? "" : where.file + ":";
    texts.push_back(file + std::to_string(where.line) + ":" + std::to_string(where.column) + ": " +
                    message + (hint.empty() ? "" : " = " + hint));
  }
  return texts;
}

}  // namespace loadproof::harness
