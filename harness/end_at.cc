#include "harness/end_at.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <vector>

namespace loadproof::harness {
namespace {

constexpr const char* kVariable = "LOADPROOF_END_AT";

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t end = 0; end != text.npos; text.remove_prefix(end + 1)) {
    end = text.find(':');
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) break;
  }
  return parts;
}

}  // namespace

Result<std::optional<EndAt>> read_end_at(const Environment& environment) {
  const auto text = environment(kVariable);
  if (!text) return std::nullopt;
  std::vector<std::string> parts = split(*text);
  EndAt end;
  const std::string& rank = parts[0];
  const auto [read, error] = std::from_chars(rank.data(), rank.data() + rank.size(), end.rank);
  bool good = error == std::errc() && read == rank.data() + rank.size() && end.rank >= 0;
  if (parts.size() > 1 && (parts.back() == "stop" || parts.back() == "hang")) {
    end.how = parts.back() == "stop" ? EndAt::How::kStops : EndAt::How::kHangs;
    parts.pop_back();
  }
  if (parts.size() > 1) end.step = parts[1];
  if (parts.size() > 2) {
    end.moment = parts[2];
    good = good && (end.moment == "waiting" || end.moment == "moving" || end.moment == "moved");
  }
  if (!good || parts.size() > 3)
    return fail(fmt::format(
        "{} is '{}', and must be RANK[:STEP[:waiting|moving|moved]][:stop|:hang]", kVariable,
        *text));
  return end;
}

void end_where(const std::optional<EndAt>& end, int rank, std::string_view step,
               std::string_view moment) {
  if (!end || end->rank != rank || end->step != step || end->moment != moment) return;
  if (end->how == EndAt::How::kDies) kill(getpid(), SIGKILL);
  if (end->how == EndAt::How::kStops) kill(getpid(), SIGSTOP);
  while (end->how == EndAt::How::kHangs) pause();
}

}  // namespace loadproof::harness
