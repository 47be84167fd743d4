#include "harness/launch_env.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

namespace loadproof::harness {
namespace {

// The variables of one launcher; "": it has none for that.
struct Names {
  std::string_view by, rank, ranks, local_rank, local_ranks;
};

constexpr Names kLaunchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"PMI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    {"Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", ""},
};

class Reading {
 public:
  Reading(const Environment& environment, const Names& names)
      : environment_(environment), names_(names) {}

  Result<Launched> run() {
    launched_.by = names_.by;
    launched_.rank = number(names_.rank, true);
    launched_.ranks = number(names_.ranks, true);
    launched_.local_rank = number(names_.local_rank, false);
    if (error_.empty()) check();
    if (error_.empty()) find_meeting_point();
    if (!error_.empty()) return fail(fmt::format("{} (as {} sets them)", error_, names_.by));
    return launched_;
  }

 private:
  const Environment& environment_;
  const Names& names_;
  Launched launched_;
  std::string error_;

  std::optional<std::string> get(std::string_view name) const {
    auto value = name.empty() ? std::nullopt : environment_(name);
    return value && !value->empty() ? value : std::nullopt;
  }

  void complain(std::string text) {
    if (error_.empty()) error_ = std::move(text);
  }

  int number(std::string_view name, bool needed) {
    const auto text = get(name);
    int value = 0;
    if (!text) {
      if (needed) complain(fmt::format("{} is not set", name));
      return value;
    }
    const char* const end = text->data() + text->size();
    const auto [read, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc() || read != end || value < 0)
      complain(fmt::format("{} is '{}', and must be a number from 0 on", name, *text));
    return value;
  }

  void check() {
    const auto [by, rank, ranks, local_rank, local_ranks] = names_;
    if (launched_.ranks < 1) complain(fmt::format("{} is 0", ranks));
    if (launched_.rank >= launched_.ranks)
      complain(fmt::format("{} is {} and {} is {}: ranks count from 0", rank, launched_.rank,
                           ranks, launched_.ranks));
    if (launched_.local_rank > launched_.rank)
      complain(fmt::format("{} is {} and {} is {}: no rank comes before those of its host",
                           local_rank, launched_.local_rank, rank, launched_.rank));
    if (!get(local_ranks)) return;
    const int here = launched_.local_ranks = number(local_ranks, false);
    if (launched_.local_rank >= here || here > launched_.ranks)
      complain(fmt::format("{} is {}, {} is {} and {} is {}: they contradict each other",
                           local_rank, launched_.local_rank, local_ranks, here, ranks,
                           launched_.ranks));
  }

  bool all_here() const {
    const auto here = get(names_.local_ranks);
    return launched_.ranks == 1 || (here && *here == std::to_string(launched_.ranks));
  }

  void find_meeting_point() {
    const bool torchrun = names_.by == "torchrun", slurm = names_.by == "Slurm";
    if (const auto address = get("MASTER_ADDR"))
      launched_.address = *address;
    else if (slurm)
      launched_.address = slurm_address();
    else if (!torchrun && all_here())
      launched_.address = "127.0.0.1";
    else if (!torchrun)
      launched_.address = slurm_address();  // which may have started the other launcher
    if (launched_.address.empty())
      complain("MASTER_ADDR, the host of rank 0, is not set");
    if (torchrun || get("MASTER_PORT")) {
      const int port = number("MASTER_PORT", true);
      if (port < 1 || port > UINT16_MAX)
        complain(fmt::format("MASTER_PORT is {}, and must be from 1 to {}", port, UINT16_MAX));
      launched_.port = static_cast<uint16_t>(port);
    }
    const auto store = get("TORCHELASTIC_USE_AGENT_STORE");
    launched_.store_runs = torchrun && store && *store == "True";
  }

  std::string slurm_address() const {
    for (const char* name : {"SLURM_STEP_NODELIST", "SLURM_NODELIST", "SLURM_JOB_NODELIST"})
      if (const auto nodes = get(name)) return first_host(*nodes);
    return get("SLURM_LAUNCH_NODE_IPADDR").value_or("");
  }
};

}  // namespace

Result<Launched> read_launch_environment(const Environment& environment) {
  for (const Names& names : kLaunchers) {
    const auto rank = environment(names.rank), ranks = environment(names.ranks);
    if (rank || ranks) return Reading(environment, names).run();
  }
  return fail("no launcher has said which rank this is: neither RANK and WORLD_SIZE nor the "
              "variables of MPI or Slurm are set; `loadproof launch --ranks N` starts all ranks "
              "on this machine");
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::string first_host(std::string_view nodes) {
  std::string host;
  for (size_t at = 0; at < nodes.size() && nodes[at] != ','; ++at) {
    if (nodes[at] != '[') {
      host += nodes[at];
      continue;
    }
    const size_t end = std::min(nodes.find(']', at), nodes.size());
    const std::string_view inside = nodes.substr(at + 1, end - at - 1);
    host += inside.substr(0, inside.find_first_of(",-"));
    at = end;
  }
  return host;
}

}  // namespace loadproof::harness
