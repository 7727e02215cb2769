// The one precompiled header of everything that uses LibTorch.
#include <torch/torch.h>
