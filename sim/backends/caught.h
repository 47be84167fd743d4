// The one place where what c10d, Gloo and NCCL throw becomes an Error, on one thread or on one a
// member. For .cc files only.
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "sim/result.h"

namespace loadproof::sim {

// Calls work(); an exception becomes an Error with the first line of its text.
template <typename Work>
Result<void> caught(Work work) {
  const auto first_line = [](std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
  };
  try {
    work();
    return {};
  } catch (const c10::Error& error) {
    return fail(first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    return fail(first_line(error.what()));
  }
}

// Calls work(i) for each i below count on a thread of its own, because members wait for each other
// where they meet, move bytes and part. The first member's error is the result.
inline Result<void> in_parallel(size_t count, const std::function<void(size_t)>& work) {
  std::vector<Result<void>> results(count);
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { results[i] = caught([&] { work(i); }); });
  for (std::thread& thread : threads) thread.join();
  for (Result<void>& result : results)
    if (!result) return std::move(result);
  return {};
}

}  // namespace loadproof::sim
