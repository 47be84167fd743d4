#include "sim/models/family.h"

#include "sim/models/family_table.h"

namespace loadproof::sim {

std::span<const Family* const> families() {
  static constexpr const Family* kTable[] = {&kQwen2,  &kQwen3, &kLlama,   &kMistral, &kGemma2,
                                             &kGemma3, &kGpt2,  &kMixtral, &kQwen2Moe};
  return kTable;
}

const Family* family_of(std::string_view model_type) {
  for (const Family* family : families())
    if (family->model_type == model_type) return family;
  return nullptr;
}

}  // namespace loadproof::sim
