#include "sim/backends/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "sim/backends/call_text.h"
#include "sim/check.h"

namespace loadproof::sim {
namespace {

// Where members have tensors of their own sizes by right, sizes are compared piece by piece.
bool in_pieces(const Call& call) {
  return call.op == Collective::kScatter || call.op == Collective::kGather ||
         call.op == Collective::kAllGather;
}

bool lenient(const Call& a, const Call& b) { return a.match_bytes && b.match_bytes; }

bool fit(const Call& a, const Call& b) { return a.truncates && b.truncates; }

bool reduces(const Call& call) { return call.op == Collective::kAllReduce; }

// One way in which a member can differ from its reference.
struct Difference {
  std::string_view kind;
  bool fatal;
  std::string_view outcome;
  bool (*differs)(const Call& reference, const Call& member);
};

// In order of gravity: of a member only the first that holds is told. The outcomes were recorded of
// torch 2.11 over Gloo. A reduction that differs is told as fatal although the real library goes on
// with a mixture of both.
constexpr Difference kDifferences[] = {
    {"op", true, "no member can go on",
     [](const Call& a, const Call& b) { return a.op != b.op || a.reduction != b.reduction; }},
    {"source", true, "no member can go on",
     [](const Call& a, const Call& b) { return a.source != b.source; }},
    {"size", false, "it gets as many bytes as it holds",
     [](const Call& a, const Call& b) {
       return a.op == Collective::kBroadcast && b.bytes < a.bytes && fit(a, b);
     }},
    {"size", true, "the one that holds fewer bytes is aborted",
     [](const Call& a, const Call& b) {
       return !in_pieces(a) && (b.bytes < a.bytes || (reduces(a) && b.bytes != a.bytes));
     }},
    {"size", false, "the tail of what it holds stays as it was",
     [](const Call& a, const Call& b) { return !in_pieces(a) && b.bytes > a.bytes; }},
    {"dtype", true, "the elements have another width, so no member can go on",
     [](const Call& a, const Call& b) {
       return reduces(a) && item_size(a.dtype) != item_size(b.dtype);
     }},
    {"dtype", false, "the bytes move and are read as another type",
     [](const Call& a, const Call& b) { return a.dtype != b.dtype && !lenient(a, b); }},
    {"name", false, "the bytes move and land under the other name",
     [](const Call& a, const Call& b) { return a.tensor != b.tensor && !lenient(a, b); }},
    {"shape", false, "the bytes move in order",
     [](const Call& a, const Call& b) {
       return !in_pieces(a) && a.shape != b.shape && !lenient(a, b);
     }},
};

const Difference* gravest(const Call& reference, const Call& member) {
  for (const Difference& difference : kDifferences)
    if (difference.differs(reference, member)) return &difference;
  return nullptr;
}

class Comparison {
 public:
  explicit Comparison(Meeting& meeting) : meeting_(meeting), source_(source_position()) {}

  void run() {
    if (!source_is_member()) return;
    const Call& reference = meeting_.calls[source_];
    for (const Call& call : meeting_.calls) {
      if (&call == &reference) continue;
      if (const Difference* difference = gravest(reference, call)) note(*difference, call);
    }
    if (meeting_.moves && in_pieces(reference)) compare_pieces();
    tell_differences();
    if (meeting_.moves) meeting_.transfer = transfer_of(meeting_.calls, source_);
  }

 private:
  // Of the source, or else of the first member.
  size_t source_position() const {
    const std::vector<Call>& calls = meeting_.calls;
    if (calls[0].source == -1 || calls[0].source == calls[0].rank) return 0;
    const auto found = std::find_if(calls.begin(), calls.end(), [&](const Call& call) {
      return call.rank == calls[0].source;
    });
    return found == calls.end() ? 0 : static_cast<size_t>(found - calls.begin());
  }

  bool source_is_member() {
    const Call& first = meeting_.calls[0];
    const Call& found = meeting_.calls[source_];
    SIM_CHECK(first.op != Collective::kSend || (meeting_.calls.size() == 2 && source_ == 0),
              "a send is between two members, of which the first gives");
    if (first.source == -1 || first.source == found.rank) return true;
    Mismatch mismatch{"member", true, "", {}, {first.tensor}, first.step};
    for (const Call& call : meeting_.calls)
      if (call.source == first.source) mismatch.ranks.push_back(call.rank);
    mismatch.text = fmt::format("the source is no member of the group: {} {}: no member can go on",
                                in_words(mismatch.ranks), call_in_words(first));
    meeting_.mismatches.push_back(std::move(mismatch));
    meeting_.moves = false;
    return false;
  }

