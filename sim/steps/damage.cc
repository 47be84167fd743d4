// damage: what happens to files behind everybody's back.
#include <fmt/format.h>

#include <limits>

#include "sim/engine.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr int64_t kAnyInt = std::numeric_limits<int64_t>::min();
constexpr ParamInfo kParams[] = {
    {"store", kStore, false, "file", "", "the store"},
    {"file", kText, false, "*.safetensors", "",
     "which of its files; * and ? as in a shell, {rank}, {local}, {node}"},
    {"remove", kBool, false, "false", "", "the files are gone"},
    {"cut", kInt, false, "0", "", "bytes that each file loses at its end"},
    {"append", kInt, false, "0", "", "bytes of nobody that are added behind that"},
    {"zero", kInt, false, "0", "", "bytes that become zero, from `at` on"},
    {"flip", kInt, false, "0", "", "bytes of which every bit is turned, from `at` on"},
    {"at", kInt, false, "0", "",
     "the first of them, within the file's data or that of `tensor`; negative: from its end",
     kAnyInt},
    {"tensor", kText, false, "", "", "a key: the damage is to this tensor alone"},
    {"dtype", kDType, false, "", "", "the header says that `tensor` is of this element type"},
    {"shape", kInts, false, "", "", "the header says that `tensor` has this shape"},
    {"offset", kInt, false, "0", "",
     "the header says that `tensor` lies so many bytes further on, or back", kAnyInt},
    {"rename", kText, false, "", "", "the header has `tensor` under this key"},
    {"twice", kInt, false, "", "",
     "the header has `tensor` a second time, with the values of this version"},
};

// One file, and what becomes of it.
class Damage {
 public:
  Damage(StepContext& context, Store& store, const std::string& file)
      : context_(context), store_(store), file_(file),
        tensor_(optional_arg<std::string>(context.step, "tensor")) {}

  // False: `tensor` is in another file.
  Result<bool> run() {
    if (flag("remove")) {
      auto removed = store_.remove(file_);
      if (!removed) return tl::make_unexpected(removed.error());
      return true;
    }
    if (count("cut") > 0)
      if (auto cut = store_.cut(file_, count("cut")); !cut) return tl::make_unexpected(cut.error());
    if (count("append") > 0)
      if (auto appended = store_.append(file_, count("append"), origin("appended to the file"));
          !appended)
        return tl::make_unexpected(appended.error());
    const Result<bool> zeroed = overwrite("zero", Overwrite::kZero, "zeroed in the file");
    if (!zeroed || !*zeroed) return zeroed;
    const Result<bool> flipped = overwrite("flip", Overwrite::kFlip, "turned over in the file");
    if (!flipped || !*flipped) return flipped;
    return retell();
  }

 private:
  StepContext& context_;
  Store& store_;
  const std::string& file_;
  const std::string* tensor_;

  bool flag(std::string_view name) const { return arg<bool>(context_.step, name); }
  int64_t count(std::string_view name) const { return arg<int64_t>(context_.step, name); }

  OriginId origin(const char* what) {
    return context_.engine.origins().add({.kind = StateKind::kTainted,
                                          .rank = context_.rank.index(),
                                          .step = context_.step.index,
                                          .what = what,
                                          .file = file_});
  }

  Result<bool> overwrite(std::string_view name, Overwrite how, const char* what) {
    if (count(name) <= 0) return true;
    return store_.overwrite(file_, tensor_ ? *tensor_ : "", count("at"), count(name), how,
                            origin(what));
  }

  Result<bool> retell() {
    HeaderChange change{.tensor = tensor_ ? *tensor_ : "", .offset = count("offset")};
    if (const auto* dtype = optional_arg<std::string>(context_.step, "dtype"))
      change.dtype = dtype_named(*dtype);
    if (const auto* shape = optional_arg<std::vector<int64_t>>(context_.step, "shape"))
      change.shape = *shape;
    if (const auto* rename = optional_arg<std::string>(context_.step, "rename"))
      change.rename = *rename;
    const auto* version = optional_arg<int64_t>(context_.step, "twice");
    if (!change.retells() && change.rename.empty() && !version) return true;
    if (!tensor_) return fail("dtype, shape, offset, rename and twice are of one `tensor`");
    if (!version) return store_.retell(file_, change, origin("told otherwise by the header"));
    Result<std::vector<std::byte>> again = values(*version);
    if (!again) return tl::make_unexpected(again.error());
    change.again = std::move(*again);
    return store_.retell(file_, change, origin("added to the file as a second entry"));
  }

  Result<std::vector<std::byte>> values(int64_t version) const {
    const Asset& asset = context_.engine.asset();
    const std::string& store = arg<std::string>(context_.step, "store");
    std::string name = *tensor_;
    std::optional<DType> dtype;
    for (const StoreSpec& spec : asset.stores()) {
      if (spec.name != store) continue;
      dtype = spec.dtype;
      if (name.starts_with(spec.prefix)) name.erase(0, spec.prefix.size());
    }
    const std::optional<int> slot = asset.slot_named(name);
    if (!slot) return fail(fmt::format("there are no versions of {}, which is no tensor", name));
    const at::Tensor value = asset.content({name, version}, dtype).contiguous();
    const std::byte* begin = data_of(value);
    return std::vector<std::byte>(begin, begin + bytes_of(value));
  }
};

Result<void> run(StepContext& context) {
  const std::string& name = arg<std::string>(context.step, "store");
  Store& store = context.engine.stores().of(name, context.rank.index());
  const Result<std::string> pattern =
      fill_in(arg<std::string>(context.step, "file"), variables_of(context, "", 0));
  if (!pattern) return tl::make_unexpected(pattern.error());
  bool any = false;
  for (const std::string& file : store.files(*pattern)) {
    const Result<bool> done = Damage(context, store, file).run();
    if (!done) return tl::make_unexpected(done.error());
    any = any || *done;
  }
  const auto* tensor = optional_arg<std::string>(context.step, "tensor");
  if (!any)
    context.engine.note_nothing(context, "nothing_written",
                                fmt::format("store {} has no file {}{}", name, *pattern,
                                            tensor ? " with a tensor " + *tensor : ""));
  return {};
}

}  // namespace

const Verb kDamage = {
    {"damage",
     "A fault of storage: of files of a store, in the order of the arguments. Elements whose bytes "
     "it has changed are tainted for whoever reads them.",
     "damage: {ranks: 0, file: model-2.safetensors, zero: 16, at: -16}", false, false, false,
     kParams, /*reads=*/false, /*needs_bytes=*/true},
    run};

}  // namespace loadproof::sim
