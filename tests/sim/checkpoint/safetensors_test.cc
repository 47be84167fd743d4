#include "sim/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/checkpoint/hand_made.h"

namespace loadproof::sim {
namespace {

// What the reader says of a file, without the file's name; "" when it accepts it.
std::string fault(std::string_view file, HeaderRules rules = {}) {
  const auto header = parse_safetensors(bytes_of(file), "f", rules);
  if (header) return "";
  std::string message = header.error().message;
  for (size_t at = 0; at != std::string::npos; at = message.find("\nf: ", at)) {
    if (at > 0) ++at;
    if (message.compare(at, 3, "f: ") != 0) return "without the file's name: " + message;
    message.erase(at, 3);
  }
  return message;
}

// The same for a header whose one tensor "t" has these fields, before 8 bytes of data.
std::string fault_of_tensor(const std::string& fields) {
  std::string message = fault(file_of("{\"t\":" + fields + "}", 8));
  if (message.starts_with("tensor \"t\" ")) message.erase(0, 11);
  return message;
}

TEST(Safetensors, ReadsNamesTypesShapesRangesAndMetadata) {
  const std::string header = R"({"__metadata__":{"format":"pt","n":"1"},)"
                             R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
                             R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   )";
  const auto read = parse_safetensors(bytes_of(file_of(header, 16)), "f");
  ASSERT_TRUE(read) << read.error().message;
  const SafetensorsHeader expected = {
      .tensors = {{"a", DType::kFloat32, {}, 0, 4}, {"b", DType::kBFloat16, {2, 3}, 4, 16}},
      .metadata = {{"format", "pt"}, {"n", "1"}},
      .data_offset = static_cast<int64_t>(8 + header.size())};
  EXPECT_EQ(*read, expected);
}

TEST(Safetensors, ReadsEveryDType) {
  for (DType dtype : kAllDTypes) {
    const std::string size = std::to_string(item_size(dtype));
    const std::string header = "{\"t\":{\"dtype\":\"" + std::string(safetensors_name(dtype)) +
                               "\",\"shape\":[1],\"data_offsets\":[0," + size + "]}}";
    const std::string file = file_of(header, static_cast<size_t>(item_size(dtype)));
    const auto read = parse_safetensors(bytes_of(file), "f");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->tensors[0].dtype, dtype);
  }
}

TEST(Safetensors, AcceptsTensorsWithoutElementsAndFilesWithoutTensors) {
  EXPECT_EQ(fault(file_of("{}", 0)), "");
  EXPECT_EQ(fault(file_of("{\"__metadata__\":{}}  ", 0)), "");
  EXPECT_EQ(fault(file_of(R"({"z":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]},)"
                          R"("a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                          R"("e":{"dtype":"F64","shape":[7,0],"data_offsets":[3,3]}})",
                          3)),
            "");
}

TEST(Safetensors, RefusesAFileTooShortForTheLength) {
  EXPECT_EQ(fault(""), "it has 0 bytes, too few for the 8 that hold the header's length");
  EXPECT_EQ(fault("1234567"), "it has 7 bytes, too few for the 8 that hold the header's length");
}

TEST(Safetensors, RefusesHeaderLengthsThatCannotBe) {
  EXPECT_EQ(fault(length_bytes(0) + "{}"), "its header length is 0");
  EXPECT_EQ(fault(length_bytes(3) + "{}"), "its header length is 3, but only 2 bytes follow it");
  EXPECT_EQ(fault(length_bytes(100'000'000) + "{}"),
            "its header length is 100000000, but only 2 bytes follow it");
  EXPECT_EQ(fault(length_bytes(100'000'001) + "{}"),
            "its header length is 100000001, over the limit of 100000000 bytes");
  EXPECT_EQ(fault(length_bytes(UINT64_MAX) + "{}"),
            "its header length is 18446744073709551615, over the limit of 100000000 bytes");
}

TEST(Safetensors, AcceptsAHeaderOfExactlyTheLimit) {
  std::string header = "{}";
  header.resize(100'000'000, ' ');
  EXPECT_EQ(fault(file_of(header, 0)), "");
}

