# The LibTorch that is inside the torch wheel, as two imported targets: torch::cpu and torch::c10.
#
# The wheel's own CMake package insists on a CUDA toolkit, which nothing here needs; and it links
# libtorch.so, which drags in CUDA. So: two libraries, their include folders, nothing else.
# LOADPROOF_TORCH is the folder with include/ and lib/ (a wheel's torch/ or an unpacked LibTorch).

set(LOADPROOF_TORCH "${CMAKE_SOURCE_DIR}/.deps/torch" CACHE PATH
    "Folder of LibTorch 2.11 (has include/ and lib/); ci/setup puts one at the default")
set(LOADPROOF_CUDA_LIBS "${LOADPROOF_TORCH}/../nvidia/cu13/lib" CACHE PATH
    "Folder of libcudart and libcupti, which libtorch_cpu of a CUDA wheel needs to load")

if(NOT EXISTS "${LOADPROOF_TORCH}/lib/libtorch_cpu.so")
  message(FATAL_ERROR
    "No LibTorch in ${LOADPROOF_TORCH}. Run ci/setup, or give one: -DLOADPROOF_TORCH=/path/to/torch")
endif()

# The wheel ships the headers of another fmt than the system's library, and they would be found
# first: so the system's come before them, through a folder that holds nothing else.
find_path(LOADPROOF_FMT_HEADERS fmt/format.h REQUIRED)
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/fmt_headers")
file(CREATE_LINK "${LOADPROOF_FMT_HEADERS}/fmt" "${CMAKE_BINARY_DIR}/fmt_headers/fmt" SYMBOLIC)

foreach(part IN ITEMS cpu c10)
  set(file "${LOADPROOF_TORCH}/lib/lib$<IF:$<STREQUAL:${part},cpu>,torch_cpu,c10>.so")
  if(part STREQUAL "cpu")
    set(file "${LOADPROOF_TORCH}/lib/libtorch_cpu.so")
  else()
    set(file "${LOADPROOF_TORCH}/lib/libc10.so")
  endif()
  add_library(torch::${part} SHARED IMPORTED)
  set_target_properties(torch::${part} PROPERTIES IMPORTED_LOCATION "${file}")
  target_include_directories(torch::${part} SYSTEM INTERFACE
    "${CMAKE_BINARY_DIR}/fmt_headers" "${LOADPROOF_TORCH}/include"
    "${LOADPROOF_TORCH}/include/torch/csrc/api/include")
  # NDEBUG: the wheel is a release build, and RecordFunction has another layout without it.
  target_compile_definitions(torch::${part} INTERFACE NDEBUG USE_C10D_GLOO USE_DISTRIBUTED)
endforeach()
target_link_libraries(torch::cpu INTERFACE torch::c10)
target_link_options(torch::cpu INTERFACE "LINKER:-rpath-link,${LOADPROOF_CUDA_LIBS}")
set(LOADPROOF_RPATH "${LOADPROOF_TORCH}/lib;${LOADPROOF_CUDA_LIBS}")
