// What the oracles share: which ranks are judged and where, who should have written what, and the
// verdict's sentence.
//
// Pure functions over an Observation; what they return points into it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/oracles/oracle.h"

namespace loadproof::harness {

struct Judged {
  const RankObservation* rank = nullptr;
  const Point* point = nullptr;
};

// By rank. A rank that raised, was aborted or waits for ever is judged only by what sampling had
// read before, or at the point that is asked for by name.
struct JudgedRanks {
  std::vector<Judged> ranks;
  std::string left_out;  // why the others are not judged; empty: all are
};
JudgedRanks judged_ranks(const Observation& seen, std::string_view at);

// The same rank at what its sampling read before, from the latest to the first: a good sample does
// not undo a bad one. Empty: it is judged at a point that was asked for, or at the end.
std::vector<Judged> earlier_samples(const Judged& judged, std::string_view at);

// What was read and drawn at the judged point; empty where it is no `sample` step.
std::vector<const Generation*> generations_at(const Judged& judged);

// Whether somebody reads the tensor at the end: scratch memory is the loader's own.
inline bool is_judged(const TensorObservation& tensor) {
  return tensor.kind != TensorKind::kScratch;
}

const TensorObservation* find_tensor(const Point& point, std::string_view name);

// Of these elements: the range that a reader should hear of first. nullptr: no states are known.
const StateRange* range_of(const TensorObservation& tensor, int64_t begin, int64_t end);

// Which step gave a tensor its content on other ranks while this one took no part in it.
class Blame {
 public:
  Blame(const Case& plan, const JudgedRanks& judged);
  // -1: no other rank has better content for these elements, or this one ran the step, too. A
  // collective goes before a read.
  int32_t step_for(int rank, const TensorObservation& tensor, int64_t begin, int64_t end) const;

 private:
  struct Source {
    int64_t begin, end;
    bool received;
    int32_t step;
    int root_rank;  // at which the chain ends
    bool operator==(const Source&) const = default;
  };
  const Case& plan_;
  std::vector<const Step*> steps_;  // by flat index
  std::map<std::string, std::vector<Source>, std::less<>> sources_;

  bool takes_part(int rank, int32_t step) const;
};

// A finding about elements in one state. Elements of `range` are told as they are; the caller adds
// kind and text.
Finding finding_of(const Judged& judged, const TensorObservation& tensor, const StateRange* range);
// A finding about a tensor as a whole.
Finding finding_of(const Judged& judged, const TensorObservation& tensor);

// Fails with findings; unknown where no rank was judged; else passes, with the sentence `passed`.
Verdict conclude(std::string_view oracle, const JudgedRanks& judged, std::vector<Finding> findings,
                 std::string_view passed);
// The same for oracles that judge the whole run.
Verdict conclude(std::string_view oracle, std::vector<Finding> findings, std::string_view passed);
Verdict unknown(std::string_view oracle, std::string reason);

}  // namespace loadproof::harness
