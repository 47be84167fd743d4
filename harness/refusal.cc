#include "harness/refusal.h"

namespace loadproof::harness {
namespace {

constexpr RefusalKey kKeys[] = {
    {"at", "the step whose input is bad"},
    {"names", "texts that each error must contain: the tensor, the file, the cause"},
    {"ranks", "the ranks that must raise; those that run the step if left out"},
};

}  // namespace

std::optional<Refusal> parse_refusal(const Node& node, const Vocabulary& words,
                                     Diagnostics& diagnostics) {
  if (node.is_null() || !expect_map(node, kRefuse, diagnostics)) return std::nullopt;
  std::vector<std::string> known;
  for (const RefusalKey& key : kKeys) known.emplace_back(key.key);
  check_keys(node, kRefuse, known, diagnostics);
  Refusal refusal;
  refusal.where = node.where;
  for (const auto& [key, where, value] : node.entries) {
    if (value.is_null()) continue;
    if (key == "at") refusal.at = read_text(value, key, diagnostics).value_or("");
    if (key == "names") refusal.names = read_texts(value, key, diagnostics).value_or(refusal.names);
    if (key == "ranks") refusal.ranks = read_ranks(value, key, words, diagnostics);
  }
  if (!node.find("at"))
    diagnostics.add(node.where, "refuse needs the key \"at\"", "the id of a step");
  return refusal;
}

std::span<const RefusalKey> refusal_keys() { return kKeys; }

}  // namespace loadproof::harness