TEST(Safetensors, RefusesAHeaderThatIsNoJsonObject) {
  EXPECT_EQ(fault(file_of(" {}", 0)), "its header begins with \" \" instead of \"{\"");
  EXPECT_EQ(fault(file_of("[]", 0)), "its header begins with \"[\" instead of \"{\"");
  EXPECT_EQ(fault(file_of("\xef\xbb\xbf{}", 0)),
            "its header begins with \"\\xef\" instead of \"{\"");
  EXPECT_EQ(fault(file_of("{\"a\":}", 0)),
            "its header is not JSON at byte 13 of the file: syntax error while parsing value - "
            "unexpected '}'; expected '[', '{', or a literal");
  EXPECT_EQ(fault(file_of("{} {}", 0)),
            "its header is not JSON at byte 11 of the file: syntax error while parsing value - "
            "unexpected '{'; expected end of input");
  EXPECT_EQ(
      fault(file_of("{\"a\xc3\":1}", 0)),
      "its header is not JSON at byte 12 of the file: syntax error while parsing object key - "
      "invalid string: ill-formed UTF-8 byte");
  EXPECT_EQ(fault(file_of(std::string("{}\0", 3), 0)),
            "its header is not JSON at byte 10 of the file: a NUL byte is not JSON");
}

TEST(Safetensors, RefusesDuplicateKeys) {
  EXPECT_EQ(fault(file_of(header_of_scalars({"a", "b", "a"}), 12)),
            "its header is refused: the key \"a\" is there twice");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})"),
            "its header is refused: the key \"shape\" is there twice");
  EXPECT_EQ(fault(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0)),
            "its header is refused: the key \"k\" is there twice");
}

TEST(Safetensors, RefusesBombs) {
  EXPECT_EQ(fault(file_of("{\"t\":" + std::string(1'000'000, '['), 0)),
            "its header is refused: it is nested more than 3 levels deep");
  std::string shape = "1";
  for (int i = 0; i < 64; ++i) shape += ",1";
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F64","shape":[)" + shape + R"(],"data_offsets":[0,8]})"),
            "its header is refused: an array has more than 64 elements");
}

TEST(Safetensors, RefusesTensorsOfTheWrongForm) {
  EXPECT_EQ(fault_of_tensor("3"),
            "is a whole number instead of an object with dtype, shape and data_offsets");
  EXPECT_EQ(fault_of_tensor("{}"),
            "has no dtype\ntensor \"t\" has no shape\n"
            "tensor \"t\" has no data_offsets");
  EXPECT_EQ(fault_of_tensor(R"({"dtpye":"F64","dtype":"F64","shape":[1],"data_offsets":[0,8]})"),
            "has the unknown field \"dtpye\" (did you mean \"dtype\"?)");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":64,"shape":[1],"data_offsets":[0,8]})"),
            "has a dtype that is a whole number instead of a string");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F64","shape":1,"data_offsets":[0,8]})"),
            "has a shape that is a whole number instead of an array");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F64","shape":[1],"data_offsets":"0,8"})"),
            "has a data_offsets that is a string instead of an array");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F64","shape":[1],"data_offsets":[8]})"),
            "has 1 data_offsets instead of 2");
}

TEST(Safetensors, RefusesDTypesThatItDoesNotKnow) {
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"bf16","shape":[4],"data_offsets":[0,8]})"),
            "has the unknown dtype \"bf16\" (did you mean \"BF16\"?)");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"quaternion","shape":[4],"data_offsets":[0,8]})"),
            "has the unknown dtype \"quaternion\"; known are "
            "BOOL, U8, I8, I16, I32, I64, F8_E4M3, F8_E5M2, F16, BF16, F32, F64");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"U64","shape":[1],"data_offsets":[0,8]})"),
            "has dtype \"U64\", which is not supported here; supported are "
            "BOOL, U8, I8, I16, I32, I64, F8_E4M3, F8_E5M2, F16, BF16, F32, F64");
}

TEST(Safetensors, RefusesNumbersThatAreNoSizes) {
  for (const std::string number :
       {"-1", "-0", "1.0", "1e2", "9223372036854775808", "\"1\"", "null"}) {
    const std::string fields =
        R"({"dtype":"F64","shape":[)" + number + R"(],"data_offsets":[0,8]})";
    EXPECT_THAT(fault_of_tensor(fields),
                testing::HasSubstr("in its shape, which must be whole numbers from 0 to 2^63 - 1"))
        << number;
  }
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F64","shape":[-2],"data_offsets":[0,8]})"),
            "has \"-2\" in its shape, which must be whole numbers from 0 to 2^63 - 1");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F64","shape":[1],"data_offsets":[0,8.0]})"),
            "has \"8.0\" in its data_offsets, which must be whole numbers from 0 to 2^63 - 1");
}

TEST(Safetensors, RefusesShapesThatOverflow) {
  EXPECT_EQ(
      fault_of_tensor(R"({"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
      "has more bytes than 64 bits can count: F64 [4294967296, 4294967296]");
  // The product without the element's size fits.
  EXPECT_EQ(
      fault_of_tensor(R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,8]})"),
      "has more bytes than 64 bits can count: F64 [2305843009213693952]");
  // The real library multiplies from the left, too.
  EXPECT_EQ(
      fault_of_tensor(R"({"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})"),
      "has more bytes than 64 bits can count: U8 [4294967296, 4294967296, 0]");
}

