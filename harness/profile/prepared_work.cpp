#include "harness/profile/prepared_work.h"

#include "harness/profile/attention_work.h"
#include "harness/profile/layer_work.h"
#include "harness/profile/named_layer.h"

namespace attest::harness {

std::unique_ptr<PreparedWork> prepare_work(std::string_view layer, const WorkItem& item, optimized::Target target) {
  if (item.kind != WorkKind::attention) return std::make_unique<LayerWork>(layer, item, target);
  return std::make_unique<AttentionWork>(named_config(layer), item, target);
}

}  // namespace attest::harness
