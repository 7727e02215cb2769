#include "model/device/device_queue.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace polyscene {
namespace {

c10::Stream QueueOf(torch::Device device) {
  const c10::impl::VirtualGuardImpl devices(device.type());
  return device.is_cpu() ? devices.getStream(device) : devices.getStreamFromGlobalPool(device, /*isHighPriority=*/true);
}

}  // namespace

DeviceQueue::DeviceQueue(torch::Device device) : stream_(QueueOf(device)) {}

void WaitForOwnWork(torch::Device device) {
  c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
}

}  // namespace polyscene
