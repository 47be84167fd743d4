#include "sim/steps/collective.h"

namespace loadproof::sim {

Post collective_post(const Step& step, Collective op) {
  Post post{.op = op, .group = arg<std::string>(step, "group"), .stall = arg<bool>(step, "stall")};
  if (const double* timeout = optional_arg<double>(step, "timeout")) post.timeout = *timeout;
  return post;
}

}  // namespace loadproof::sim
