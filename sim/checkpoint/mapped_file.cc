#include "sim/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace loadproof::sim {
namespace {

tl::unexpected<Error> system_failure(const char* what, const std::filesystem::path& path,
                                     int code) {
  return fail(
      fmt::format("cannot {} {}: {}", what, path.string(), std::system_category().message(code)));
}

// Closes the descriptor at the end of the scope; a mapping outlives it.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  // munmap takes a pointer to non-const although it writes nothing.
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<MappedFile> map_file(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe must not wait for a writer; it is refused below.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return system_failure("open", path, errno);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return system_failure("examine", path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(fmt::format("cannot read {}: it is not a regular file", path.string()));
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return MappedFile({});
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (address == MAP_FAILED) return system_failure("map", path, errno);
  return MappedFile({static_cast<const std::byte*>(address), size});
}

Result<std::shared_ptr<std::byte>> map_private(const std::filesystem::path& path, int64_t begin,
                                               int64_t bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return system_failure("open", path, errno);
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const int64_t from = begin / page * page;
  const auto size = static_cast<size_t>(begin + bytes - from);
  void* address =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.number(), from);
  if (address == MAP_FAILED) return system_failure("map", path, errno);
  return std::shared_ptr<std::byte>(static_cast<std::byte*>(address) + (begin - from),
                                    [address, size](std::byte*) { ::munmap(address, size); });
}

}  // namespace loadproof::sim
