// Store, second part: whole files are moved and removed, and faults change what is in them.
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <system_error>

#include "sim/store.h"

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;
constexpr auto kStray = std::byte{0xA5};  // of bytes that belong to nobody

}  // namespace

Result<void> Store::move_file(const std::string& file, Store& to, const std::string& as,
                              bool copy) {
  const Result<fs::path> from_folder = own_copy();
  if (!from_folder) return tl::make_unexpected(from_folder.error());
  const Result<fs::path> to_folder = to.own_copy();
  if (!to_folder) return tl::make_unexpected(to_folder.error());
  const fs::path from = *from_folder / file, target = *to_folder / as;
  if (from == target) return {};
  std::error_code error;
  if (!fs::exists(from, error)) return fail(fmt::format("store {} has no file {}", name_, file));
  // A copy is made beside its place, so that a mapping of an older file stays intact.
  fs::path moved = from;
  if (copy) {
    moved = target.string() + ".copied";
    fs::copy_file(from, moved, error);
  }
  if (!error) fs::rename(moved, target, error);
  if (error)
    return fail(fmt::format("cannot move {} of store {}: {}", file, name_, error.message()));
  const File known = files_[file];
  if (!copy) files_.erase(file);
  to.files_.insert_or_assign(as, known);
  return {};
}

Result<void> Store::remove(const std::string& file) {
  const Result<fs::path> folder = own_copy();
  if (!folder) return tl::make_unexpected(folder.error());
  std::error_code error;
  if (!fs::remove(*folder / file, error))
    return fail(fmt::format("store {} has no file {}", name_, file));
  files_.erase(file);
  return {};
}

Result<std::vector<std::byte>> Store::bytes_of(const std::string& file) {
  const Result<fs::path> folder = own_copy();
  if (!folder) return tl::make_unexpected(folder.error());
  std::ifstream in(*folder / file, std::ios::binary);
  if (!in) return fail(fmt::format("store {} has no file {}", name_, file));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Result<void> Store::write_bytes(const std::string& file, const std::vector<std::byte>& bytes) {
  files_[file].damaged = true;
  std::ofstream out(*own_ / file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) return fail(fmt::format("cannot write {} of store {}", file, name_));
  return {};
}

Result<void> Store::cut(const std::string& file, int64_t bytes) {
  auto all = bytes_of(file);
  if (!all) return tl::make_unexpected(all.error());
  if (bytes > static_cast<int64_t>(all->size()))
    return fail(fmt::format("{} of store {} has {} bytes, fewer than {}", file, name_, all->size(),
                            bytes));
  all->resize(all->size() - static_cast<size_t>(bytes));
  return write_bytes(file, *all);
}

Result<void> Store::append(const std::string& file, int64_t bytes, OriginId origin) {
  auto all = bytes_of(file);
  if (!all) return tl::make_unexpected(all.error());
  const auto size = static_cast<int64_t>(all->size());
  all->resize(all->size() + static_cast<size_t>(bytes), kStray);
  files_[file].faults.push_back({size, size + bytes, origin});
  return write_bytes(file, *all);
}

Result<bool> Store::overwrite(const std::string& file, const std::string& tensor, int64_t at,
                              int64_t count, Overwrite how, OriginId origin) {
  auto all = bytes_of(file);
  if (!all) return tl::make_unexpected(all.error());
  const Result<int64_t> data = data_offset_of(*all, file);
  if (!data) return tl::make_unexpected(data.error());
  int64_t begin = *data, end = static_cast<int64_t>(all->size());
  if (!tensor.empty()) {
    const auto entry = entry_of(*all, file, tensor);
    if (!entry) return tl::make_unexpected(entry.error());
    if (!*entry) return false;
    end = std::min(end, *data + (*entry)->end);
    begin = std::min(end, *data + (*entry)->begin);
  }
  const int64_t first = at < 0 ? end + at : begin + at;
  if (first < begin || count > end - first)
    return fail(fmt::format("{} of store {} has {} bytes of {}, not {} from {} on", file, name_,
                            end - begin, tensor.empty() ? "data" : tensor, count, at));
  for (int64_t i = first; i < first + count; ++i) {
    std::byte& byte = (*all)[static_cast<size_t>(i)];
    byte = how == Overwrite::kZero ? std::byte{0} : ~byte;
  }
  files_[file].faults.push_back({first, first + count, origin});
  if (auto written = write_bytes(file, *all); !written)
    return tl::make_unexpected(written.error());
  return true;
}

Result<bool> Store::retell(const std::string& file, const HeaderChange& change, OriginId origin) {
  auto all = bytes_of(file);
  if (!all) return tl::make_unexpected(all.error());
  const auto entry = entry_of(*all, file, change.tensor);
  if (!entry) return tl::make_unexpected(entry.error());
  if (!*entry) return false;
  const int64_t before = data_offset_of(*all, file).value_or(0);
  if (auto changed = change_header(*all, file, change); !changed)
    return tl::make_unexpected(changed.error());
  const int64_t moved = data_offset_of(*all, file).value_or(0) - before;
  File& known = files_[file];
  for (Fault& fault : known.faults) {
    fault.begin += moved;
    fault.end += moved;
  }
  if (change.again) {
    const auto size = static_cast<int64_t>(all->size());
    known.faults.push_back({size - static_cast<int64_t>(change.again->size()), size, origin});
  }
  const std::string& key = change.rename.empty() ? change.tensor : change.rename;
  if (auto saved = known.saved.extract(change.tensor)) known.saved[key] = saved.mapped();
  if (auto retold = known.retold.extract(change.tensor)) known.retold[key] = retold.mapped();
  if (change.retells()) known.retold.insert_or_assign(key, origin);
  if (auto written = write_bytes(file, *all); !written)
    return tl::make_unexpected(written.error());
  return true;
}

}  // namespace loadproof::sim
