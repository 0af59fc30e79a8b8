#include <cstdio>
#include <initializer_list>

#include "every_header.h"

namespace {

using namespace attest;

/// The first call of a recorded case, made as a user of the library makes it; true if every element is near
/// torchtune's.
bool forward_is_near(const Case& item) {
  const Step& step = item.steps.front();
  const Tensor& recorded = step.expected.at(Stage::output);
  optimized::MultiHeadAttention layer(item.layer, optimized::choose_target());
  Tensor output(DType::float32, recorded.shape());
  layer.forward(step.inputs, output);
  const Tensor plain = reference::MultiHeadAttention<float>(item.layer).forward(step.inputs).at(Stage::output);
  bool near = recorded.size() > 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(recorded.size()); ++i) {
    for (const Tensor* ours : std::initializer_list<const Tensor*>{&output, &plain}) {
      const float difference = ours->as<float>()[i] - recorded.as<float>()[i];
      near = near && difference <= 1e-3F && difference >= -1e-3F;
    }
  }
  return near;
}

}  // namespace

/// Computes one case file with the installed library, then judges it with everything that is installed; exit code 0 if
/// both went well.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (!forward_is_near(read_case(argv[1]))) return 1;
  const harness::CaseOutcome outcome = harness::verify_case(argv[1], harness::line_up({}), {});
  std::printf("%s: %zu results\n", outcome.name.c_str(), outcome.results.size());
  return outcome.status == harness::Status::passed ? 0 : 1;
}
