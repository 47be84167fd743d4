// Files made by hand for the checkpoint tests: the bytes of a safetensors file from the text of its
// header, and a directory that is removed with its files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loadproof::sim {

inline std::string length_bytes(uint64_t length) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes;
}

// A file whose header length is right.
inline std::string file_of(std::string_view header, size_t data_size) {
  return length_bytes(header.size()) + std::string(header) + std::string(data_size, 'd');
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The header of one scalar F32 tensor per key, one after the other.
inline std::string header_of_scalars(const std::vector<std::string>& keys) {
  std::string header;
  for (size_t i = 0; i < keys.size(); ++i)
    header += (i == 0 ? "{\"" : ",\"") + keys[i] +
              "\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[" + std::to_string(4 * i) +
              "," + std::to_string(4 * i + 4) + "]}";
  return header + "}";
}

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "loadproof-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }

  void put(const std::string& name, std::string_view content) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace loadproof::sim
