#include "sim/steps/functions.h"

#include <algorithm>

#include "sim/check.h"
#include "sim/steps/function_parts.h"

namespace loadproof::sim {
namespace {

using namespace parts;

// In the order of kFunctionNames.
constexpr Function kTable[] = {
    {"add", add, same_element},
    {"sub", sub, same_element},
    {"mul", mul, same_element},
    {"div", div, same_element},
    {"mod", mod, same_element},
    {"minimum", minimum, same_element},
    {"maximum", maximum, same_element},
    {"neg", neg, same_element},
    {"exp", exp, same_element},
    {"log", log, same_element},
    {"abs", abs, same_element},
    {"sqrt", sqrt, same_element},
    {"reciprocal", reciprocal, same_element},
    {"round", round, same_element},
    {"floor", floor, same_element},
    {"cos", cos, same_element},
    {"sin", sin, same_element},
    {"neg_exp", neg_exp, same_element},
    {"nan_to_num", nan_to_num, same_element},
    {"quantise", quantise, same_block},
    {"dequantise", dequantise, same_block},
    {"lookup", lookup, looked_up},
    {"take", take, taken},
    {"put", put, put_there},
    {"select", select, selected},
    {"transpose", transpose, moved<transpose>},
    {"reshape", reshape, moved<reshape>},
    {"rope_permute", rope_permute, moved<rope_permute>},
    {"stack", stack, moved<stack>},
    {"concat", concat, moved<concat>},
    {"split", split, moved<split>},
    {"interleave", interleave, moved<interleave>},
    {"repeat", repeat, moved<repeat>},
    {"roll", roll, moved<roll>},
    {"pad", pad, padded},
    {"bitcast", bitcast, recast},
    {"matmul", matmul, row_and_column},
    {"sum", sum, along},
    {"mean", mean, along},
    {"max", max, along},
    {"min", min, along},
    {"prod", prod, along},
    {"norm", norm, along},
    {"argmax", argmax, along},
    {"softmax", softmax, whole_row},
    {"masked_sum", masked_sum, masked_rows},
};

}  // namespace

bool Function::goes_by_element() const { return parents == same_element; }

const Function& function_named(std::string_view name) {
  const auto* found = std::ranges::find(kTable, name, &Function::name);
  SIM_CHECK(found != std::end(kTable), "{} is no function", name);
  return *found;
}

}  // namespace loadproof::sim
