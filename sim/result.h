// What a function returns that can meet bad input: the value, or an error that a person can act on.
//
// Three kinds of wrong have three tools. Our own bug: SIM_CHECK (sim/check.h), which aborts. Bad
// input: Result. The simulated system misbehaving: an event of the Observation, for oracles.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace loadproof {

// `message` is one or more sentences that name the file, key or argument at fault and what was
// meant; it ends without a full stop or a newline.
struct Error {
  std::string message;
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message) {
  return tl::make_unexpected(Error{std::move(message)});
}

}  // namespace loadproof
