#include "sim/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "tests/sim/checkpoint/hand_made.h"

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kIndex = "model.safetensors.index.json";

// What opening the directory says, with the directory's own path written "DIR".
std::string fault(const ScratchDirectory& scratch) {
  const auto checkpoint = Checkpoint::open(scratch.path());
  if (checkpoint) return "";
  std::string message = checkpoint.error().message;
  const std::string path = scratch.path().string();
  for (size_t at = message.find(path); at != std::string::npos; at = message.find(path))
    message.replace(at, path.size(), "DIR");
  return message;
}

void put_shard(const ScratchDirectory& scratch, const std::string& name,
               const std::vector<std::string>& keys) {
  scratch.put(name, file_of(header_of_scalars(keys), 4 * keys.size()));
}

TEST(Checkpoint, OpensEveryRealOneWithItsTensors) {
  const std::map<std::string, size_t> tensor_counts = {
      {"gemma2_tied_bf16", 24},    {"gemma2_tied_fp32", 24},
      {"gpt2_tied_bf16", 28},      {"gpt2_tied_fp32", 28},
      {"llama_tied_bf16", 20},     {"llama_untied_fp32", 21},
      {"mixtral_untied_bf16", 41}, {"mixtral_untied_fp32", 41},
      {"qwen2_tied_bf16", 26},     {"qwen2_tied_bf16_sharded", 26},
      {"qwen2_tied_fp16", 26},     {"qwen2_tied_fp32", 26},
      {"qwen2_untied_bf16", 27},   {"qwen2_untied_fp16", 27},
      {"qwen2_untied_fp32", 27},   {"qwen2_untied_fp32_sharded", 27},
      {"qwen3_tied_bf16", 24},     {"qwen3_untied_fp32", 25}};
  for (const auto& [name, count] : tensor_counts) {
    const auto checkpoint = Checkpoint::open("scenarios/models/" + name);
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    EXPECT_EQ(checkpoint->tensors().size(), count) << name;
    EXPECT_TRUE(std::is_sorted(checkpoint->tensors().begin(), checkpoint->tensors().end(),
                               [](const auto& a, const auto& b) { return a.key < b.key; }));
  }
}

// What a tensor of one checkpoint is, whichever file it is in.
auto content(const Checkpoint& checkpoint) {
  std::map<std::string, std::tuple<DType, std::vector<int64_t>, std::string>> result;
  for (const CheckpointTensor& tensor : checkpoint.tensors())
    result[tensor.key] = {
        tensor.dtype, tensor.shape,
        std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size())};
  return result;
}

TEST(Checkpoint, HasTheSameContentShardedAndWhole) {
  for (const std::string name : {"qwen2_tied_bf16", "qwen2_untied_fp32"}) {
    const auto whole = Checkpoint::open("scenarios/models/" + name);
    const auto sharded = Checkpoint::open("scenarios/models/" + name + "_sharded");
    ASSERT_TRUE(whole && sharded);
    EXPECT_EQ(content(*whole), content(*sharded)) << name;
    EXPECT_EQ(whole->tensors().front().file, "model.safetensors");
    EXPECT_THAT(sharded->tensors().front().file, HasSubstr("-of-00003.safetensors"));
  }
}

TEST(Checkpoint, GivesTheBytesThatTheFileHasInTheRangeThatItNames) {
  auto opened = Checkpoint::open("scenarios/models/qwen2_untied_fp32_sharded");
  ASSERT_TRUE(opened);
  const Checkpoint checkpoint = std::move(*opened);  // the bytes stay where they are
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    std::ifstream file(checkpoint.directory() / tensor.file, std::ios::binary);
    file.seekg(tensor.file_begin);
    std::string read(static_cast<size_t>(tensor.file_end - tensor.file_begin), '\0');
    file.read(read.data(), static_cast<std::streamsize>(read.size()));
    ASSERT_EQ(read.size(), tensor.bytes.size());
    EXPECT_EQ(std::memcmp(read.data(), tensor.bytes.data(), read.size()), 0) << tensor.key;
  }
}

TEST(Checkpoint, FindsKeysAndNearMisses) {
  const auto checkpoint = Checkpoint::open("scenarios/models/qwen2_tied_bf16");
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->find("model.norm.weight")->shape, std::vector<int64_t>{32});
  EXPECT_EQ(checkpoint->find("lm_head.weight"), nullptr);
  EXPECT_EQ(checkpoint->find(""), nullptr);
  EXPECT_EQ(checkpoint->find("zzz"), nullptr);
  EXPECT_THAT(checkpoint->nearest("model.norm.wieght"), ElementsAre("model.norm.weight"));
  EXPECT_THAT(checkpoint->nearest("embed_tokens"), ElementsAre("model.embed_tokens.weight"));
}

TEST(Checkpoint, OpensDamagedOnesWhoseFilesAreSound) {
  for (const char* name : {"bad_extra_key_bf16", "bad_extra_key_fp32", "bad_missing_key_bf16",
                           "bad_missing_key_fp32", "bad_missing_norm_bf16", "bad_missing_norm_fp32",
                           "bad_nan_value_bf16", "bad_nan_value_fp32", "bad_no_lm_head_bf16",
                           "bad_no_lm_head_fp32", "bad_shape_bf16", "bad_shape_fp32"}) {
    const auto checkpoint = Checkpoint::open(fs::path("tests/data") / name);
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
  }
}

