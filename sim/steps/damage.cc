// damage: what happens to files behind everybody's back.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"store", kStore, false, "file", "", "the store"},
    {"file", kText, false, "*.safetensors", "", "which of its files; * and ? as in a shell"},
    {"cut", kInt, false, "0", "", "bytes that each file loses at its end"},
    {"remove", kBool, false, "false", "", "the files are gone"},
};

Result<void> run(StepContext& context) {
  Stores& stores = context.engine.stores();
  const std::string& store = arg<std::string>(context.step, "store");
  const std::string& pattern = arg<std::string>(context.step, "file");
  const std::vector<std::string> files = stores.files(store, pattern);
  if (files.empty())
    context.engine.note_nothing(context, "nothing_written",
                                fmt::format("store {} has no file {}", store, pattern));
  for (const std::string& file : files) {
    auto done = arg<bool>(context.step, "remove")
                    ? stores.remove(store, file)
                    : stores.cut(store, file, arg<int64_t>(context.step, "cut"));
    if (!done) return done;
  }
  return {};
}

}  // namespace

const Verb kDamage = {{"damage", "A fault of storage: files of a store are cut short, or gone.",
                       "damage: {ranks: 0, file: model-2.safetensors, remove: true}", false, false,
                       false, kParams},
                      run};

}  // namespace loadproof::sim
