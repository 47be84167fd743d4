// How fast bytes move between the parts of a cluster, for a first estimate of time.
//
// Bytes a second. The defaults are round figures for a node of eight accelerators of 2023: a shared
// file system or local NVMe of 5 GB/s a node, first writes of host memory at 20 GB/s a node (the
// kernel clears the pages), PCIe 5 at 50 GB/s and NVLink at 300 GB/s a rank, a network of 40 GB/s a
// rank. A scenario states its own by `links`.
#pragma once

namespace loadproof {

struct Links {
  double storage = 5e9;       // of a node: all its ranks that read or save at once share it
  double memory = 20e9;       // of a node: host memory that is written for the first time
  double host_device = 50e9;  // of a rank
  double intra_node = 300e9;  // of a rank
  double inter_node = 40e9;   // of a rank
  bool operator==(const Links&) const = default;
};

}  // namespace loadproof
