// loadproof inspect: a model directory as its checkpoint and its model see it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <memory>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/words.h"
#include "sim/tools.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(A directory has config.json, and model.safetensors or model.safetensors.index.json with its
shards. Tensors that the model needs and the checkpoint lacks, or has in another shape, tensors that
nothing of the model is made from, and stored NaN or inf are told, and the exit code is 2.

Examples:
  loadproof inspect scenarios/models/qwen2_tied_bf16)";

// What a sound checkpoint does not have; empty: nothing.
std::string problem_of(const sim::InspectedFileTensor& tensor) {
  if (!tensor.used) return "unexpected: no tensor of the model is made from it";
  if (tensor.nan + tensor.inf == 0) return "";
  return fmt::format("stores {} NaN and {} inf among its elements", tensor.nan, tensor.inf);
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void print_checkpoint(const sim::InspectReport& report) {
  print_out("checkpoint: {}, {}, {} bytes\n",
             count_text(static_cast<int64_t>(report.files.size()), "file"),
             count_text(static_cast<int64_t>(report.in_file.size()), "tensor"), report.bytes);
  size_t keys = 3, shapes = 5;
  for (const sim::InspectedFileTensor& tensor : report.in_file) {
    keys = std::max(keys, tensor.key.size());
    shapes = std::max(shapes, shape_text(tensor.shape).size());
  }
  for (const std::string& file : report.files) {
    print_out("  {}\n", file);
    for (const sim::InspectedFileTensor& tensor : report.in_file)
      if (tensor.file == file)
        print_out("    {:<{}}  {:<8}  {:<{}}  {:>10} bytes{}\n", tensor.key, keys,
                   name(tensor.dtype), shape_text(tensor.shape), shapes, tensor.bytes,
                   problem_of(tensor).empty() ? "" : "  " + problem_of(tensor));
  }
}

void print_model(const sim::InspectReport& report) {
  print_out("model: {} ({}), {} parameters in {}\n", report.architecture, report.model_type,
             report.parameters, count_text(static_cast<int64_t>(report.tensors.size()), "tensor"));
  size_t names = 4, shapes = 5;
  for (const sim::InspectedTensor& tensor : report.tensors) {
    names = std::max(names, tensor.spec.name.size());
    shapes = std::max(shapes, shape_text(tensor.spec.shape).size());
  }
  for (const sim::InspectedTensor& tensor : report.tensors) {
    const std::string tie =
        tensor.spec.tied_to.empty() ? "" : "  tied to " + tensor.spec.tied_to;
    const std::string problem = tensor.problem.empty() ? "" : "  " + tensor.problem;
    print_out("    {:<{}}  {:<14}  {:<8}  {:<{}}{}{}\n", tensor.spec.name, names,
               name(tensor.spec.kind), name(tensor.spec.dtype), shape_text(tensor.spec.shape),
               tie.empty() && problem.empty() ? 0 : shapes, tie, problem);
  }
}

int inspect(const std::string& directory) {
  auto report = sim::inspect_model(directory);
  if (!report) return bad_input(report.error().message);
  print_model(*report);
  print_checkpoint(*report);
  int exit_code = kAsExpected;
  for (const sim::InspectedTensor& tensor : report->tensors)
    if (!tensor.problem.empty())
      exit_code = bad_input(fmt::format("{}: {}: {}", directory, tensor.spec.name, tensor.problem));
  for (const sim::InspectedFileTensor& tensor : report->in_file)
    if (const std::string problem = problem_of(tensor); !problem.empty())
      exit_code =
          bad_input(fmt::format("{}/{}: {}: {}", directory, tensor.file, tensor.key, problem));
  return exit_code;
}

}  // namespace

void add_inspect(CLI::App& program, int& exit_code) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand("inspect", "Print a model directory's tensors");
  command->footer(kFooter);
  command->add_option("directory", *directory, "Model directory")->type_name("DIR")->required();
  command->callback([directory, &exit_code] { exit_code = inspect(*directory); });
}

}  // namespace loadproof::harness
