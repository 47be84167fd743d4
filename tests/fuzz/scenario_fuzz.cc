// Scenarios and recipes of any content: parsed, expanded and explained without a crash. The input
// is a scenario; what follows a line "=== NAME" is the recipe NAME.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "harness/expand.h"
#include "harness/explain.h"
#include "harness/scenario.h"

namespace {

using namespace loadproof;
using namespace loadproof::harness;

constexpr std::string_view kOracles[] = {"finite", "defined", "ckpt", "replicas", "no_hang"};
constexpr size_t kCasesTried = 64;

std::map<std::string, std::string> split(std::string_view input) {
  constexpr std::string_view kMark = "\n=== ";
  std::map<std::string, std::string> texts;
  size_t end = std::min(input.find(kMark), input.size());
  texts["s/x.yaml"] = std::string(input.substr(0, end)) + "\n";
  while (end < input.size()) {
    input.remove_prefix(end + kMark.size());
    const size_t line = std::min(input.find('\n'), input.size());
    end = std::min(input.find(kMark), input.size());
    const std::string name(input.substr(0, line));
    texts["loaders/" + name + ".yaml"] = std::string(input.substr(std::min(line, end), end));
  }
  return texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto texts = split({reinterpret_cast<const char*>(data), size});
  const Files files{.read = [&](const std::string& path) -> Result<std::string> {
                      if (path.ends_with("config.json")) return std::string("{}");
                      const auto found = texts.find(path);
                      if (found == texts.end()) return fail("no such file");
                      return found->second;
                    },
                    .list = [](const std::string&) { return std::vector<std::string>{"r.yaml"}; }};
  const Parsed parsed = parse_scenario("s/x.yaml", files, kOracles);
  // Exactly one of the two must be there, and every diagnostic must have a place in a known file.
  if (parsed.scenario.has_value() != parsed.diagnostics.empty()) std::abort();
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    if (!parsed.sources.contains(diagnostic.where.file) || diagnostic.where.line < 1) std::abort();
  print(parsed.diagnostics, parsed.sources);
  if (!parsed.scenario) return 0;
  size_t cases = 1;
  for (const Axis& axis : parsed.scenario->axes) cases *= axis.options.size();
  if (cases > kCasesTried) return 0;
  for (const Case& one : expand(*parsed.scenario).cases)
    if (one.topology.ranks() <= 64 && explain(one).empty()) std::abort();
  return 0;
}
