// A job: as many processes of this program as there are ranks, each of which runs its own rank of
// every case.
//
// Rank 0 decides what is run: its run() calls all ranks to a case, holds their rendezvous on a
// thread of its own for as long as the case takes, and puts together what all have seen. The others
// wait in next() for what is wanted. Bytes move over Gloo, or over NCCL where a case asks for that.
// What a run shows is what it shows in one process, but for the fingerprint, which is made of those
// of all ranks. Used by one thread; torch-free.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sim/observation.h"
#include "sim/procs/at_moment.h"
#include "sim/result.h"
#include "sim/world.h"

namespace loadproof::sim {

struct Ending {
  int rank = 0;
  std::string how;  // "was killed by signal 9 (Killed)"
};

struct JobPlace {
  int rank = 0;
  int ranks = 1;
  int local_rank = 0;                 // on its host: the index of its GPU, if it needs one
  std::string address = "127.0.0.1";  // of rank 0
  uint16_t port = 29500;              // of the store at which ranks find each other
  bool serves_store = true;           // rank 0 opens the store; false: somebody else has
  std::chrono::milliseconds patience{60'000};
  // Called on another thread where this process cannot go on: rank 0 is gone or stopped, or hangs,
  // and this is it. Not meant to return.
  std::function<void(const std::string&)> cannot_go_on = {};
  // In rank 0, where its launcher says so: who has ended badly by now. Asked while ranks come.
  std::function<std::optional<Ending>()> first_ended = {};
  // In rank 0, and asked then, too: why it is not to wait for those who have not come; "": it is.
  std::function<std::string()> told_to_end = {};
  AtMoment at_moment = {};  // of this rank's steps
};

// How an observation travels.
struct ObservationText {
  std::function<std::string(const Observation&)> write;
  std::function<Result<Observation>(std::string_view)> read;
};

class Job {
 public:
  virtual ~Job() = default;
  // Once all ranks have come. An error names those that have not, after `patience`.
  static Result<std::unique_ptr<Job>> join(const JobPlace& place, ObservationText text);

  virtual int rank() const = 0;
  virtual int ranks() const = 0;

  // ---- rank 0 ----
  // REQUIRES: the world has at most as many ranks as the job; the first ones run it. `number` and
  // `id` tell the others which case of the plan it is. Errors are those of Session::run(), of every
  // rank, and that a rank is lost.
  virtual Result<Observation> run(Session& session, const WorldSpec& spec, int64_t number,
                                  const std::string& id) = 0;
  // Why nothing can be run any more; "": it can.
  virtual const std::string& broken() const = 0;
  // Lets the others go.
  virtual void end() = 0;

  // ---- the others ----
  struct Order {
    int64_t number = 0;
    std::string id;
  };
  // Nothing: there is no more. An error: rank 0 is gone.
  virtual Result<std::optional<Order>> next() = 0;
  virtual void take_part(Session& session, const WorldSpec& spec) = 0;
  // In place of taking part: this rank does not have that case.
  virtual void refuse(const std::string& why) = 0;
};

}  // namespace loadproof::sim
