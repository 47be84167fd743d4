// Any text as a model.safetensors.index.json: it is refused with a message, or every file that it
// names lies within the directory.
#include <filesystem>

#include "sim/check.h"
#include "sim/checkpoint/index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto index =
      loadproof::sim::parse_index({reinterpret_cast<const char*>(data), size}, "file");
  if (!index) {
    const std::string& message = index.error().message;
    SIM_CHECK(message.starts_with("file:"), "the message does not name the file: {}", message);
    for (char c : message)
      SIM_CHECK(c == '\n' || static_cast<unsigned char>(c) >= 0x20, "a control character gets out");
    return 0;
  }
  SIM_CHECK(!index->weight_map.empty(), "an index without tensors is accepted");
  for (const auto& [key, file] : index->weight_map) {
    const auto path = (std::filesystem::path("/dir") / file).lexically_normal();
    SIM_CHECK(path.string().starts_with("/dir/"), "{} leads out of the directory", file);
  }
  return 0;
}
