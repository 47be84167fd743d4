// Rules of the source tree that no compiler holds. Each message names the fix.
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

constexpr size_t kLinesMax = 400;
constexpr size_t kColumnsMax = 100;

struct Source {
  std::string path;  // from the project's root
  std::vector<std::string> lines;

  bool is_header() const { return path.ends_with(".h"); }
  bool is_below(std::string_view folder) const { return path.starts_with(folder); }
};

Source read_source(const fs::path& root, const fs::path& file) {
  Source source{fs::relative(file, root).string(), {}};
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) source.lines.push_back(line);
  return source;
}

const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    const std::set<std::string> kinds = {".cc", ".h", ".inc"};
    const fs::path root = LOADPROOF_SOURCE_DIR;
    std::vector<Source> found;
    for (const char* folder : {"sim", "harness", "tests", "bench"})
      for (const auto& entry : fs::recursive_directory_iterator(root / folder))
        if (kinds.contains(entry.path().extension().string()))
          found.push_back(read_source(root, entry.path()));
    std::ranges::sort(found, {}, &Source::path);
    return found;
  }();
  return all;
}

std::vector<std::string> includes(const Source& source) {
  static const std::regex include(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<std::string> found;
  for (const std::string& line : source.lines)
    if (std::smatch match; line.find('#') != line.npos && std::regex_search(line, match, include))
      found.push_back(match[1]);
  return found;
}

// Who may include a header whose path begins so. A place is a folder, ending with "/", or a file.
struct IncludeRule {
  std::vector<std::string_view> headers;
  std::vector<std::string_view> allowed;
};

const std::vector<IncludeRule>& include_rules() {
  static const std::vector<IncludeRule> rules = {
      // The world knows nothing of files, oracles and reports.
      {{"harness/"}, {"harness/", "tests/harness/", "tests/fuzz/", "bench/"}},
      {{"harness/cli/"}, {"harness/cli/", "tests/harness/"}},
      {{"tests/"}, {"tests/", "bench/"}},
      // The front end sees plain values of the world, never a tensor.
      {{"torch/", "ATen/", "c10/"}, {"sim/", "tests/sim/", "bench/"}},
      {{"gloo/", "torch/csrc/distributed/"}, {"sim/backends/", "tests/sim/backends/"}},
      {{"sim/backends/gloo_"}, {"sim/backends/gloo"}},
      // What needs CUDA to compile and to load is a library of its own.
      {{"sim/backends/nccl/", "sim/cuda/", "ATen/cuda/", "c10/cuda/", "cuda", "nccl.h", "nvrtc.h"},
       {"sim/backends/nccl/", "sim/cuda/", "tests/sim/cuda/"}},
      {{"yaml-cpp/"}, {"harness/yaml.cc"}},
      {{"nlohmann/"},
       {"sim/checkpoint/", "sim/models/config", "sim/procs/", "sim/store_state.cc",
        "harness/schema.cc", "harness/reporters/json", "harness/doctor_json.cc", "tests/",
        "bench/"}},
      {{"CLI/"}, {"harness/cli/"}},
      {{"gtest/", "gmock/"}, {"tests/"}},
      {{"benchmark/"}, {"bench/"}},
  };
  return rules;
}

bool begins_with_any(std::string_view text, const std::vector<std::string_view>& beginnings) {
  return std::ranges::any_of(beginnings,
                             [&](std::string_view one) { return text.starts_with(one); });
}

std::vector<std::string> forbidden_includes(const Source& source) {
  std::vector<std::string> found;
  for (const std::string& header : includes(source))
    for (const IncludeRule& rule : include_rules())
      if (begins_with_any(header, rule.headers) && !begins_with_any(source.path, rule.allowed))
        found.push_back(source.path + " may not include " + header +
                        ": see include_rules() in tests/tidy_test.cc");
  return found;
}

// The light ones; the others cost each file that includes them seconds. What the files that include
// c10d share among themselves stays there.
std::vector<std::string> heavy_headers(const Source& source) {
  static const std::set<std::string> light = {"ATen/core/Tensor.h", "ATen/core/Generator.h",
                                              "c10/core/Allocator.h", "c10/core/ScalarType.h"};
  std::vector<std::string> found;
  const bool of_c10d =
      source.is_below("sim/backends/gloo_") || source.path == "sim/backends/caught.h";
  if (!source.is_header() || source.is_below("tests/") || of_c10d) return found;
  for (const std::string& header : includes(source))
    if (begins_with_any(header, {"torch/", "ATen/", "c10/", "gloo/"}) && !light.contains(header))
      found.push_back(source.path + " includes " + header + ": only .cc files may");
  return found;
}

// From the project's root, so that a search for a header's path finds who includes it.
std::vector<std::string> dead_includes(const Source& source) {
  const fs::path root = LOADPROOF_SOURCE_DIR;
  std::vector<std::string> found;
  for (const std::string& line : source.lines) {
    if (!line.starts_with("#include \"")) continue;
    const std::string header = line.substr(10, line.rfind('"') - 10);
    if (!fs::exists(root / header))
      found.push_back(source.path + " includes \"" + header +
                      "\", which is no path from the project's root");
  }
  return found;
}

// So that each header is compiled with nothing before it; for those without a .cc of their name,
// tests/CMakeLists.txt makes one.
std::vector<std::string> own_header_first(const Source& source) {
  if (!source.path.ends_with(".cc") || source.is_below("tests/")) return {};
  const std::string header = source.path.substr(0, source.path.size() - 3) + ".h";
  const std::vector<std::string> all = includes(source);
  if (std::ranges::find(all, header) == all.end() || all.front() == header) return {};
  return {source.path + " must include " + header + " first: it proves that it compiles alone"};
}

std::vector<std::string> header_form(const Source& source) {
  std::vector<std::string> found;
  if (!source.is_header()) return found;
  if (source.lines.empty() || !source.lines.front().starts_with("// "))
    found.push_back(source.path + " does not open with a comment that says what it is");
  if (std::ranges::count(source.lines, std::string("#pragma once")) != 1)
    found.push_back(source.path + " has no #pragma once");
  return found;
}

// Characters, not bytes.
size_t columns(const std::string& line) {
  return static_cast<size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Follows raw string literals, whose text is as wide as what it is compared with.
class RawText {
 public:
  // Whether any of the line is within one.
  bool holds(std::string_view line) {
    const bool was_inside = inside_;
    for (size_t at = 0; at < line.size(); ++at) {
      const std::string_view rest = line.substr(at);
      if (!inside_ && rest.starts_with("R\"(")) inside_ = touched_ = true;
      if (inside_ && rest.starts_with(")\"")) inside_ = false;
    }
    return was_inside || std::exchange(touched_, false);
  }

 private:
  bool inside_ = false;
  bool touched_ = false;
};

std::vector<std::string> sizes(const Source& source) {
  std::vector<std::string> found;
  if (source.lines.size() > kLinesMax)
    found.push_back(source.path + " has " + std::to_string(source.lines.size()) +
                    " lines: split it by what it is about");
  RawText raw;
  for (size_t i = 0; i < source.lines.size(); ++i)
    if (!raw.holds(source.lines[i]) && columns(source.lines[i]) > kColumnsMax)
      found.push_back(source.path + ":" + std::to_string(i + 1) + " is longer than " +
                      std::to_string(kColumnsMax) + " columns: clang-format -i " + source.path);
  return found;
}

bool has_word(std::string_view line, std::string_view word) {
  const auto is_part = [](char c) {
    return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  for (size_t at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_part(line[at - 1])) && (end == line.size() || !is_part(line[end])))
      return true;
  }
  return false;
}

// In two pieces, so that this file does not hold them.
std::vector<std::string> left_overs(const Source& source) {
  std::vector<std::string> found;
  const auto tell = [&](size_t line, const std::string& word) {
    found.push_back(source.path + ":" + std::to_string(line + 1) + " says " + word +
                    ": do it, or say why it need not be done");
  };
  for (size_t i = 0; i < source.lines.size(); ++i) {
    for (const char* word : {"FIX"
                             "ME",
                             "TO"
                             "DO",
                             "XX"
                             "X"})
      if (has_word(source.lines[i], word)) tell(i, word);
    if (source.lines[i].find("DISABLED"
                             "_") != std::string::npos)
      tell(i,
           "DISABLED"
           "_");
  }
  return found;
}

std::vector<std::string> white_space(const Source& source) {
  std::vector<std::string> found;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    const std::string& line = source.lines[i];
    if (line.find_first_of("\t\r") != std::string::npos || line.ends_with(' '))
      found.push_back(source.path + ":" + std::to_string(i + 1) +
                      " has a tab or spaces at its end: clang-format -i " + source.path);
  }
  return found;
}

