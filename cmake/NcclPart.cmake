# The part that needs CUDA: the target nccl_part, libloadproof_nccl.so beside the program, which
# opens it when asked to (sim/backends/nccl_part.h). Only headers are needed to build it, and no
# nvcc; where they are missing, configure says so in a line and goes on without it.

option(LOADPROOF_CUDA "Build the NCCL part if the headers of CUDA and NCCL are found" ON)
set(LOADPROOF_CUDA_WHEELS "${LOADPROOF_TORCH}/../cuda" CACHE PATH
    "Folder of pip packages of CUDA libraries, which the NCCL part needs to load")

# Sets `headers`, or `why_not`, in the caller's scope.
function(loadproof_find_cuda)
  set(wheels "${LOADPROOF_TORCH}/../nvidia" "${LOADPROOF_CUDA_WHEELS}/nvidia")
  list(TRANSFORM wheels APPEND "/cu13/include" OUTPUT_VARIABLE toolkits)
  list(TRANSFORM wheels APPEND "/nccl/include" OUTPUT_VARIABLE nccls)
  # These are of different packages: a folder that has them all has what torch's headers include.
  set(needed cuda_runtime_api.h crt/host_defines.h cublas_v2.h cublasLt.h cusparse.h cusolverDn.h)
  set(why_not "no folder has ${needed}" PARENT_SCOPE)
  find_path(LOADPROOF_CUDA_HEADERS crt/host_defines.h HINTS /usr/local/cuda/include ${toolkits}
    DOC "Folder of the CUDA 13 toolkit's headers")
  find_path(LOADPROOF_NCCL_HEADERS nccl.h HINTS ${LOADPROOF_CUDA_HEADERS} ${nccls}
    DOC "Folder of nccl.h")
  foreach(header IN LISTS needed)
    if(NOT EXISTS "${LOADPROOF_CUDA_HEADERS}/${header}")
      set(why_not "no ${header}; set LOADPROOF_CUDA_HEADERS" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  file(STRINGS "${LOADPROOF_CUDA_HEADERS}/cuda.h" version REGEX "define CUDA_VERSION 13")
  if(version STREQUAL "")
    set(why_not "${LOADPROOF_CUDA_HEADERS} is not of CUDA 13, which the wheel's is" PARENT_SCOPE)
  elseif(NOT EXISTS "${LOADPROOF_NCCL_HEADERS}/nccl.h")
    set(why_not "no nccl.h; set LOADPROOF_NCCL_HEADERS" PARENT_SCOPE)
  elseif(NOT EXISTS "${LOADPROOF_TORCH}/lib/libtorch_cuda.so")
    set(why_not "${LOADPROOF_TORCH} is a LibTorch without CUDA" PARENT_SCOPE)
  elseif(NOT EXISTS "${LOADPROOF_CUDA_LIBS}/libcudart.so.13")
    set(why_not "no libcudart.so.13; set LOADPROOF_CUDA_LIBS" PARENT_SCOPE)
  else()
    set(why_not "" PARENT_SCOPE)
    set(headers "${LOADPROOF_CUDA_HEADERS}" "${LOADPROOF_NCCL_HEADERS}" PARENT_SCOPE)
  endif()
endfunction()

# cuda_kernels: the text of the kernels, as a string, and what the host knows of them. Needs no CUDA.
function(loadproof_cuda_kernels)
  set(text sim/cuda/scan_kernels.inc)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${text}")
  file(READ "${text}" kernels)
  file(CONFIGURE OUTPUT scan_kernels_source.cc @ONLY CONTENT
    "#include \"sim/cuda/kernels.h\"
std::string_view loadproof::sim::scan_kernels_source() {
  static constexpr char kSource[] = R\"KERNELS(${kernels})KERNELS\";
  return {kSource, sizeof kSource - 1};
}
")
  add_library(cuda_kernels STATIC sim/cuda/kernels.cc
    "${CMAKE_CURRENT_BINARY_DIR}/scan_kernels_source.cc")
  target_include_directories(cuda_kernels PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(cuda_kernels PUBLIC sim_memory PRIVATE loadproof_warnings)
endfunction()

function(loadproof_nccl_part)
  set(why_not "LOADPROOF_CUDA is OFF")
  if(LOADPROOF_CUDA)
    loadproof_find_cuda()
  endif()
  if(why_not)
    message(STATUS "NCCL part: not built: ${why_not}")
    return()
  endif()
  list(REMOVE_DUPLICATES headers)
  message(STATUS "NCCL part: built with ${headers}")
  # What runs, as far as it goes, on a machine without a device: tests link it, too.
  set(pieces sim/cuda/nvrtc.cc sim/cuda/poisoned_allocator.cc sim/backends/nccl/staging.cc
    sim/backends/names.cc sim/backends/transfer.cc)
  file(GLOB sources CONFIGURE_DEPENDS sim/backends/nccl/*.cc sim/cuda/*.cc)
  list(TRANSFORM sources REPLACE "^${CMAKE_SOURCE_DIR}/" "")
  list(REMOVE_ITEM sources ${pieces} sim/cuda/kernels.cc)
  add_library(cuda_pieces STATIC ${pieces})
  add_library(nccl_part SHARED ${sources})
  foreach(target IN ITEMS cuda_pieces nccl_part)
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
    target_include_directories(${target} SYSTEM PUBLIC ${headers})
    target_compile_definitions(${target} PRIVATE USE_C10D_NCCL)
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden
      VISIBILITY_INLINES_HIDDEN ON)
    target_link_libraries(${target} PRIVATE loadproof_warnings)
  endforeach()
  # These need libcudart alone, which libtorch_cpu needs as well.
  target_link_libraries(cuda_pieces PUBLIC sim_memory fmt::fmt tl::expected ${CMAKE_DL_LIBS}
    "${LOADPROOF_TORCH}/lib/libc10_cuda.so" "${LOADPROOF_CUDA_LIBS}/libcudart.so.13")
  # What libtorch_cuda needs in turn may be missing here: that is for the loader to find.
  target_link_options(nccl_part PRIVATE LINKER:--unresolved-symbols=ignore-in-shared-libs
    LINKER:--disable-new-dtags  # RPATH, unlike RUNPATH, holds for what libtorch_cuda needs, too
    LINKER:--exclude-libs,ALL)
  target_link_libraries(nccl_part PRIVATE cuda_pieces cuda_kernels
    "${LOADPROOF_TORCH}/lib/libtorch_cuda.so")
  set(rpath "${LOADPROOF_RPATH}")
  foreach(package IN ITEMS cu13 cudnn nccl cusparselt nvshmem)
    list(APPEND rpath "${LOADPROOF_CUDA_WHEELS}/nvidia/${package}/lib")
  endforeach()
  set_target_properties(nccl_part PROPERTIES OUTPUT_NAME loadproof_nccl
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}" BUILD_RPATH "${rpath}")
  add_dependencies(loadproof nccl_part)
endfunction()
