#include "sim/procs/job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "sim/backends/backend.h"
#include "sim/backends/call_text.h"
#include "sim/backends/job_store.h"
#include "sim/procs/coordinator.h"
#include "sim/procs/link.h"
#include "sim/procs/peer_process.h"
#include "sim/procs/pulse.h"
#include "sim/procs/rank_link.h"
#include "sim/stores.h"
#include "sim/temporary_folder.h"

namespace loadproof::sim {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kCoordinatorKey = "coordinator";
// So much later than rank 0 others give up, so that it tells who is missing.
constexpr std::chrono::milliseconds kAfterPatience{200};
// So long rank 0 may take to notice that its case is given up, once it has not been heard of.
constexpr std::chrono::milliseconds kToGiveUp{3000};
// What a rank comes for.
constexpr const char *kForMessages = "messages", *kForSigns = "signs of life";

class JobOfRank final : public Job {
 public:
  JobOfRank(JobPlace place, ObservationText text) : place_(place), text_(std::move(text)) {}
  JobOfRank(const JobOfRank&) = delete;
  JobOfRank& operator=(const JobOfRank&) = delete;
  // A transport whose peers are gone may wait for them: it is not closed.
  ~JobOfRank() override {
    if (broken_.empty()) return;
    static_cast<void>(backend_.release());
    static_cast<void>(nccl_.release());
  }

  Result<void> join() {
    std::optional<Deadline> deadline;
    if (place_.rank > 0)
      deadline.emplace(place_.patience + kAfterPatience, [this] {
        place_.cannot_go_on(fmt::format("rank 0 is lost: it has not answered at {}:{} within {}",
                                      place_.address, place_.port, patience_text()));
      });
    auto store = open_job_store({.host = place_.address,
                                 .port = place_.port,
                                 .serves = place_.serves_store && place_.rank == 0,
                                 .timeout = place_.patience + 2 * kAfterPatience});
    if (!store) return tl::make_unexpected(store.error());
    store_ = std::move(*store);
    if (auto met = place_.rank == 0 ? gather() : reach(); !met) return met;
    if (auto watched = watch_first(); !watched) return watched;
    return {};
  }

  int rank() const override { return place_.rank; }
  int ranks() const override { return place_.ranks; }
  const std::string& broken() const override { return broken_; }

  Result<Observation> run(Session& session, const WorldSpec& spec, int64_t number,
                          const std::string& id) override {
    if (!broken_.empty()) return fail(broken_);
    const std::span<Link> links(links_.data(), static_cast<size_t>(spec.topology.ranks()));
    ++run_;
    const bool one_by_one = changes_shared_stores(*spec.program, spec.stores);
    if (auto made = make_folder(one_by_one); !made) return tl::make_unexpected(made.error());
    const std::string order = write_message(
        {.kind = "case", .run = run_, .number = number, .text = id, .body = folder_});
    for (Link& link : links.subspan(1)) link.queue(order);
    Gathered gathered;
    {
      Coordinator coordinator(spec.topology, links, place_.patience, run_, one_by_one,
                              [this](int rank) { return giver_->silence(rank); });
      std::optional<Deadline> deadline;  // of this rank itself, where it hangs
      std::jthread held([&] {
        gathered = coordinator.run();
        if (gathered.error.empty()) return;
        const bool hangs = std::ranges::find(gathered.lost, 0) != gathered.lost.end();
        deadline.emplace(hangs ? kToGiveUp : std::max(kToGiveUp, place_.patience),
                         [this, error = gathered.error] { place_.cannot_go_on(error); });
      });
      take_part(session, spec);
      held.join();
    }
    for (int rank : gathered.lost) processes_[static_cast<size_t>(rank)].end();
    if (!gathered.lost.empty())
      broken_ = fmt::format("ranks {} are lost since {}", fmt::join(gathered.lost, ", "), id);
    if (!gathered.error.empty()) return fail(gathered.error);
    return put_together(std::move(gathered));
  }

  void end() override {
    for (Link& link : links_) static_cast<void>(link.send(write_message({.kind = "end"})));
  }

  Result<std::optional<Order>> next() override {
    while (true) {
      const Result<std::string> frame = own_->receive();
      if (!frame) return fail("rank 0 is gone: " + frame.error().message);
      const Result<Message> message = read_message(*frame);
      if (!message) return tl::make_unexpected(message.error());
      if (message->kind == "end") return std::nullopt;
      if (message->kind == "welcome") {
        open_backend(message->text);
        const std::lock_guard lock(first_held_);
        first_ = PeerProcess(message->body);
      }
      if (message->kind != "case") continue;  // what is left of an earlier one
      run_ = message->run;
      folder_ = message->body;
      if (std::error_code ignored; !folder_.empty() && !std::filesystem::exists(folder_, ignored)) {
        refuse(fmt::format("there is no {} here, as there is on rank 0: ranks that change what "
                           "others read need one file system; TMPDIR may name a folder in it",
                           folder_));
        continue;
      }
      return Order{message->number, message->text};
    }
  }

