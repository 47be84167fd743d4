#include "sim/steps/collective.h"

namespace loadproof::sim {

Strided strided_of(const Step& step) {
  const std::string& text = arg<std::string>(step, "strided");
  if (text == "pack") return Strided::kPack;
  return text == "ignore" ? Strided::kIgnore : Strided::kRefuse;
}

Post collective_post(const Step& step, Collective op) {
  Post post{.op = op,
            .group = arg<std::string>(step, "group"),
            .stall = arg<bool>(step, "stall"),
            .async = arg<bool>(step, "async")};
  if (const double* timeout = optional_arg<double>(step, "timeout")) post.timeout = *timeout;
  return post;
}

}  // namespace loadproof::sim
