// What does the strict reading of a checkpoint cost, beyond parsing its JSON at all?
//
//   BM_OpenCheckpoint/tensors:N  opens a directory with one file of N tensors. "per_tensor" is its
//                                time for each; "to_plain_json" how many times longer it takes than
//                                nlohmann::json::parse alone of the same header, measured in turn
//                                with it.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/clock.h"
#include "sim/check.h"
#include "sim/checkpoint/checkpoint.h"
#include "sim/checkpoint/mapped_file.h"
#include "sim/checkpoint/safetensors.h"
#include "sim/checkpoint/writer.h"

namespace loadproof::sim {
namespace {

using loadproof::bench::Clock, loadproof::bench::seconds_since;

class GeneratedCheckpoint {
 public:
  explicit GeneratedCheckpoint(int64_t tensor_count)
      : directory_(std::filesystem::temp_directory_path() /
                   fmt::format("loadproof-checkpoint-bench-{}", tensor_count)) {
    constexpr std::string_view kPart = "mlp.experts.gate_up_proj.weight";
    const std::vector<std::byte> bytes(64);
    std::vector<TensorToWrite> tensors;
    for (int64_t i = 0; i < tensor_count; ++i)
      tensors.push_back({fmt::format("model.layers.{}.{}.{}", i / 100, i % 100, kPart),
                         DType::kBFloat16,
                         {4, 8},
                         bytes});
    std::filesystem::create_directories(directory_);
    const auto written = write_safetensors(file(), tensors, {{"format", "pt"}});
    SIM_CHECK(written, "{}", written.error().message);
  }
  GeneratedCheckpoint(const GeneratedCheckpoint&) = delete;
  GeneratedCheckpoint& operator=(const GeneratedCheckpoint&) = delete;
  ~GeneratedCheckpoint() { std::filesystem::remove_all(directory_); }

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path file() const { return directory_ / "model.safetensors"; }

 private:
  std::filesystem::path directory_;
};

void BM_OpenCheckpoint(benchmark::State& state) {
  const GeneratedCheckpoint generated(state.range(0));
  const auto file = map_file(generated.file());
  SIM_CHECK(file, "{}", file.error().message);
  const auto header = parse_safetensors(file->bytes(), "generated");
  SIM_CHECK(header && std::cmp_equal(header->tensors.size(), state.range(0)), "a wrong header");
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()) + 8,
                              static_cast<size_t>(header->data_offset - 8));
  double open_seconds = 0;
  double plain_seconds = 0;
  for ([[maybe_unused]] auto iteration : state) {
    const auto start = Clock::now();
    {
      const auto checkpoint = Checkpoint::open(generated.directory());
      SIM_CHECK(checkpoint, "{}", checkpoint.error().message);
      benchmark::DoNotOptimize(checkpoint->tensors().data());
    }
    const double open_time = seconds_since(start);
    state.SetIterationTime(open_time);
    open_seconds += open_time;
    const auto plain_start = Clock::now();
    benchmark::DoNotOptimize(nlohmann::json::parse(text));
    plain_seconds += seconds_since(plain_start);
  }
  state.counters["per_tensor"] =
      open_seconds / static_cast<double>(state.iterations() * state.range(0));
  state.counters["to_plain_json"] = open_seconds / plain_seconds;
}
BENCHMARK(BM_OpenCheckpoint)
    ->ArgName("tensors")
    ->Arg(100)
    ->Arg(10'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loadproof::sim

BENCHMARK_MAIN();
