#include "sim/program.h"

namespace loadproof {
namespace {

int number_from(std::vector<Step>& steps, int next) {
  for (Step& step : steps) {
    step.index = next++;
    next = number_from(step.body, next);
  }
  return next;
}

void append(const std::vector<Step>& steps, std::vector<const Step*>& list) {
  for (const Step& step : steps) {
    list.push_back(&step);
    append(step.body, list);
  }
}

}  // namespace

int number_steps(Program& program) { return number_from(program.steps, 0); }

std::vector<const Step*> flat_steps(const Program& program) {
  std::vector<const Step*> list;
  append(program.steps, list);
  return list;
}

}  // namespace loadproof
