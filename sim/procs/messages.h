// What the processes of a job tell each other, as texts: a line of JSON, and after it what a
// message carries for another.
//
// Pure functions from values to text and back; an error says what in a text is none. From a rank to
// the coordinator (sim/procs/coordinator.h):
//   hello    which rank and process this is    moves, moved   see Peers::tell_moving
//   turn     what it did, and that it waits    given          states, for other ranks
//   step     it begins the step `text`         waits          and has nothing new to say
//   failed   it can run this case no further: why; nothing where it was stopped
//   seen     what it observed                  ready          it could go on, see go
// and back:
//   case     run this one            meet    these calls meet      over   nothing meets any more
//   given    as another sent it      stop    end this case; why    end    no more cases
//   go       it is this one's turn, and which stores others have changed
//   welcome  all have come; the address of rank 0's host, and its process
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/peers.h"

namespace loadproof::sim {

struct Message {
  std::string kind;
  int64_t run = -1;        // of all that belongs to one run of one case: its number
  int rank = -1;           // who says it; of `given`: whose bytes these are
  int64_t number = -1;     // of the meeting; of `case`: its place in the plan
  std::vector<int> to;     // of `given`
  std::string text;        // of failed and stop: why; of case: its id
  std::string body;        // of turn, meet, given, go and seen; of case: the shared folder
};
std::string write_message(const Message& message);
Result<Message> read_message(std::string_view frame);

std::string write_turn(const Turn& turn);
// Tensors of calls are sizes alone, on meta.
Result<Turn> read_turn(std::string_view text);

std::string write_news(const std::vector<StoreNews>& news);
Result<std::vector<StoreNews>> read_news(std::string_view text);

// Of each meeting what its members must know: the calls, who gives, whether it moves and whom it
// aborts. The group of a channel is -1.
std::string write_meetings(const std::vector<const Meeting*>& meetings);
Result<std::vector<Meeting>> read_meetings(std::string_view text);

// With the histories of all origins; reading adds them to the table.
std::string write_given(const Given& given, const OriginTable& origins);
Result<Given> read_given(std::string_view text, OriginTable& origins);

}  // namespace loadproof::sim
