// move: files of a store get another name, or into another store, as rename does it: at once.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"store", kStore, true, "", "", "the store in which the files are"},
    {"file", kText, false, "*", "",
     "which of them, the index too; * and ? as in a shell, {rank}, {local}, {node}"},
    {"to", kStore, false, "", "", "the store to which they go; the same if left out"},
    {"as", kText, false, "", "", "the name that one file has then, with the same variables"},
    {"copy", kBool, false, "false", "", "they stay where they are, too"},
};

Result<void> run(StepContext& context) {
  Stores& stores = context.engine.stores();
  const std::string& name = arg<std::string>(context.step, "store");
  const std::string* other = optional_arg<std::string>(context.step, "to");
  const std::string* form = optional_arg<std::string>(context.step, "as");
  const Variables variables = variables_of(context, "", 0);
  const Result<std::string> pattern = fill_in(arg<std::string>(context.step, "file"), variables);
  if (!pattern) return tl::make_unexpected(pattern.error());
  const Result<std::string> as = fill_in(form ? *form : "", variables);
  if (!as) return tl::make_unexpected(as.error());
  Store& from = stores.of(name, context.rank.index());
  Store& to = stores.of(other ? *other : name, context.rank.index());
  const std::vector<std::string> files = from.files(*pattern);
  if (files.empty()) return fail(fmt::format("store {} has no file {}", name, *pattern));
  if (form && files.size() > 1)
    return fail(fmt::format("{} files of store {} cannot all become {}", files.size(), name, *as));
  for (const std::string& file : files)
    if (auto moved =
            from.move_file(file, to, form ? *as : file, arg<bool>(context.step, "copy"));
        !moved)
      return moved;
  return {};
}

}  // namespace

const Verb kMove = {
    {"move",
     "Renames files of a store, or moves them to another, in place of what that has under their "
     "names. An error where there is no such file.",
     "move: {store: out, file: tmp.safetensors, as: model.safetensors, ranks: 0}", false, false,
     false, kParams, /*reads=*/false, /*needs_bytes=*/true},
    run};

}  // namespace loadproof::sim
