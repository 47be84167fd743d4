#include "harness/replay.h"

#include <fmt/format.h>

#include <cctype>

namespace loadproof::harness {

std::string shell_word(std::string_view text) {
  bool plain = !text.empty();
  for (char c : text)
    plain = plain && (std::isalnum(static_cast<unsigned char>(c)) ||
                      std::string_view("_-./=,:+@%").find(c) != std::string_view::npos);
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

std::string replay_line(const Case& plan, const std::vector<std::string>& overrides) {
  std::string line = "loadproof run " + shell_word(plan.scenario);
  std::string only;
  // Fill, backend, device and seed are given as options, whether or not an axis sweeps them.
  for (const auto& [axis, value] : plan.axes)
    if (axis != "fill" && axis != "backend" && axis != "device" && axis != "seed")
      only += fmt::format("{}{}={}", only.empty() ? "" : ",", axis, value);
  if (!only.empty()) line += " --only " + shell_word(only);
  for (const std::string& word : overrides) line += " " + shell_word(word);
  line += fmt::format(" --fill {} --backend {} --seed {}", shell_word(plan.fill),
                      shell_word(plan.backend), plan.seed);
  if (plan.device != "cpu") line += " --device " + shell_word(plan.device);
  return line;
}

}  // namespace loadproof::harness
