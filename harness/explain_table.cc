#include "harness/explain_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/explain.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kColumns = 100;    // of a line
constexpr size_t kMarksLeast = 16;  // of them the marks may take in any case
constexpr std::string_view kRuns = "x", kDoesNot = ".";

struct Row {
  std::string id, text, ranks;  // `id` with its depth
};

void add_rows(const std::vector<Step>& steps, size_t depth, std::vector<Row>& rows) {
  for (const Step& step : steps) {
    rows.push_back({std::string(2 * depth, ' ') + step.id, step_line(step), step.ranks.text()});
    add_rows(step.body, depth + 1, rows);
  }
}

// Whether the rank runs each step, by index: it and all around it are the rank's own.
void add_runs(const std::vector<Step>& steps, int rank, const Topology& topology, bool around,
              std::vector<bool>& runs) {
  for (const Step& step : steps) {
    const bool own = around && step.ranks.contains(rank, topology);
    runs.push_back(own);
    add_runs(step.body, rank, topology, own, runs);
  }
}

struct Group {
  std::vector<int> ranks;
  std::vector<bool> runs;
};

std::vector<Group> groups_of(const Case& plan) {
  std::vector<Group> groups;
  std::map<std::vector<bool>, size_t> by_runs;
  for (int rank = 0; rank < plan.topology.ranks(); ++rank) {
    std::vector<bool> runs;
    add_runs(plan.program.steps, rank, plan.topology, true, runs);
    const auto [found, is_new] = by_runs.emplace(runs, groups.size());
    if (is_new) groups.push_back({{}, std::move(runs)});
    groups[found->second].ranks.push_back(rank);
  }
  return groups;
}

std::vector<Row> rows_of(const Case& plan) {
  std::vector<Row> rows;
  add_rows(plan.program.steps, 0, rows);
  return rows;
}

// Of rows that are shown together.
struct Widths {
  size_t id = 0, text = 0;
  void take(const Row& row) {
    id = std::max(id, row.id.size());
    text = std::max(text, row.text.size());
  }
};

// `marks`: what stands between a step's name and what it does.
std::string line_of(size_t index, const Row& row, const Widths& widths, std::string_view marks) {
  const std::string begin = fmt::format("  {:3}  {:{}}  {}", index, row.id, widths.id, marks);
  if (row.ranks == "all") return fmt::format("{}{}\n", begin, row.text);
  return fmt::format("{}{:{}}  ranks: {}\n", begin, row.text, widths.text, row.ranks);
}

std::string list(const Group& group, const std::vector<Row>& rows) {
  Widths widths;
  for (size_t i = 0; i < rows.size(); ++i)
    if (group.runs[i]) widths.take(rows[i]);
  std::string text = fmt::format("\n{}\n", ranks_text(group.ranks));
  for (size_t i = 0; i < rows.size(); ++i)
    if (group.runs[i]) text += line_of(i, rows[i], widths, "");
  return std::ranges::find(group.runs, true) == group.runs.end() ? text + "  nothing\n" : text;
}

// "0", "1, 2", "3..7": without the word before them.
std::string column_head(const Group& group) {
  const std::string text = ranks_text(group.ranks);
  return text.substr(text.find(' ') + 1);
}

// The heads of all columns, or a step's marks below them.
template <typename Cell>
std::string cells(const std::vector<Group>& groups, Cell cell) {
  std::string text;
  for (const Group& group : groups)
    text += fmt::format("{:{}}  ", cell(group), column_head(group).size());
  return text;
}

std::string table(const std::vector<Group>& groups, const std::vector<Row>& rows,
                  const Widths& widths) {
  std::string head =
      fmt::format("       {:{}}  {}", "ranks", widths.id, cells(groups, column_head));
  head.erase(head.find_last_not_of(' ') + 1);
  std::string text = "\n" + head + "\n";
  for (size_t i = 0; i < rows.size(); ++i)
    text += line_of(i, rows[i], widths, cells(groups, [&](const Group& group) {
                      return group.runs[i] ? kRuns : kDoesNot;
                    }));
  return text;
}

// The widest line of a table, but for its marks.
size_t width_of(const std::vector<Row>& rows, const Widths& widths) {
  size_t width = 0;
  for (const Row& row : rows) {
    const std::string line = line_of(0, row, widths, "");
    width = std::max(width, line.size() - 1);
  }
  return width;
}

}  // namespace

std::string program_text(const Case& plan) {
  const std::vector<Row> rows = rows_of(plan);
  const std::vector<Group> groups = groups_of(plan);
  Widths widths{.id = std::string_view("ranks").size()};
  for (const Row& row : rows) widths.take(row);
  const size_t taken = std::min(width_of(rows, widths), kColumns);
  const size_t marks = cells(groups, column_head).size();
  if (marks <= std::max(kMarksLeast, kColumns - taken)) return table(groups, rows, widths);
  std::string text;
  for (const Group& group : groups) text += list(group, rows);
  return text;
}

}  // namespace loadproof::harness
