#include "harness/profile/prepared_work.h"

#include "harness/profile/attention_work.h"
#include "harness/profile/layer_work.h"

namespace attest::harness {

std::unique_ptr<PreparedWork> prepare_work(const ProfiledLayer& layer, const WorkItem& item, optimized::Target target,
                                           const optimized::Resources& resources) {
  if (item.kind != WorkKind::attention) return std::make_unique<LayerWork>(layer, item, target, resources);
  return std::make_unique<AttentionWork>(layer.config, item, optimized::Execution<float>(target, resources));
}

}  // namespace attest::harness
