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

inline constexpr std::string_view kTestOracles[] = {"finite", "defined",  "ckpt",     "replicas",  "alias",
                                                    "dtype",  "no_hang",  "no_error", "no_vacuous"};

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

}  // namespace loadproof::harness
