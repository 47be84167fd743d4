// Which tensors of a rank: an expression over kinds, names, flags and the states of the moment.
//
//   all · param · buffer · runtime_buffer · scratch · file · tied · it         what a tensor is
//   meta · undefined · placeholder · random · computed · loaded · tainted      what its bytes are
//   received · derived                                                          how they came last
//   model.layers.*.weight · lm_head.weight        names, * and ? as in a shell
//   module(*RMSNorm)                              type of the owning module, * and ? too
//   stored(cache)                                 what a store has now, under its own name
//   initialised                                   a flag that some `mark` of the scenario sets
//   !x · x & y · x | y · (x)                      set algebra
//   param[:50%] · param[2:4] · param[-1]          a slice in declared order
//
// `param` gives each parameter once, like torch's named_parameters(): a tied name is not repeated.
// A state word holds when any byte of the tensor is in that state at the end of its chain;
// `received` and `derived`, which never end a chain, look at the last event instead.
// A Selector is a value without a rank; resolve() in sim/rank.h evaluates it.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/checkpoint/pattern.h"
#include "sim/result.h"
#include "sim/state.h"

namespace loadproof {

class Selector {
 public:
  enum class Op : uint8_t {
    kAll,
    kParameter,
    kBuffer,
    kRuntimeBuffer,
    kScratch,
    kFile,
    kTied,
    kIt,
    kState,
    kSuspect,
    kNan,
    kInf,
    kZero,
    kPositive,
    kEmpty,
    kFloating,
    kEqual,
    kName,
    kModule,
    kStored,
    kFlag,
    kNot,
    kAnd,
    kOr,
    kSlice,
  };
  struct Node {
    Op op = Op::kAll;
    StateKind state = StateKind::kMeta;
    std::string text = {};       // pattern, store, flag, or of kEqual another tensor's name
    int64_t begin = 0, end = 0;  // kSlice: of `left`, from its end if negative, as in Python
    bool begin_percent = false, end_percent = false, has_begin = false, has_end = false;
    int left = -1, right = -1;  // indices into nodes()
    int column = 0;             // of a leaf in the text, from 1
  };

  Selector() = default;
  // Words that are no keyword are flags when `flags` has them, else name patterns. An error tells
  // the column (from 1) in the text: "column 4: …".
  static Result<Selector> parse(std::string_view text, const std::set<std::string>& flags);
  const std::string& text() const { return text_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  int root() const { return root_; }
  bool empty() const { return root_ < 0; }
  // The name patterns in it, so that a reader can be told of one that no tensor has.
  std::vector<std::string> name_patterns() const;
  bool mentions(Op op) const;
  // Whether it asks for names, kinds, `file` and ties alone, which no step changes.
  bool is_static() const;
  // What stands between the `|` of it, or of the list that it was, from left to right.
  std::vector<Selector> alternatives() const;
  bool operator==(const Selector& other) const { return text_ == other.text_; }

 private:
  friend class SelectorParser;
  std::string text_;
  std::vector<Node> nodes_;
  int root_ = -1;
};

// The keywords above, in that order, with a sentence each; for references, schema and near misses.
struct SelectorWord {
  std::string_view word, about;
};
std::span<const SelectorWord> selector_words();

// Of what a selection has chosen, by position, what a kSlice node keeps.
std::vector<bool> slice_of(const Selector::Node& node, std::vector<bool> chosen);

}  // namespace loadproof