  void take_part(Session& session, const WorldSpec& spec) override {
    RankLink link(place_.rank, run_, folder_, *own_, place_.at_moment);
    const auto backend = backend_of(spec);
    if (!backend) return refuse(backend.error().message);
    here_ = &link;
    WorldSpec own = spec;
    own.local_rank = place_.local_rank;
    const Result<Observation> seen = session.run_one(own, link, **backend);
    here_ = nullptr;
    if (seen) return tell({.kind = "seen", .body = text_.write(*seen)});
    tell({.kind = "failed", .text = link.was_stopped() ? "" : seen.error().message});
  }

  void refuse(const std::string& why) override { tell({.kind = "failed", .text = why}); }

 private:
  const JobPlace place_;
  const ObservationText text_;
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<Backend> backend_;  // over Gloo
  std::unique_ptr<Backend> nccl_;     // once a case wants it
  std::vector<Link> links_;   // rank 0: to all, itself too, by rank
  std::vector<PeerProcess> processes_;  // of the same ranks
  std::optional<Link> own_;   // to rank 0
  std::mutex first_held_;
  PeerProcess first_;         // rank 0, for the others
  RankLink* here_ = nullptr;  // while this rank takes part in a run
  uint16_t port_ = 0;         // at which rank 0 takes connections, while ranks come
  std::optional<PulseGiver> giver_;      // rank 0
  std::optional<PulseWatcher> watcher_;  // the others
  int64_t run_ = 0;
  std::optional<TemporaryFolder> room_;  // rank 0: of the folders that ranks share
  std::string folder_;                   // of this run; empty: they share none
  std::string broken_;

  // `first`: how others reach rank 0. Who reaches it on its own host is itself reached there.
  void open_backend(const std::string& first) {
    const std::string own = own_address(*own_);
    backend_ = store_->make_backend(place_.rank, place_.ranks, is_loopback(own) ? first : own,
                                    [this] { return here_ && here_->is_stopped(); });
  }

  Result<Backend*> backend_of(const WorldSpec& spec) {
    if (spec.backend != "nccl") return backend_.get();
    if (!nccl_) {
      auto made = store_->make_nccl_backend(place_.rank, place_.ranks, place_.local_rank,
                                            [this] { return here_ && here_->is_stopped(); });
      if (!made) return tl::make_unexpected(made.error());
      nccl_ = std::move(*made);
    }
    return nccl_.get();
  }

  Result<void> make_folder(bool needed) {
    folder_.clear();
    if (!needed) return {};
    auto made = TemporaryFolder::make();
    if (!made) return tl::make_unexpected(made.error());
    room_ = std::move(*made);  // that of the run before goes
    folder_ = room_->path().string();
    return {};
  }

  void tell(Message message) {
    message.run = run_;
    message.rank = place_.rank;
    // Where it cannot be sent, the other end knows that better.
    static_cast<void>(own_->send(write_message(message)));
  }

  Result<Link> say_hello(const std::string& host, uint16_t port,
                         const char* as = kForMessages) const {
    Result<Link> link = connect_to(host, port);
    if (!link) return link;
    const auto said = link->send(write_message(
        {.kind = "hello", .rank = place_.rank, .text = as, .body = own_process()}));
    if (!said) return tl::make_unexpected(said.error());
    return link;
  }

  // For signs of life each rank comes to the same place once more.
  Result<void> watch_first() {
    if (place_.rank == 0) return {};
    Result<Link> link = say_hello(place_.address, port_, kForSigns);
    if (!link) return tl::make_unexpected(link.error());
    watcher_.emplace(std::move(*link), place_.patience, [this](const std::string& why) {
      std::this_thread::sleep_for(2 * kAfterPatience);  // the others notice by themselves, too
      {
        const std::lock_guard lock(first_held_);
        first_.end();
      }
      place_.cannot_go_on(why);
    });
    return {};
  }

  Result<void> reach() {
    const Result<std::string> port = store_->get(kCoordinatorKey);
    if (!port) return fail("rank 0 has not come: " + port.error().message);
    port_ = static_cast<uint16_t>(std::stoi(*port));
    Result<Link> link = say_hello(place_.address, port_);
    if (!link) return tl::make_unexpected(link.error());
    own_ = std::move(*link);
    return {};
  }

