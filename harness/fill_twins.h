// Cases that differ in the fill alone must agree on what is defined.
//
// What must not reach sampling is settled by where bytes came from and by whether they matter,
// never by what they happen to be: a verdict of `defined` that changes with the fill is a defect of
// this program.
#pragma once

#include <map>
#include <string>

#include "harness/reporters/reporter.h"

namespace loadproof::harness {

class FillTwins {
 public:
  // Compares with the first twin seen; a difference becomes a surprise and fails the case.
  void check(CaseResult& result);

 private:
  struct Seen {
    std::string fill;
    Verdict verdict;
  };
  std::map<std::string, Seen> seen_;  // by the id without the fill
};

}  // namespace loadproof::harness
