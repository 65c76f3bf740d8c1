#include "supervisor/cli/sealed_archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "ipc/core/check.h"

namespace nightjar::cli {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kNameBytes = 99;  // with its end
// What eleven octal digits can say.
constexpr uint64_t kFileBytes = (uint64_t{1} << 33) - 1;

void Octal(char* field, size_t digits, uint64_t value) {
  for (size_t i = digits; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
}

// POSIX.1-1988, "Extended tar format": name, mode, uid, gid, size, mtime, checksum, type, magic.
std::string Header(const std::string& name, uint64_t size, int64_t unix_s) {
  std::string block(kBlock, '\0');
  name.copy(block.data(), kNameBytes);
  Octal(&block[100], 7, 0600);
  Octal(&block[108], 7, 0);
  Octal(&block[116], 7, 0);
  Octal(&block[124], 11, size);
  Octal(&block[136], 11, static_cast<uint64_t>(std::max<int64_t>(unix_s, 0)));
  memset(&block[148], ' ', 8);
  block[156] = '0';
  memcpy(&block[257],
         "ustar\0"
         "00",
         8);
  uint64_t sum = 0;
  for (char c : block) sum += static_cast<unsigned char>(c);
  Octal(&block[148], 6, sum);
  block[154] = '\0';
  return block;
}

tl::unexpected<Error> IsThere(const std::string& file) {
  return Fail(ErrorCode::kExists, file + " is there already, and stays as it is");
}

}  // namespace

Result<std::unique_ptr<SealedArchive>> SealedArchive::Create(const std::string& file,
                                                             const std::string& folder,
                                                             int64_t unix_s) {
  struct stat there;
  if (lstat(file.c_str(), &there) == 0) return IsThere(file);
  std::unique_ptr<SealedArchive> archive(new SealedArchive(file, folder, unix_s));
  std::string beside = file + ".XXXXXX";
  archive->fd_ = Fd(mkostemp(beside.data(), O_CLOEXEC));
  if (!archive->fd_.valid()) return FailErrno("making a file beside " + file);
  archive->beside_ = std::move(beside);
  return archive;
}

SealedArchive::~SealedArchive() {
  if (!beside_.empty()) unlink(beside_.c_str());
}

Status SealedArchive::Write(std::string_view bytes) {
  sum_.Add(bytes);
  bytes_ += bytes.size();
  return WriteAll(fd_, bytes, ("writing " + file_).c_str());
}

Status SealedArchive::Add(const std::string& name, std::string_view content) {
  NJ_TRY(Begin(name, content.size()));
  NJ_TRY(Append(content));
  return End();
}

Status SealedArchive::Begin(const std::string& name, uint64_t size) {
  CHECK(name_.empty());
  std::string path = folder_ + "/" + name;
  if (path.size() > kNameBytes || size > kFileBytes)
    return Fail(ErrorCode::kInvalid, path + " does not fit into an archive");
  name_ = name;
  left_ = file_bytes_ = size;
  return Write(Header(path, size, unix_s_));
}

Status SealedArchive::Append(std::string_view part) {
  if (part.size() > left_)
    return Fail(ErrorCode::kProtocol, name_ + " is longer than it was said to be");
  left_ -= part.size();
  file_sum_.Add(part);
  return Write(part);
}

Status SealedArchive::End() {
  if (left_ > 0) return Fail(ErrorCode::kProtocol, name_ + " is shorter than it was said to be");
  manifest_ += file_sum_.Take() + "  " + name_ + "\n";
  name_.clear();
  return Write(std::string((kBlock - file_bytes_ % kBlock) % kBlock, '\0'));
}

Result<SealedArchive::Sealed> SealedArchive::Seal() {
  const std::string manifest = manifest_;
  NJ_TRY(Add("MANIFEST", manifest));
  NJ_TRY(Write(std::string(2 * kBlock, '\0')));
  if (fsync(fd_.get()) != 0) return FailErrno("writing " + file_);
  NJ_TRY(Publish());
  return Sealed{sum_.Take(), bytes_};
}

Status SealedArchive::Publish() {
  if (renameat2(AT_FDCWD, beside_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) == 0) {
    beside_.clear();
    return {};
  }
  if (errno == EEXIST) return IsThere(file_);
  // A file system that cannot do both in one step; a link is not made over another file either.
  if (errno != EINVAL && errno != ENOSYS) return FailErrno("naming " + file_);
  if (link(beside_.c_str(), file_.c_str()) == 0) return {};
  return errno == EEXIST ? Status(IsThere(file_)) : Status(FailErrno("naming " + file_));
}

}  // namespace nightjar::cli
