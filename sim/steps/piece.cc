#include "sim/steps/piece.h"

#include "sim/tensor_spec.h"
#include "sim/torch_types.h"

namespace loadproof::sim {

at::Tensor piece_of(const at::Tensor& whole, const Layout& layout) {
  at::Tensor piece = empty_tensor(layout.shape, dtype_of(whole), whole.device());
  if (!has_bytes(piece)) return piece;
  int64_t covered = 0;
  for (const Part& part : layout.parts) covered += part.count;
  if (covered < piece.numel()) piece.zero_();
  for (const Part& part : layout.parts)
    piece.view(-1)
        .narrow(0, part.piece, part.count)
        .copy_(whole.view(-1).narrow(0, part.whole, part.count));
  return piece;
}

}  // namespace loadproof::sim