  // Takes the connections of all ranks.
  Result<void> gather() {
    const Result<Listener> listener = listen_anywhere();
    if (!listener) return tl::make_unexpected(listener.error());
    Result<Link> own = say_hello("127.0.0.1", listener->port);
    Result<void> done;
    if (own)
      done = store_->set(kCoordinatorKey, std::to_string(listener->port));
    else
      done = tl::make_unexpected(own.error());
    constexpr std::chrono::milliseconds kSlice{100};
    Arrivals come(static_cast<size_t>(place_.ranks));
    const auto until = Clock::now() + place_.patience;
    while (done && !std::ranges::all_of(come, &Arrival::is_whole)) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      const auto ended = place_.first_ended ? place_.first_ended() : std::nullopt;
      if (ended)
        done = fail(fmt::format("rank {} never came: it {}; the others wait for it", ended->rank,
                                ended->how));
      else if (auto why = place_.told_to_end ? place_.told_to_end() : ""; !why.empty())
        done = missing(come, "before rank 0 " + why);
      else if (left.count() <= 0)
        done = missing(come, "within " + patience_text());
      else
        done = take_one(listener->socket, std::min(left, kSlice), come);
    }
    close(listener->socket);
    if (!done) return done;
    own_ = std::move(*own);
    std::vector<Link> pulses;
    for (Arrival& one : come) {
      links_.push_back(std::move(*one.link));
      processes_.push_back(std::move(one.process));
      if (one.pulse) pulses.push_back(std::move(*one.pulse));
    }
    giver_.emplace(std::move(pulses), place_.patience);
    std::string first = own_address(*own_);
    for (const Link& link : links_)
      if (is_loopback(first)) first = own_address(link);
    for (Link& link : std::span(links_).subspan(1))
      static_cast<void>(link.send(write_message(
          {.kind = "welcome", .text = first, .body = own_process()})));
    open_backend(first);
    return {};
  }

  // The connections of a rank: rank 0 itself has one.
  struct Arrival {
    std::optional<Link> link, pulse;
    PeerProcess process;
    bool is_first = false;
    bool is_whole() const { return link && (pulse || is_first); }
  };
  using Arrivals = std::vector<Arrival>;

  static Result<void> take_one(int listener, std::chrono::milliseconds patience, Arrivals& come) {
    constexpr std::chrono::milliseconds kHelloPatience{2000};
    auto link = accept_one(listener, patience);
    if (!link) return tl::make_unexpected(link.error());
    if (!*link) return {};
    const Result<std::string> frame = (*link)->receive(kHelloPatience);
    if (!frame) return {};  // no rank of ours
    const Result<Message> hello = read_message(*frame);
    if (!hello || hello->kind != "hello") return {};
    if (hello->rank < 0 || static_cast<size_t>(hello->rank) >= come.size())
      return fail(fmt::format("rank {} has come to a job of {}", hello->rank, come.size()));
    Arrival& arrival = come[static_cast<size_t>(hello->rank)];
    std::optional<Link>& place = hello->text == kForSigns ? arrival.pulse : arrival.link;
    if (place) return fail(fmt::format("rank {} has come twice", hello->rank));
    arrival.is_first = hello->rank == 0;
    place = std::move(**link);
    arrival.process = PeerProcess(hello->body);
    return {};
  }

  std::string patience_text() const {
    return fmt::format("{:.10g} s", std::chrono::duration<double>(place_.patience).count());
  }

  static Result<void> missing(const Arrivals& come, const std::string& until) {
    std::vector<int> absent, others;
    for (size_t rank = 0; rank < come.size(); ++rank)
      (come[rank].is_whole() ? others : absent).push_back(static_cast<int>(rank));
    return fail(fmt::format("{} never came {}; {} {} for {}", ranks_in_words(absent), until,
                            ranks_in_words(others), others.size() == 1 ? "waits" : "wait",
                            absent.size() == 1 ? "it" : "them"));
  }

  Result<Observation> put_together(Gathered gathered) const {
    Observation all;
    for (const std::string& text : gathered.seen) {
      Result<Observation> one = text_.read(text);
      if (!one) return one;
      if (all.steps.empty()) all.steps = std::move(one->steps);
      for (RankObservation& rank : one->ranks) all.ranks.push_back(std::move(rank));
      for (MemoryObservation& memory : one->memory) all.memory.push_back(std::move(memory));
      for (WritesObservation& writes : one->writes) all.writes.push_back(std::move(writes));
      all.events += one->events;
      all.fingerprint = all.fingerprint * 31 + one->fingerprint;
    }
    all.mismatches = std::move(gathered.mismatches);
    all.waits = std::move(gathered.waits);
    all.wait_report = std::move(gathered.wait_report);
    all.vacuous = std::move(gathered.vacuous);
    all.peaks = std::move(gathered.peaks);
    return all;
  }
};

}  // namespace

Result<std::unique_ptr<Job>> Job::join(const JobPlace& place, ObservationText text) {
  auto job = std::make_unique<JobOfRank>(place, std::move(text));
  if (auto joined = job->join(); !joined) return tl::make_unexpected(joined.error());
  return job;
}

}  // namespace loadproof::sim
