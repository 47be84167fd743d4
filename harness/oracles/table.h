// The oracles' functions, for the table in oracle.cc. Everybody else asks oracles().
#pragma once

#include "harness/oracles/oracle.h"

namespace loadproof::harness {

Verdict judge_finite(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_defined(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_ckpt(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_source(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_replicas(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_alias(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_dtype(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_memory(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_no_hang(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_no_error(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_symmetric_error(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_clear_error(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_atomic(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_invariant(const Case& plan, const Observation& seen, std::string_view at);
Verdict judge_no_vacuous(const Case& plan, const Observation& seen, std::string_view at);

}  // namespace loadproof::harness
