#include "harness/processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/reporters/reporters.h"
#include "sim/procs/job.h"

namespace loadproof::harness {
namespace {

Result<std::unique_ptr<sim::Job>> join(const ProcessesOptions& options) {
  const Launched& launched = options.launched;
  const auto at_moment = [rank = launched.rank, end = options.end_at](
                             std::string_view step, std::string_view moment) {
    end_where(end, rank, step, moment);
  };
  at_moment("", "");
  return sim::Job::join({.rank = launched.rank,
                         .ranks = launched.ranks,
                         .local_rank = launched.local_rank,
                         .address = launched.address,
                         .port = launched.port,
                         .serves_store = !launched.store_runs,
                         .patience = options.patience,
                         .cannot_go_on = options.cannot_go_on,
                         .first_ended = options.first_ended,
                         .told_to_end = options.told_to_end,
                         .at_moment = at_moment},
                        {write_observation, read_observation});
}

CaseResult result_of(const Case& plan, Status status, std::string why) {
  CaseResult result;
  result.plan = plan;
  result.status = status;
  result.error = std::move(why);
  return result;
}

}  // namespace

std::string left_out(const Case& plan, int processes) {
  if (plan.topology.ranks() > processes)
    return fmt::format("has {} ranks, and there are {} processes", plan.topology.ranks(),
                       processes);
  if (plan.backend != "gloo" && plan.backend != "nccl")
    return fmt::format("moves bytes by the {} backend; between processes it is gloo or nccl",
                       plan.backend);
  if (plan.dry) return "runs on shapes alone, which takes one process";
  if (plan.schedule != 0) return "orders the single steps of all ranks, which takes one process";
  for (const ExtraTensor& tensor : plan.tensors)
    if (!tensor.spec.shared_over.empty())
      return fmt::format("ranks share the memory of {}, which processes do not",
                         tensor.spec.name);
  return "";
}

bool run_as_first(const std::vector<Case>& plan, const ProcessesOptions& options,
                  const std::function<void(CaseResult)>& take) {
  const auto job = join(options);
  sim::Session session;
  for (size_t i = 0; i < plan.size(); ++i) {
    const Case& one = plan[i];
    if (std::string why = left_out(one, options.launched.ranks); !why.empty()) {
      take(result_of(one, Status::kSkip, std::move(why)));
      continue;
    }
    if (!job || !(*job)->broken().empty()) {
      take(result_of(one, Status::kError, job ? (*job)->broken() : job.error().message));
      continue;
    }
    RunOptions how = options.how;
    how.run_world = [&](const sim::WorldSpec& spec) {
      return (*job)->run(session, spec, static_cast<int64_t>(i), one.id);
    };
    take(run_case(session, one, how));
  }
  if (!job || !(*job)->broken().empty()) return false;
  (*job)->end();
  return true;
}

Result<void> run_as_other(const std::vector<Case>& plan, const ProcessesOptions& options) {
  const auto job = join(options);
  if (!job) return tl::make_unexpected(job.error());
  sim::Session session;
  while (true) {
    const auto order = (*job)->next();
    if (!order) return tl::make_unexpected(order.error());
    if (!*order) return {};
    const auto number = static_cast<size_t>((*order)->number);
    if (number < plan.size() && plan[number].id == (*order)->id)
      (*job)->take_part(session, world_of(plan[number]));
    else
      (*job)->refuse(fmt::format("rank {} was started for other cases: {} is not among them",
                                 options.launched.rank, (*order)->id));
  }
}

}  // namespace loadproof::harness
