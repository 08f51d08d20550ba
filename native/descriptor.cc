#include "descriptor.h"

#include "uring_queue.h"

namespace uncached_io {

Descriptor::~Descriptor() {
  if (const auto queue = ring.lock()) queue->Forget(*this);
  Close();
}

}  // namespace uncached_io
