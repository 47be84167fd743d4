// The cases of a JSON report as what must be alike, however they were run.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace loadproof::harness {

// By id; every case but what a run measures.
inline std::map<std::string, nlohmann::json> cases_of(const std::string& report) {
  std::map<std::string, nlohmann::json> cases;
  const nlohmann::json whole = nlohmann::json::parse(report);
  for (const nlohmann::json& one : whole.at("cases")) {
    nlohmann::json told = one;
    told.erase("seconds");
    for (const char* key : {"fingerprint", "events", "peaks", "memory", "cost"})
      told["observation"].erase(key);
    for (nlohmann::json& rank : told["observation"]["ranks"]) {
      rank.erase("reserved_peak");
      rank.erase("reserved_peak_step");
    }
    cases[one.at("id")] = std::move(told);
  }
  return cases;
}

}  // namespace loadproof::harness
