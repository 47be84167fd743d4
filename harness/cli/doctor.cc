// loadproof doctor: what this machine can do, and what to do about the rest.
#include "harness/doctor.h"

#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/reporters/output_file.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Every backend is tried: its ranks meet, and one broadcasts a tensor to the others. Every device is
tried: memory that nobody wrote must be the fill there. "no" is what this machine cannot do, "warn" what
may surprise; the line below says what to do.

Exit code: 0 the backends that need no GPU work, 1 one of them does not, 2 bad input.

Examples:
  loadproof doctor
  loadproof doctor --json machine.json              all of it, for programs)";

Machine look() {
  Machine machine;
  machine.host = sim::look_at_host();
  machine.cuda = sim::look_at_cuda();
  machine.backends = sim::try_backends(machine.cuda.devices.size());
  machine.devices = sim::try_devices();
  machine.launch = sim::launch_variables(environ);
  return machine;
}

int doctor(const std::string& json) {
  std::optional<OutputFile> file;
  if (!json.empty()) {
    auto created = OutputFile::create(json);
    if (!created) return bad_input(created.error().message);
    file = std::move(*created);
  }
  const Machine machine = look();
  print_out("{}", doctor_text(findings(machine)));
  if (file) {
    file->write(doctor_json(machine));
    if (auto written = file->finish(); !written) return bad_input(written.error().message);
  }
  return cpu_backends_work(machine) ? kAsExpected : kNotAsExpected;
}

}  // namespace

void add_doctor(CLI::App& program, int& exit_code) {
  auto json = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand("doctor", "Say what this machine can do");
  command->footer(kFooter);
  command->add_option("--json", *json, "All of it, for programs")->type_name("FILE");
  command->callback([json, &exit_code] { exit_code = doctor(*json); });
}

}  // namespace loadproof::harness
