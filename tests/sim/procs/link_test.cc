// Frames between processes: whole or not at all.
#include "sim/procs/link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/sim/procs/two_ends.h"

namespace loadproof::sim {
namespace {

using std::chrono::milliseconds;

void write_raw(const Link& link, const std::string& bytes) {
  ASSERT_EQ(write(link.socket(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

TEST(Link, GivesFramesAsTheyWereSent) {
  auto [here, there] = two_ends();
  for (const std::string& frame : {std::string(), std::string("a"), std::string("\0\n\xff", 3)}) {
    ASSERT_TRUE(here.send(frame));
    EXPECT_EQ(*there.receive(), frame);
  }
}

TEST(Link, SendsMoreThanTheSocketHolds) {
  auto [here, there] = two_ends();
  std::string large(size_t{8} << 20, 'x');
  large.back() = 'y';
  std::jthread sender([&, &from = here] { EXPECT_TRUE(from.send(large)); });
  EXPECT_TRUE(*there.receive() == large);
}

TEST(Link, PutsFramesTogetherThatComeInPieces) {
  auto [here, there] = two_ends();
  write_raw(here, std::string("\3\0\0", 3));
  EXPECT_TRUE(there.fill());
  EXPECT_FALSE(there.next()->has_value());
  write_raw(here, std::string("\0ab", 3));
  EXPECT_TRUE(there.fill());
  EXPECT_FALSE(there.next()->has_value());
  write_raw(here, std::string("c\1\0\0\0d", 6));
  EXPECT_TRUE(there.fill());
  EXPECT_EQ(**there.next(), "abc");
  EXPECT_EQ(**there.next(), "d");
}

TEST(Link, TellsWhatCameBeforeTheEndAndThenTheEnd) {
  auto [here, there] = two_ends();
  ASSERT_TRUE(here.send("last"));
  write_raw(here, std::string("\3\0\0\0a", 5));  // begun, and never whole
  { const Link gone = std::move(here); }
  EXPECT_EQ(*there.receive(), "last");
  EXPECT_EQ(there.receive().error().message, "the connection is closed");
}

TEST(Link, DoesNotWaitForEver) {
  auto [here, there] = two_ends();
  EXPECT_EQ(there.receive(milliseconds(1)).error().message, "nothing came in time");
}

TEST(Link, TakesNoFrameThatIsTooLong) {
  auto [here, there] = two_ends();
  write_raw(here, "\xff\xff\xff\xff");
  EXPECT_EQ(there.receive().error().message, "a frame of 4294967295 bytes");
}

TEST(Link, ReachesWhoListens) {
  const Result<Listener> listener = listen_anywhere();
  ASSERT_TRUE(listener);
  EXPECT_FALSE(accept_one(listener->socket, milliseconds(1))->has_value());
  Result<Link> caller = connect_to("127.0.0.1", listener->port);
  ASSERT_TRUE(caller);
  EXPECT_EQ(own_address(*caller), "127.0.0.1");
  auto called = accept_one(listener->socket, milliseconds(1000));
  ASSERT_TRUE(called && *called);
  ASSERT_TRUE(caller->send("hello"));
  EXPECT_EQ(*(*called)->receive(), "hello");
  EXPECT_EQ(own_address(**called), "127.0.0.1");
  if (Result<Link> other = connect_to("::1", listener->port)) {  // where there is IPv6
    EXPECT_EQ(own_address(*other), "::1");
  }
  close(listener->socket);
  EXPECT_FALSE(connect_to("127.0.0.1", listener->port));
}

TEST(Link, KnowsWhatReachesNothingButItsOwnHost) {
  for (const char* address : {"127.0.0.1", "127.0.1.1", "::1"}) EXPECT_TRUE(is_loopback(address));
  for (const char* address : {"10.0.0.1", "192.168.77.1", "fd77::1", "::"})
    EXPECT_FALSE(is_loopback(address));
}

}  // namespace
}  // namespace loadproof::sim
