#include "model/embedding/block_pool.h"

#include <algorithm>
#include <utility>

namespace polyscene {

void LivingViews::Add(uint64_t epoch, std::shared_ptr<const ViewLease> lease) {
  views_.push_back({epoch, std::move(lease)});
}

void LivingViews::ForgetEnded() {
  const auto ended = [](const View& view) { return view.lease->ended.load(std::memory_order_acquire); };
  views_.erase(std::remove_if(views_.begin(), views_.end(), ended), views_.end());
}

bool LivingViews::AnyIn(uint64_t birth, uint64_t death) const {
  const auto view = std::lower_bound(views_.begin(), views_.end(), birth,
                                     [](const View& v, uint64_t epoch) { return v.epoch < epoch; });
  return view != views_.end() && view->epoch < death;
}

uint32_t BlockPool::Take(uint64_t epoch) {
  if (free_.empty()) {
    births_.push_back(epoch);
    return static_cast<uint32_t>(births_.size() - 1);
  }
  const uint32_t block = free_.back();
  free_.pop_back();
  births_[block] = epoch;
  return block;
}

void BlockPool::Retire(uint32_t block, uint64_t epoch) { retired_.push_back({block, births_[block], epoch}); }

void BlockPool::Reclaim(const LivingViews& living) {
  const auto free = [&](const Retired& retired) {
    if (living.AnyIn(retired.birth, retired.death)) return false;
    free_.push_back(retired.block);
    return true;
  };
  retired_.erase(std::remove_if(retired_.begin(), retired_.end(), free), retired_.end());
}

}  // namespace polyscene
