// The element types that checkpoints and ranks use, without a torch header.
//
// Names are torch's ("bfloat16"); safetensors' own spelling ("BF16") is given by safetensors_name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace loadproof {

enum class DType : uint8_t {
  kBool, kUint8, kInt8, kInt16, kInt32, kInt64,
  kFloat8E4m3fn, kFloat8E5m2, kFloat16, kBFloat16, kFloat32, kFloat64,
};

inline constexpr DType kAllDTypes[] = {DType::kBool,         DType::kUint8,      DType::kInt8,
                                       DType::kInt16,        DType::kInt32,      DType::kInt64,
                                       DType::kFloat8E4m3fn, DType::kFloat8E5m2, DType::kFloat16,
                                       DType::kBFloat16,     DType::kFloat32,    DType::kFloat64};

// Bytes of one element.
constexpr int64_t item_size(DType dtype) {
  switch (dtype) {
    case DType::kBool: case DType::kUint8: case DType::kInt8:
    case DType::kFloat8E4m3fn: case DType::kFloat8E5m2:
      return 1;
    case DType::kInt16: case DType::kFloat16: case DType::kBFloat16: return 2;
    case DType::kInt32: case DType::kFloat32: return 4;
    case DType::kInt64: case DType::kFloat64: return 8;
  }
  return 0;
}

constexpr std::string_view name(DType dtype) {
  switch (dtype) {
    case DType::kBool: return "bool";
    case DType::kUint8: return "uint8";
    case DType::kInt8: return "int8";
    case DType::kInt16: return "int16";
    case DType::kInt32: return "int32";
    case DType::kInt64: return "int64";
    case DType::kFloat8E4m3fn: return "float8_e4m3fn";
    case DType::kFloat8E5m2: return "float8_e5m2";
    case DType::kFloat16: return "float16";
    case DType::kBFloat16: return "bfloat16";
    case DType::kFloat32: return "float32";
    case DType::kFloat64: return "float64";
  }
  return "";
}

// https://github.com/huggingface/safetensors#format : the dtype strings of the header.
constexpr std::string_view safetensors_name(DType dtype) {
  switch (dtype) {
    case DType::kBool: return "BOOL";
    case DType::kUint8: return "U8";
    case DType::kInt8: return "I8";
    case DType::kInt16: return "I16";
    case DType::kInt32: return "I32";
    case DType::kInt64: return "I64";
    case DType::kFloat8E4m3fn: return "F8_E4M3";
    case DType::kFloat8E5m2: return "F8_E5M2";
    case DType::kFloat16: return "F16";
    case DType::kBFloat16: return "BF16";
    case DType::kFloat32: return "F32";
    case DType::kFloat64: return "F64";
  }
  return "";
}

constexpr std::optional<DType> dtype_named(std::string_view text) {
  for (DType dtype : kAllDTypes)
    if (name(dtype) == text) return dtype;
  return std::nullopt;
}

constexpr std::optional<DType> dtype_of_safetensors(std::string_view text) {
  for (DType dtype : kAllDTypes)
    if (safetensors_name(dtype) == text) return dtype;
  return std::nullopt;
}

}  // namespace loadproof