using Rule = std::vector<std::string> (*)(const Source&);

std::vector<std::string> offences(Rule rule) {
  std::vector<std::string> all;
  for (const Source& source : sources())
    for (std::string& one : rule(source)) all.push_back(std::move(one));
  return all;
}

std::vector<std::string> offences_of(Rule rule, const std::string& path,
                                     const std::vector<std::string>& lines) {
  return rule({path, lines});
}

TEST(Tidy, SeesTheWholeTree) {
  EXPECT_GT(sources().size(), 100u);
  for (const char* folder : {"sim/steps/", "harness/oracles/", "tests/sim/", "bench/"})
    EXPECT_TRUE(std::ranges::any_of(sources(), [&](const Source& s) { return s.is_below(folder); }))
        << folder;
}

TEST(Tidy, IncludesGoOneWay) { EXPECT_THAT(offences(forbidden_includes), IsEmpty()); }

TEST(Tidy, HeadersAreLight) { EXPECT_THAT(offences(heavy_headers), IsEmpty()); }

TEST(Tidy, IncludesAreWrittenFromTheRoot) { EXPECT_THAT(offences(dead_includes), IsEmpty()); }

TEST(Tidy, FilesIncludeTheirOwnHeaderFirst) { EXPECT_THAT(offences(own_header_first), IsEmpty()); }

