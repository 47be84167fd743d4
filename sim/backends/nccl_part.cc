#include "sim/backends/nccl_part.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;

// What libtorch_cuda.so needs, itself or through what it needs.
struct CudaLibrary {
  std::string_view file, package;
};
constexpr CudaLibrary kCudaLibraries[] = {
    {"libcudart.so.13", "nvidia-cuda-runtime~=13.0.96"},
    {"libcupti.so.13", "nvidia-cuda-cupti~=13.0.85"},
    {"libnvJitLink.so.13", "nvidia-nvjitlink~=13.0"},
    {"libcublasLt.so.13", "nvidia-cublas~=13.0"},
    {"libcublas.so.13", "nvidia-cublas~=13.0"},
    {"libcusparse.so.12", "nvidia-cusparse~=12.6"},
    {"libcufft.so.12", "nvidia-cufft~=12.0"},
    {"libcurand.so.10", "nvidia-curand~=10.4"},
    {"libcufile.so.0", "nvidia-cufile~=1.15"},
    {"libcudnn.so.9", "nvidia-cudnn-cu13==9.19.0.56"},
    {"libcusparseLt.so.0", "nvidia-cusparselt-cu13==0.8.0"},
    {"libnccl.so.2", "nvidia-nccl-cu13==2.28.9"},
    {"libnvshmem_host.so.3", "nvidia-nvshmem-cu13==3.4.5"},
};

// The folder that has torch/ of the LibTorch that this process runs on.
fs::path folder_of_wheels() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &info) == 0) return {};
  std::error_code ignored;
  return fs::canonical(info.dli_fname, ignored).parent_path().parent_path().parent_path();
}

bool is_below(const fs::path& folder, std::string_view file) {
  std::error_code ignored;
  for (const auto& package : fs::directory_iterator(folder / "nvidia", ignored))
    if (fs::exists(package.path() / "lib" / file, ignored)) return true;
  return false;
}

bool can_be_loaded(std::string_view file) {
  void* library = dlopen(std::string(file).c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library) dlclose(library);
  return library != nullptr;
}

// The loader names one library at a time; a person wants to install all of them at once.
std::string what_is_missing(const fs::path& wheels) {
  std::vector<std::string_view> files, packages;
  for (const CudaLibrary& library : kCudaLibraries) {
    if (is_below(wheels, library.file) || is_below(wheels / "cuda", library.file)) continue;
    if (can_be_loaded(library.file)) continue;
    files.push_back(library.file);
    if (packages.empty() || packages.back() != library.package) packages.push_back(library.package);
  }
  if (files.empty()) return "";
  return fmt::format(
      ". Missing: {}. To have what is missing: "
      "python3 -m pip install --no-deps --target {} {}",
      fmt::join(files, ", "), (wheels / "cuda").string(), fmt::join(packages, " "));
}

std::string loader_message() {
  const char* message = dlerror();
  return message ? message : "the loader does not say why";
}

}  // namespace

std::string_view library_not_found(std::string_view loader_message) {
  constexpr std::string_view kNotFound = ": cannot open shared object file";
  const size_t end = loader_message.find(kNotFound);
  return end == std::string_view::npos ? "" : loader_message.substr(0, end);
}

std::string_view pip_package_of(std::string_view library) {
  for (const CudaLibrary& one : kCudaLibraries)
    if (one.file == library) return one.package;
  return "";
}

std::string nccl_part_file() {
  if (const char* given = std::getenv("LOADPROOF_NCCL_PART")) return given;
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path() / "libloadproof_nccl.so";
}

Result<NcclPart*> open_nccl_part(const std::string& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored))
    return fail(fmt::format("this build has no NCCL part: there is no {}; it is made where CMake "
                            "finds the headers of CUDA 13 and NCCL, and tells why if not",
                            file));
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const std::string message = loader_message();
    const bool lacks = !pip_package_of(library_not_found(message)).empty();
    return fail(fmt::format("the NCCL part cannot be loaded: {}{}", message,
                            lacks ? what_is_missing(folder_of_wheels()) : ""));
  }
  const auto version =
      reinterpret_cast<NcclPartVersionFunction*>(dlsym(library, kNcclPartVersionSymbol));
  const auto part = reinterpret_cast<NcclPartFunction*>(dlsym(library, kNcclPartSymbol));
  if (!version || !part) return fail(fmt::format("{} is no NCCL part of loadproof", file));
  if (version() != kNcclPartVersion)
    return fail(fmt::format("the NCCL part {} is of another build ({}, this program needs {}): "
                            "build both anew",
                            file, version(), kNcclPartVersion));
  return part();
}

Result<std::unique_ptr<Backend>> make_nccl_backend(int ranks) {
  Result<NcclPart*> part = open_nccl_part(nccl_part_file());
  if (!part) return tl::make_unexpected(part.error());
  return (*part)->make_backend(ranks);
}

Result<std::unique_ptr<Backend>> make_nccl_job_backend(const NcclJob& job) {
  Result<NcclPart*> part = open_nccl_part(nccl_part_file());
  if (!part) return tl::make_unexpected(part.error());
  return (*part)->make_job_backend(job);
}

}  // namespace loadproof::sim
