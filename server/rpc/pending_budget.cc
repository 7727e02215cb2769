#include "server/rpc/pending_budget.h"

#include <utility>

namespace polyscene {

bool PendingBudget::HasRoom(std::function<void()> wake) {
  MutexLock lock(&mu_);
  if (used_bytes_ < limit_bytes_) return true;
  waiting_.push_back(std::move(wake));
  return false;
}

void PendingBudget::Add(int64_t bytes) {
  MutexLock lock(&mu_);
  used_bytes_ += bytes;
}

void PendingBudget::Remove(int64_t bytes) {
  std::vector<std::function<void()>> woken;
  {
    MutexLock lock(&mu_);
    used_bytes_ -= bytes;
    if (used_bytes_ < limit_bytes_) woken.swap(waiting_);
  }
  for (const std::function<void()>& wake : woken) wake();
}

}  // namespace polyscene