TEST(Tidy, HeadersOpenWithAComment) { EXPECT_THAT(offences(header_form), IsEmpty()); }

TEST(Tidy, FilesAndLinesAreShort) { EXPECT_THAT(offences(sizes), IsEmpty()); }

TEST(Tidy, NothingIsLeftForLater) { EXPECT_THAT(offences(left_overs), IsEmpty()); }

TEST(Tidy, NoTabsAndNoSpacesAtLineEnds) { EXPECT_THAT(offences(white_space), IsEmpty()); }

TEST(Tidy, CatchesAWorldThatKnowsOfTheHarness) {
  EXPECT_EQ(offences_of(forbidden_includes, "sim/world.cc", {"#include \"harness/case.h\""}).size(),
            1u);
  EXPECT_EQ(offences_of(forbidden_includes, "harness/judge.cc", {"#include <ATen/ATen.h>"}).size(),
            1u);
  EXPECT_EQ(
      offences_of(forbidden_includes, "harness/axes.cc", {"#include <yaml-cpp/yaml.h>"}).size(),
      1u);
  EXPECT_THAT(offences_of(forbidden_includes, "harness/yaml.cc", {"#include <yaml-cpp/yaml.h>"}),
              IsEmpty());
}

TEST(Tidy, CatchesHeavyHeadersAndMissingComments) {
  EXPECT_EQ(offences_of(heavy_headers, "sim/a.h", {"#include <ATen/ATen.h>"}).size(), 1u);
  EXPECT_THAT(offences_of(heavy_headers, "sim/a.cc", {"#include <ATen/ATen.h>"}), IsEmpty());
  EXPECT_EQ(offences_of(header_form, "sim/a.h", {"#include <map>"}).size(), 2u);
  EXPECT_EQ(
      offences_of(own_header_first, "sim/a.cc", {"#include <map>", "#include \"sim/a.h\""}).size(),
      1u);
  EXPECT_EQ(offences_of(dead_includes, "sim/a.cc", {"#include \"world.h\""}).size(), 1u);
}

TEST(Tidy, CatchesLongFilesLongLinesAndLeftOvers) {
  const std::string wide(kColumnsMax + 1, 'x');
  EXPECT_EQ(offences_of(sizes, "sim/a.cc", {wide}).size(), 1u);
  EXPECT_EQ(offences_of(sizes, "sim/a.cc", std::vector<std::string>(kLinesMax + 1)).size(), 1u);
  EXPECT_THAT(offences_of(sizes, "sim/a.cc", {"f(R\"(a", wide, ")\");"}), IsEmpty());
  EXPECT_EQ(offences_of(sizes, "sim/a.cc", {"f(R\"(a", ")\");", wide}).size(), 1u);
  EXPECT_EQ(offences_of(left_overs, "sim/a.cc",
                        {"// TO"
                         "DO later"})
                .size(),
            1u);
  EXPECT_EQ(offences_of(white_space, "sim/a.cc", {"\tint a;", "int b; ", "int c;"}).size(), 2u);
}

}  // namespace
