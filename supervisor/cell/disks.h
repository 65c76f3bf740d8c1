// The disk that a path's file system lies on, as control groups name it.
//
// The kernel limits reads of whole disks: a partition is no answer here, its disk is. Asks the
// kernel, changes nothing. Any thread.
#pragma once

#include <optional>
#include <string>

#include "supervisor/cell/cell.h"

namespace nightjar {

// None where the file system is on no block device (in memory, over a network, an overlay), or does
// not say on which (btrfs), and where the path is not there.
std::optional<Disk> DiskOf(const std::string& path);

// Of a device: itself, or where it is a partition the disk that it is a part of. `devices`: a
// directory with an entry MAJOR:MINOR for each block device.
std::optional<Disk> WholeDisk(const Disk& device, const std::string& devices = "/sys/dev/block");

// "8:16", as the kernel writes it. What is not so is none.
std::string NameOf(const Disk& disk);
std::optional<Disk> ParseDisk(std::string_view text);

}  // namespace nightjar