TEST(Checkpoint, RefusesATruncatedOne) {
  const auto checkpoint = Checkpoint::open("tests/data/bad_truncated_bf16");
  ASSERT_FALSE(checkpoint);
  EXPECT_THAT(checkpoint.error().message,
              HasSubstr("tests/data/bad_truncated_bf16/model.safetensors: "
                        "incomplete metadata, file not fully covered"));
}

TEST(Checkpoint, RefusesOneWithoutAShardThatItsIndexNames) {
  const auto checkpoint = Checkpoint::open("tests/data/bad_missing_shard_fp32");
  ASSERT_FALSE(checkpoint);
  EXPECT_EQ(checkpoint.error().message,
            "tests/data/bad_missing_shard_fp32/model.safetensors.index.json: it names "
            "\"model-00003-of-00003.safetensors\" for 1 tensor, but that file is missing");
}

TEST(Checkpoint, SuggestsSiblingsOfADirectoryThatIsMissing) {
  for (const char* path :
       {"scenarios/models/qwen2_tied_bf61", "scenarios/models/qwen2_tied_bf61/"}) {
    const auto checkpoint = Checkpoint::open(path);
    ASSERT_FALSE(checkpoint);
    EXPECT_EQ(checkpoint.error().message, "there is no checkpoint directory " + std::string(path) +
                                              " (did you mean \"qwen2_tied_bf16\"?)");
  }
  EXPECT_EQ(Checkpoint::open("/nowhere/at/all").error().message,
            "there is no checkpoint directory /nowhere/at/all");
  EXPECT_EQ(Checkpoint::open("").error().message, "there is no checkpoint directory ");
}

TEST(Checkpoint, RefusesAFileInPlaceOfADirectory) {
  EXPECT_EQ(Checkpoint::open("scenarios/models/qwen2_tied_bf16/config.json").error().message,
            "scenarios/models/qwen2_tied_bf16/config.json is not a directory with a checkpoint");
}

TEST(Checkpoint, SaysWhatItLookedForInADirectoryWithoutWeights) {
  const ScratchDirectory scratch;
  scratch.put("config.json", "{}");
  EXPECT_EQ(fault(scratch),
            "DIR has no weights: neither model.safetensors nor "
            "model.safetensors.index.json is there");
  scratch.put("pytorch_model.bin", "");
  EXPECT_EQ(fault(scratch),
            "DIR has no weights: neither model.safetensors nor "
            "model.safetensors.index.json is there; pytorch_model.bin is there, "
            "but pickled weights are not read");
}

TEST(Checkpoint, TakesTheWholeFileWhereBothAreThere) {
  const ScratchDirectory scratch;
  put_shard(scratch, "model.safetensors", {"a"});
  scratch.put(kIndex, "not read");
  EXPECT_EQ(fault(scratch), "");
}

TEST(Checkpoint, FindsEveryLieOfAnIndexAtOnce) {
  const ScratchDirectory scratch;
  scratch.put(kIndex,
              R"({"weight_map":{"absent":"1","both":"1","gone1":"3","gone2":"3","good":"1",)"
              R"("moved":"1","unread":"4"}})");
  put_shard(scratch, "1", {"both", "good", "unnamed"});
  scratch.put("4", "short");
  EXPECT_EQ(fault(scratch),
            "DIR/model.safetensors.index.json: it names \"3\" for 2 tensors, but that file is "
            "missing\n"
            "DIR/4: it has 5 bytes, too few for the 8 that hold the header's length\n"
            "DIR/model.safetensors.index.json: it says that \"absent\" is in \"1\", but that file "
            "lacks it\n"
            "DIR/model.safetensors.index.json: it says that \"moved\" is in \"1\", but that file "
            "lacks it\n"
            "DIR/model.safetensors.index.json: it does not name \"unnamed\", which is in \"1\"");
  scratch.put(kIndex, R"({"weight_map":{"both":"1","good":"1","unnamed":"1","other":"2",)"
                      R"("moved":"1"}})");
  put_shard(scratch, "2", {"both", "moved", "other"});
  EXPECT_EQ(fault(scratch),
            "DIR/model.safetensors.index.json: it says that \"moved\" is in \"1\", but it is in "
            "\"2\"\n"
            "DIR/model.safetensors.index.json: \"both\" is both in \"1\" and in \"2\"");
}

TEST(Checkpoint, RefusesAnIndexThatLeavesTheDirectory) {
  const ScratchDirectory scratch;
  scratch.put(kIndex, R"({"weight_map":{"a":"../secret.safetensors"}})");
  EXPECT_EQ(fault(scratch),
            "DIR/model.safetensors.index.json: the file of \"a\" is "
            "\"../secret.safetensors\", which is no file within the directory");
}

TEST(Checkpoint, FollowsLinksAsTheHuggingFaceCacheHasThem) {
  const ScratchDirectory blobs;
  const ScratchDirectory scratch;
  put_shard(blobs, "blob", {"a"});
  fs::create_symlink(blobs.path() / "blob", scratch.path() / "model.safetensors");
  EXPECT_EQ(fault(scratch), "");
  fs::remove(blobs.path() / "blob");
  EXPECT_EQ(fault(scratch), "cannot open DIR/model.safetensors: No such file or directory");
}

TEST(Checkpoint, KeepsTensorsWithoutElements) {
  const ScratchDirectory scratch;
  scratch.put("model.safetensors",
              file_of(R"({"e":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}})", 0));
  const auto checkpoint = Checkpoint::open(scratch.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_TRUE(checkpoint->find("e")->bytes.empty());
}

}  // namespace
}  // namespace loadproof::sim
