// The reporters' makers, for the table in reporters.cc. Everybody else asks make_reporters().
#pragma once

#include "harness/reporters/reporters.h"

namespace loadproof::harness {

Result<std::unique_ptr<Reporter>> make_console(const ReporterOptions& options);
Result<std::unique_ptr<Reporter>> make_json(const ReporterOptions& options);
Result<std::unique_ptr<Reporter>> make_lines(const ReporterOptions& options);
Result<std::unique_ptr<Reporter>> make_junit(const ReporterOptions& options);
Result<std::unique_ptr<Reporter>> make_annotations(const ReporterOptions& options);

}  // namespace loadproof::harness
