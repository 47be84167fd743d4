#include "harness/new_scenario.h"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <system_error>

namespace loadproof::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kText =
    R"(# One sentence: what goes wrong, or what must go right. `reference` says where that is told.
about: The ranks beside rank 0 receive the weights but not the norm, of which they hold no value
# reference: OWNER/REPOSITORY#NUMBER
world: {{ranks: {}}}
# They stand in a real safetensors file, with values unique to each element, so that a swap, a shift
# or a wrong slice shows. `model: FOLDER` in their place takes a real checkpoint.
tensors:
  weight: {{shape: [8, 4], from: file}}
  norm:   {{shape: [8], from: file}}
# The loader: each step is a verb. `of` says which tensors, `ranks` who runs it; `id` names a step,
# so that patches and reports can speak of it.
steps:
  - read:      {{id: load, of: file, ranks: 0}}
  - alloc:     {{id: hold, of: file, ranks: r>0, as: empty}}
  - broadcast: {{id: sync, of: weight, src: 0}}
# The defect and its mend are patches of the same steps. A case passes if exactly the oracles that
# it names fail, on these ranks and for these tensors; those that it does not name must pass.
variants:
  defective:
    expect:
      finite:   {{fail: {{ranks: r>0, of: norm, fills: [nan]}}}}
      defined:  {{fail: {{ranks: r>0, of: norm, state: undefined}}}}
      ckpt:     {{fail: {{ranks: r>0, of: norm}}}}
      replicas: {{fail: {{ranks: r>0, of: norm}}}}
  fixed:
    set: {{sync.of: file}}
    expect: pass
)";

}  // namespace

std::string scenarios_folder_of(const std::string& path) {
  for (fs::path folder = fs::path(path).parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    if (folder.filename() == "scenarios") return folder.string();
  return "";
}

std::string new_scenario(const std::string& path, int64_t ranks) {
  const std::string text = fmt::format(kText, ranks);
  std::error_code ignored;
  const fs::path file = fs::absolute(path, ignored).lexically_normal();
  const fs::path folder = scenarios_folder_of(file.string());
  if (folder.empty()) return text;
  const fs::path schema = (folder / "schema/scenario.json").lexically_relative(file.parent_path());
  return fmt::format("# yaml-language-server: $schema={}\n{}", schema.string(), text);
}

}  // namespace loadproof::harness