TEST(Safetensors, RefusesRangesThatDoNotFitTheTensor) {
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F64","shape":[1],"data_offsets":[8,0]})"),
            "has data_offsets that end before they begin: [8, 0)");
  EXPECT_EQ(fault_of_tensor(R"({"dtype":"F32","shape":[2,2],"data_offsets":[0,8]})"),
            "needs 16 bytes for F32 [2, 2], but its data_offsets [0, 8) hold 8");
}

TEST(Safetensors, RefusesOverlaps) {
  EXPECT_EQ(fault(file_of(R"({"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},)"
                          R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                          8)),
            "tensors \"a\" [0, 6) and \"b\" [4, 8) overlap");
  // "c" begins after "b", which lies in "a": it is "a" that it overlaps.
  EXPECT_EQ(fault(file_of(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                          R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},)"
                          R"("c":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
                          8)),
            "tensors \"a\" [0, 8) and \"b\" [2, 3) overlap\n"
            "tensors \"a\" [0, 8) and \"c\" [4, 4) overlap");
}

TEST(Safetensors, RefusesHoles) {
  EXPECT_EQ(fault(file_of(R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]},)"
                          R"("a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                          8)),
            "tensor \"a\" begins at 1, but bytes [0, 1) before it belong to no tensor\n"
            "tensor \"b\" begins at 6, but bytes [3, 6) before it belong to no tensor");
}

TEST(Safetensors, RefusesTruncatedFilesInTheRealLibrarysWords) {
  EXPECT_EQ(
      fault(file_of(header_of_scalars({"a", "b", "c"}), 7)),
      "incomplete metadata, file not fully covered: the header describes 12 bytes of data, "
      "but the file has only 7: it is truncated; tensor \"b\" (and 1 more) reaches beyond its "
      "end");
  EXPECT_EQ(fault(file_of(header_of_scalars({"a"}), 0)),
            "incomplete metadata, file not fully covered: the header describes 4 bytes of data, "
            "but the file has only 0: it is truncated; tensor \"a\" reaches beyond its end");
}

TEST(Safetensors, RefusesDataAfterTheLastTensor) {
  EXPECT_EQ(fault(file_of(header_of_scalars({"a"}), 5)),
            "incomplete metadata, file not fully covered: the header describes 4 bytes of data, "
            "but the file has 5: the last 1 belong to no tensor");
}

TEST(Safetensors, GivesUpWhatItIsTold) {
  const std::string late = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})";
  EXPECT_THAT(fault(file_of(late, 4)), testing::HasSubstr("belong to no tensor"));
  EXPECT_EQ(fault(file_of(late, 4), {.any_layout = true}), "");
  EXPECT_EQ(fault(file_of(late, 1), {.any_layout = true}), "");
  EXPECT_THAT(fault(file_of(late, 5), {.any_layout = true}), testing::HasSubstr("the last 1"));
  EXPECT_EQ(fault(file_of(late, 5), {.any_layout = true, .trailing = true}), "");
  EXPECT_THAT(fault(file_of(late, 5), {.trailing = true}), testing::HasSubstr("begins at 2"));
}

TEST(Safetensors, RefusesMetadataThatIsNotText) {
  EXPECT_EQ(fault(file_of(R"({"__metadata__":[]})", 0)),
            "__metadata__ is an array instead of an object");
  EXPECT_EQ(fault(file_of(R"({"__metadata__":{"step":3}})", 0)),
            "__metadata__ has a whole number for \"step\" instead of a string");
}

TEST(Safetensors, ReportsAllFaultsAtOnceUpToALimit) {
  EXPECT_EQ(fault(file_of(R"({"__metadata__":1,"b":2,"a":{"dtype":"F3","shape":[-1],)"
                          R"("data_offsets":[0,4]}})",
                          4)),
            "__metadata__ is a whole number instead of an object\n"
            "tensor \"a\" has the unknown dtype \"F3\" (did you mean \"F32\"?)\n"
            "tensor \"a\" has \"-1\" in its shape, which must be whole numbers from 0 to 2^63 - 1\n"
            "tensor \"b\" is a whole number instead of an object with dtype, shape and "
            "data_offsets");
  std::string header = "{\"0\":0";
  for (int i = 1; i < 25; ++i) header += ",\"" + std::to_string(i) + "\":0";
  const std::string file = file_of(header + "}", 0);
  const auto many = parse_safetensors(bytes_of(file), "f");
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().message, testing::EndsWith("data_offsets\n… and 5 more"));
}

}  // namespace
}  // namespace loadproof::sim
