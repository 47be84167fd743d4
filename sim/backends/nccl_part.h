// The part of loadproof that needs CUDA: a shared library beside the program, opened when a case or
// `loadproof doctor` asks for it. The program itself links nothing of CUDA's.
//
// libloadproof_nccl.so is built where CMake finds the headers of CUDA and NCCL, by the C++ compiler
// alone. To load it needs the CUDA libraries that torch's wheel names, of which ci/setup installs
// none; the error of open_nccl_part() names those that are missing and the pip packages that have
// them. They are looked for where the loader looks, and below .deps/cuda.
//
// TRIED: compiled, loaded, and asked on machines without a GPU, where it says so; the accelerator
// over a CUDA runtime that is faked on the host (tests/sim/cuda/fake_cuda.cc); the kernels of its
// scans on threads of the host, and compiled by NVRTC for several kinds of devices.
// NEVER RUN: anything on a device. No collective of the backend that it makes has moved a byte yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/accelerator.h"
#include "sim/backends/backend.h"
#include "sim/backends/cuda_machine.h"
#include "sim/result.h"

namespace c10d {
class Store;
}

namespace loadproof::sim {

// One rank of a world whose ranks are in processes of their own.
struct NcclJob {
  c10d::Store* store = nullptr;  // at which the ranks find each other
  int rank = 0, ranks = 1;
  int device = 0;                // of this host
  std::chrono::milliseconds timeout{};  // for those who do not come
  std::function<bool()> given_up = {};  // asked while a transfer waits: whether it need not
};

class NcclPart {
 public:
  virtual ~NcclPart() = default;
  // Asks CUDA and NCCL anew; makes no context where there is no device. Never fails: what is wrong
  // is in why_none.
  virtual CudaMachine machine() = 0;
  // A world whose rank r is device r. An error where there are fewer devices than ranks.
  virtual Result<std::unique_ptr<Backend>> make_backend(int ranks) = 0;
  // The one rank of a job that is here. An error where it has no device.
  virtual Result<std::unique_ptr<Backend>> make_job_backend(const NcclJob& job) = 0;
  // CUDA's devices as the ranks' memory, poisoned from then on, for good: what torch allocates on a
  // device is charged to the ledger, which must live as long as the process. The first call wins; a
  // later one gives the same. An error, which changes nothing, where there is no device, no NVRTC,
  // or where torch was asked for CUDA before the part was opened, as at::manual_seed() and
  // is_pinned() ask it. cuBLAS's work spaces are charged to nobody; what NCCL is handed in place of
  // a rank's tensors, to a thread of no rank.
  virtual Result<Accelerator*> accelerator(DeviceLedger& ledger) = 0;
};

// What both sides must have been compiled with. The first factor is raised by hand with every
// change of this header or of Backend; the sizes catch most changes of what passes through it.
inline constexpr uint64_t kNcclPartVersion =
    4 * 1'000'000 + sizeof(Transfer) * 1'000 + sizeof(Member) + sizeof(CudaMachine);

// The two symbols of the library. The part lives as long as the process.
inline constexpr const char* kNcclPartVersionSymbol = "loadproof_nccl_part_version";
inline constexpr const char* kNcclPartSymbol = "loadproof_nccl_part";
using NcclPartVersionFunction = uint64_t();
using NcclPartFunction = NcclPart*();

// Where the program looks: $LOADPROOF_NCCL_PART, or libloadproof_nccl.so in the program's folder.
std::string nccl_part_file();

// Opens it, for good; a second call gives the same. Loading takes about a second and 400 MiB.
Result<NcclPart*> open_nccl_part(const std::string& file);

// The row of the table of backends: the part's, or why there is none, in a sentence.
Result<std::unique_ptr<Backend>> make_nccl_backend(int ranks);
Result<std::unique_ptr<Backend>> make_nccl_job_backend(const NcclJob& job);

// The library that the loader's message says it has not found; "" where it says something else.
std::string_view library_not_found(std::string_view loader_message);
// The pip package, with the version that torch 2.11 asks for, that has a library; "" of others.
std::string_view pip_package_of(std::string_view library);

}  // namespace loadproof::sim
