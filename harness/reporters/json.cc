// Everything that was observed and judged, for programs; and back.
#include <ostream>

#include "harness/reporters/json_archive.h"
#include "harness/reporters/output_file.h"
#include "harness/reporters/table.h"

namespace loadproof::harness {
namespace {

constexpr int kSchemaVersion = 1;

Json plan_of(const Case& plan) {
  Json axes = Json::object(), expected = Json::object();
  for (const auto& [axis, value] : plan.axes) axes[axis] = value;
  for (const auto& [oracle, one] : plan.expect)
    expected[oracle] = one.expected == Expected::kFail   ? "fail"
                       : one.expected == Expected::kPass ? "pass" : "free";
  return {{"id", plan.id}, {"scenario", plan.scenario}, {"about", plan.about},
          {"reference", plan.reference}, {"axes", axes}, {"labels", plan.labels},
          {"world", {{"ranks", plan.topology.ranks()}, {"nodes", plan.topology.nodes},
                     {"ranks_per_node", plan.topology.ranks_per_node}}},
          {"model", plan.model}, {"dtype", plan.dtype ? Json(name(*plan.dtype)) : Json(nullptr)},
          {"fill", plan.fill}, {"backend", plan.backend}, {"device", plan.device},
          {"attention", plan.attention}, {"seed", plan.seed}, {"expect", expected}};
}

std::string line_of(const CaseResult& result) {
  Json json = plan_of(result.plan);
  json.update(JsonWriter::encode(result));
  return dumped(json);
}

class LineReporter : public Reporter {
 public:
  explicit LineReporter(std::ostream& out) : out_(out) {}
  void add(const CaseResult& result) override { out_ << line_of(result) << std::endl; }
  Result<void> end(const RunSummary&) override {
    if (!out_) return fail("cannot write all results");
    return {};
  }

 private:
  std::ostream& out_;
};

class JsonReporter : public Reporter {
 public:
  explicit JsonReporter(OutputFile file) : file_(std::move(file)) {
    file_.write(fmt::format("{{\n\"schema_version\": {},\n\"cases\": [", kSchemaVersion));
  }

  void add(const CaseResult& result) override {
    file_.write(first_ ? "\n" : ",\n");
    first_ = false;
    file_.write(line_of(result));
    file_.flush();
  }

  Result<void> end(const RunSummary& summary) override {
    const Json json = {{"passed", summary.passed}, {"failed", summary.failed},
                       {"skipped", summary.skipped}, {"errors", summary.errors},
                       {"seconds", summary.seconds}};
    file_.write(fmt::format("\n],\n\"summary\": {}\n}}\n", dumped(json)));
    return file_.finish();
  }

 private:
  OutputFile file_;
  bool first_ = true;
};

}  // namespace

Result<std::unique_ptr<Reporter>> make_json(const ReporterOptions& options) {
  auto file = OutputFile::create(options.json);
  if (!file) return tl::make_unexpected(file.error());
  return std::make_unique<JsonReporter>(std::move(*file));
}

Result<std::unique_ptr<Reporter>> make_lines(const ReporterOptions& options) {
  return std::make_unique<LineReporter>(*options.lines);
}

std::string memory_json(const Case& plan, const Observation& seen) {
  Json json = plan_of(plan);
  json.erase("expect");
  json["steps"] = JsonWriter::encode(seen.steps);
  json["peaks"] = JsonWriter::encode(seen.peaks);
  json["memory"] = JsonWriter::encode(seen.memory);
  return dumped(json);
}

Result<CaseResult> read_json_line(std::string_view line, const Case& plan) {
  try {
    const Json json = Json::parse(line);
    if (json.at("id") != plan.id)
      return fail(fmt::format("case {} instead of {}", json.at("id").dump(), plan.id));
    CaseResult result;
    JsonReader::decode(json, result);
    result.plan = plan;
    return result;
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace loadproof::harness
