// Both ends of a connection in one process, for tests.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <utility>

#include "sim/procs/link.h"

namespace loadproof::sim {

inline std::pair<Link, Link> two_ends() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  return {Link(ends[0]), Link(ends[1])};
}

}  // namespace loadproof::sim
