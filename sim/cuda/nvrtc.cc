#include "sim/cuda/nvrtc.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <nvrtc.h>

#include <filesystem>
#include <memory>
#include <vector>

namespace loadproof::sim {
namespace {

constexpr const char* kFile = "libnvrtc.so.13";

struct Nvrtc {
  decltype(&nvrtcGetErrorString) error_string = nullptr;
  decltype(&nvrtcCreateProgram) create = nullptr;
  decltype(&nvrtcDestroyProgram) destroy = nullptr;
  decltype(&nvrtcCompileProgram) compile = nullptr;
  decltype(&nvrtcGetCUBINSize) cubin_size = nullptr;
  decltype(&nvrtcGetCUBIN) cubin = nullptr;
  decltype(&nvrtcGetProgramLogSize) log_size = nullptr;
  decltype(&nvrtcGetProgramLog) log = nullptr;
};

// pip's packages put CUDA's libraries into one folder.
std::string beside_the_runtime() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&cudaGetDeviceCount), &info) == 0) return kFile;
  std::error_code ignored;
  const auto runtime = std::filesystem::canonical(info.dli_fname, ignored);
  return (runtime.parent_path() / kFile).string();
}

template <typename Function>
bool get(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  return function != nullptr;
}

Result<Nvrtc> open_nvrtc() {
  void* library = nullptr;
  std::string why;
  for (const std::string& file :
       {std::string(kFile), beside_the_runtime(), std::string("/usr/local/cuda/lib64/") + kFile}) {
    library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library) break;
    const char* message = dlerror();
    if (why.empty() && message) why = message;
  }
  if (!library)
    return fail(
        fmt::format("kernels cannot be compiled: {}; the pip package "
                    "nvidia-cuda-nvrtc~=13.0 has it",
                    why));
  Nvrtc nvrtc;
  if (get(library, "nvrtcGetErrorString", nvrtc.error_string) &&
      get(library, "nvrtcCreateProgram", nvrtc.create) &&
      get(library, "nvrtcDestroyProgram", nvrtc.destroy) &&
      get(library, "nvrtcCompileProgram", nvrtc.compile) &&
      get(library, "nvrtcGetCUBINSize", nvrtc.cubin_size) &&
      get(library, "nvrtcGetCUBIN", nvrtc.cubin) &&
      get(library, "nvrtcGetProgramLogSize", nvrtc.log_size) &&
      get(library, "nvrtcGetProgramLog", nvrtc.log))
    return nvrtc;
  return fail(fmt::format("{} lacks a function of CUDA 13's", kFile));
}

// Open for good.
const Result<Nvrtc>& nvrtc() {
  static const Result<Nvrtc> opened = open_nvrtc();
  return opened;
}

std::string log_of(const Nvrtc& nvrtc, nvrtcProgram program) {
  size_t size = 0;
  if (nvrtc.log_size(program, &size) != NVRTC_SUCCESS || size == 0) return "";
  std::string log(size, '\0');
  if (nvrtc.log(program, log.data()) != NVRTC_SUCCESS) return "";
  log.resize(size - 1);  // its last is a null
  return log;
}

}  // namespace

Result<void> find_nvrtc() {
  if (!nvrtc()) return tl::make_unexpected(nvrtc().error());
  return {};
}

Result<std::string> compile_kernels(std::string_view source, int capability) {
  if (!nvrtc()) return tl::make_unexpected(nvrtc().error());
  const Nvrtc& with = *nvrtc();
  const auto failed = [&](nvrtcResult result, const std::string& log) {
    return fail(fmt::format("NVRTC cannot compile for sm_{}: {}{}{}", capability,
                            with.error_string(result), log.empty() ? "" : ": ", log));
  };
  nvrtcProgram program = nullptr;
  const std::string text(source);
  if (const nvrtcResult made =
          with.create(&program, text.c_str(), "scan_kernels.cu", 0, nullptr, nullptr);
      made != NVRTC_SUCCESS)
    return failed(made, "");
  const auto destroy = [&with](nvrtcProgram* one) { with.destroy(one); };
  const std::unique_ptr<nvrtcProgram, decltype(destroy)> owner(&program, destroy);
  const std::string architecture = fmt::format("--gpu-architecture=sm_{}", capability);
  const char* options[] = {architecture.c_str(), "--std=c++17"};
  if (const nvrtcResult done = with.compile(program, std::size(options), options);
      done != NVRTC_SUCCESS)
    return failed(done, log_of(with, program));
  size_t size = 0;
  if (const nvrtcResult got = with.cubin_size(program, &size); got != NVRTC_SUCCESS)
    return failed(got, "");
  std::string cubin(size, '\0');
  if (const nvrtcResult got = with.cubin(program, cubin.data()); got != NVRTC_SUCCESS)
    return failed(got, "");
  return cubin;
}

}  // namespace loadproof::sim
