// A library with the symbols of an NCCL part (sim/backends/nccl_part.h), of a version that no
// program asks for.
#include <cstdint>

extern "C" {

uint64_t loadproof_nccl_part_version();
void* loadproof_nccl_part();

uint64_t loadproof_nccl_part_version() { return 7; }
void* loadproof_nccl_part() { return nullptr; }
}
