#include "sim/fenced/accelerator.h"

#include <ATen/EmptyTensor.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include "sim/fenced/memory.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

constexpr c10::DeviceType kType = c10::DeviceType::PrivateUse1;
const c10::Device kFenced{kType, 0};

void free_block(void* address) {
  if (address == nullptr) return;
  device_ledger().release(address);
  free_fenced(address);
}

class Allocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &free_block, kFenced};
    void* address = allocate_fenced(bytes);
    TORCH_CHECK_WITH(OutOfMemoryError, address != nullptr, "no memory: the fenced device has none "
                     "left for ", bytes, " bytes");
    if (const std::string why = device_ledger().charge(address, bytes); !why.empty()) {
      free_fenced(address);
      TORCH_CHECK_WITH(OutOfMemoryError, false, why);
    }
    return {address, address, &free_block, kFenced};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(behind_fence(to), behind_fence(from), bytes);
  }
};

Allocator& allocator() {
  static Allocator& one = *new Allocator;
  return one;
}

// One device, whose one stream is the thread that calls.
class Guard final : public c10::impl::DeviceGuardImplInterface {
 public:
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device) const override { return kFenced; }
  c10::Device getDevice() const override { return kFenced; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const override { return stream(); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }

 private:
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, kFenced); }
};

// The same bytes as a tensor of the host, for as long as `tensor` lives.
at::Tensor uncovered(const at::Tensor& tensor) {
  if (tensor.device().type() != kType) return tensor;
  return at::from_blob(behind_fence(tensor.const_data_ptr()), tensor.sizes(), tensor.strides(),
                       at::TensorOptions(tensor.scalar_type()));
}

// ---- what torch wants of a device by itself; the rest is computed on the host ----

at::Tensor empty(c10::IntArrayRef sizes, std::optional<at::ScalarType> dtype,
                 std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &allocator(), c10::DispatchKeySet(
                                   c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(c10::IntArrayRef sizes, c10::IntArrayRef strides,
                         std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &allocator(),
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(dtype));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  uncovered(to).copy_(uncovered(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  at::native::resize_output(to, from.sizes());
  return copy_from(from, to, false);
}

at::Scalar local_scalar_dense(const at::Tensor& tensor) { return uncovered(tensor).item(); }

at::Tensor as_strided(const at::Tensor& tensor, c10::IntArrayRef sizes, c10::IntArrayRef strides,
                      std::optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(tensor, sizes, strides, offset);
}

at::Tensor view(const at::Tensor& tensor, c10::IntArrayRef sizes) {
  return at::native::view(tensor, sizes);
}

at::Tensor reshape_alias(const at::Tensor& tensor, c10::IntArrayRef sizes,
                         c10::IntArrayRef strides) {
  return at::native::_reshape_alias(tensor, sizes, strides);
}

at::Tensor& set_storage(at::Tensor& tensor, at::Storage storage, int64_t offset,
                        c10::IntArrayRef sizes, c10::IntArrayRef strides) {
  return at::native::set_storage_cpu_(tensor, std::move(storage), offset, sizes, strides);
}

const at::Tensor& resize(const at::Tensor& tensor, c10::IntArrayRef sizes,
                         std::optional<at::MemoryFormat>) {
  c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
  impl->set_sizes_contiguous(sizes);
  const size_t needed = (static_cast<size_t>(tensor.storage_offset()) +
                         static_cast<size_t>(tensor.numel())) *
                        static_cast<size_t>(tensor.element_size());
  if (needed > tensor.storage().nbytes()) {
    c10::DataPtr data = allocator().allocate(needed);
    const size_t kept = tensor.storage().nbytes();
    if (kept > 0)
      allocator().copy_data(data.get(), tensor.storage().data(), kept);
    tensor.storage().set_data_ptr_noswap(std::move(data));
    tensor.storage().set_nbytes(needed);
  }
  return tensor;
}

void on_the_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  at::native::cpu_fallback(op, stack);
}

torch::CppFunction computed_on_the_host() {
  return torch::CppFunction::makeFromBoxedFunction<&on_the_host>();
}

void register_kernels() {
  static torch::Library aten(torch::Library::IMPL, "aten", c10::DispatchKey::PrivateUse1, __FILE__,
                             __LINE__);
  aten.impl("empty.memory_format", TORCH_FN(empty));
  aten.impl("empty_strided", TORCH_FN(empty_strided));
  aten.impl("_copy_from", TORCH_FN(copy_from));
  aten.impl("_copy_from_and_resize", TORCH_FN(copy_from_and_resize));
  aten.impl("_local_scalar_dense", TORCH_FN(local_scalar_dense));
  aten.impl("as_strided", TORCH_FN(as_strided));
  aten.impl("view", TORCH_FN(view));
  aten.impl("_reshape_alias", TORCH_FN(reshape_alias));
  aten.impl("set_.source_Storage_storage_offset", TORCH_FN(set_storage));
  aten.impl("resize_", TORCH_FN(resize));
  // torch takes it apart on devices other than the CPU, which has a kernel of its own.
  aten.impl("scaled_dot_product_attention", computed_on_the_host());
  static torch::Library all(torch::Library::IMPL, "_", c10::DispatchKey::PrivateUse1, __FILE__,
                            __LINE__);
  all.fallback(computed_on_the_host());
}

class Fenced final : public Accelerator {
 public:
  Fenced() {
    c10::register_privateuse1_backend("fenced");
    c10::SetAllocator(kType, &allocator());
    static const Guard guard;
    c10::impl::device_guard_impl_registry[static_cast<size_t>(kType)].store(&guard);
    register_kernels();
  }

  std::string_view name() const override { return "fenced"; }
  at::Device device_of(int) const override { return kFenced; }
  void set_fill(Fill fill) override { set_fenced_fill(fill); }
  at::Generator generator(at::Device, uint64_t seed) override { return new_generator(seed); }

  ElementCounts count(const at::Tensor& values) override {
    return count_elements(behind_fence(values.const_data_ptr()), values.numel(), dtype_of(values));
  }
  std::optional<int64_t> first_difference(const at::Tensor& a, const at::Tensor& b) override {
    return sim::first_difference(behind_fence(a.const_data_ptr()),
                                 behind_fence(b.const_data_ptr()), bytes_of(a));
  }
  std::vector<uint64_t> block_digests(const at::Tensor& values) override {
    return sim::block_digests(behind_fence(values.const_data_ptr()),
                              static_cast<size_t>(bytes_of(values)));
  }
};

}  // namespace

Accelerator& fenced_accelerator() {
  static Accelerator& one = *new Fenced;
  return one;
}

}  // namespace loadproof::sim
