// The steps of splitmix64, https://prng.di.unimi.it/splitmix64.c : for numbers that are the same on
// every machine, and for mixing what is to be told apart.
#pragma once

#include <cstdint>

namespace loadproof::sim {

inline constexpr uint64_t kSplitmixStep = 0x9e3779b97f4a7c15;

constexpr uint64_t splitmix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace loadproof::sim
