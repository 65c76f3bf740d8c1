// An archive of evidence: a POSIX tar (ustar) of one folder, its last file a MANIFEST of checksums,
// so that `tar` and `sha256sum -c` are all that it takes to verify it.
//
// It is written beside its place under another name and put there when it is whole; until then
// there is nothing under its name, and what was begun goes with this. A file that is in its place
// stays. Its files are for this user alone. Blocks; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"
#include "supervisor/cli/sha256_sum.h"

namespace nightjar::cli {

class SealedArchive {
 public:
  // `folder` is in front of every name in it; `unix_s` is when its files are said to be of.
  // kExists: there is such a file.
  static Result<std::unique_ptr<SealedArchive>> Create(const std::string& file,
                                                       const std::string& folder, int64_t unix_s);
  ~SealedArchive();

  Status Add(const std::string& name, std::string_view content);
  // The same in parts: exactly `size` bytes of them.
  Status Begin(const std::string& name, uint64_t size);
  Status Append(std::string_view part);
  Status End();

  struct Sealed {
    std::string sha256;  // of the whole file
    uint64_t bytes = 0;
  };
  // Adds the manifest; it is whole, on the disk and in its place. kExists: somebody made that file
  // meanwhile.
  Result<Sealed> Seal();

 private:
  SealedArchive(std::string file, std::string folder, int64_t unix_s)
      : file_(std::move(file)), folder_(std::move(folder)), unix_s_(unix_s) {}
  Status Write(std::string_view bytes);
  Status Publish();

  std::string file_, folder_;
  int64_t unix_s_;
  std::string beside_;  // where it is written; empty: there is nothing there
  Fd fd_;
  std::string manifest_;
  std::string name_;         // of the file that is being added
  uint64_t left_ = 0;        // of it
  uint64_t file_bytes_ = 0;  // of it, all
  uint64_t bytes_ = 0;       // of the archive
  Sha256Sum file_sum_, sum_;
};

}  // namespace nightjar::cli