  void note(const Difference& difference, const Call& call) {
    const std::pair key(&difference - kDifferences, std::string_view(call.tensor));
    const auto [known, is_new] = noted_.emplace(key, meeting_.mismatches.size());
    if (is_new) {
      meeting_.mismatches.push_back({std::string(difference.kind), difference.fatal, "", {},
                                     {call.tensor}, call.step});
      told_.emplace_back(&difference, &call);
    }
    meeting_.mismatches[known->second].ranks.push_back(call.rank);
    if (!difference.fatal) return;
    meeting_.moves = false;
    if (difference.kind == "size") abort_smaller(call);
  }

  // Of the reference and this member, the one that holds fewer bytes than arrive.
  void abort_smaller(const Call& call) {
    const Call& reference = meeting_.calls[source_];
    add_aborted(call.bytes < reference.bytes ? call.rank : reference.rank);
  }

  void add_aborted(int rank) {
    if (aborted_.insert(rank).second) meeting_.aborted.push_back(rank);
  }

  // The texts come last, when it is known of how many ranks each speaks.
  void tell_differences() {
    const Call& reference = meeting_.calls[source_];
    for (size_t i = 0; i < told_.size(); ++i) {
      const auto& [difference, call] = told_[i];
      Mismatch& mismatch = meeting_.mismatches[i];
      mismatch.text = fmt::format("members disagree on the {}: rank {} {}; {} {}: {}",
                                  difference->kind, reference.rank, call_in_words(reference),
                                  in_words(mismatch.ranks), call_in_words(*call),
                                  difference->outcome);
    }
  }

  // Group order need not be ascending.
  static std::string in_words(std::vector<int> ranks) {
    std::sort(ranks.begin(), ranks.end());
    return ranks_in_words(ranks);
  }

  void compare_pieces() {
    std::vector<Call>& calls = meeting_.calls;
    const Call& source = calls[source_];
    for (size_t i = 0; i < calls.size(); ++i) {
      if (source.op == Collective::kScatter) compare_piece(source, i, calls[i], 0);
      if (source.op == Collective::kGather) compare_piece(calls[i], 0, source, i);
      if (source.op != Collective::kAllGather) continue;
      for (const Call& receiver : calls) compare_piece(calls[i], 0, receiver, i);
    }
  }

  // Calls that carry no tensors say nothing about the sizes of their pieces.
  void compare_piece(const Call& giver, size_t from, const Call& receiver, size_t to) {
    if (from >= giver.in.size() || to >= receiver.out.size()) return;
    const size_t given = giver.in[from].nbytes();
    const size_t held = receiver.out[to].nbytes();
    if (given == held) return;
    const bool fatal = given > held;
    meeting_.mismatches.push_back(
        {"size", fatal,
         fmt::format("members disagree on the size of a piece: rank {} {}, gives {} bytes; rank {} "
                     "{}, holds {}: {}",
                     giver.rank, call_in_words(giver), given, receiver.rank,
                     call_in_words(receiver), held,
                     fatal ? "it is aborted" : "the tail of what it holds stays as it was"),
         {receiver.rank},
         {receiver.tensor},
         receiver.step});
    if (!fatal) return;
    meeting_.moves = false;
    add_aborted(receiver.rank);
  }

  Meeting& meeting_;
  size_t source_;
  std::map<std::pair<std::ptrdiff_t, std::string_view>, size_t> noted_;  // index of its mismatch
  std::vector<std::pair<const Difference*, const Call*>> told_;          // by index of the mismatch
  std::set<int> aborted_;                                                // as in the meeting
};

}  // namespace

Transfer transfer_of(const std::vector<Call>& calls, size_t source) {
  Transfer transfer{.op = calls[source].op,
                    .source = static_cast<int>(source),
                    .reduction = calls[source].reduction,
                    .members = {}};
  transfer.members.reserve(calls.size());
  for (const Call& call : calls) transfer.members.push_back({call.rank, call.in, call.out});
  return transfer;
}

void compare(Meeting& meeting) { Comparison(meeting).run(); }

}  // namespace loadproof::sim
