#include "supervisor/cli/upload.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <filesystem>

#include "ipc/core/bounds.h"
#include "supervisor/cli/input_file.h"
#include "supervisor/cli/quantity.h"

namespace nightjar::cli {
namespace {

namespace fs = std::filesystem;

class UploadReader {
 public:
  explicit UploadReader(Session& session) : session_(session) {}

  bool Add(const fs::path& path) {
    std::error_code failed;
    fs::path name = fs::weakly_canonical(path, failed).filename();
    if (failed || name.empty())
      return Complain(path.string() + " has no name of its own to be deployed by");
    if (!fs::is_directory(path, failed)) return AddFile(path, name);
    return AddFolder(path, name);
  }

  proto::Upload Take() { return std::move(upload_); }

 private:
  bool Complain(const std::string& sentence) {
    session_.Complain(kUsage, sentence);
    return false;
  }

  // In the order of their names, so that the same files are the same upload.
  bool AddFolder(const fs::path& folder, const fs::path& name) {
    std::error_code failed;
    std::vector<fs::path> found;
    for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
         at.increment(failed))
      if (!at->is_directory(failed)) found.push_back(at->path());
    if (failed) return Complain("cannot read " + folder.string() + ": " + failed.message());
    std::sort(found.begin(), found.end());
    return std::all_of(found.begin(), found.end(), [&](const fs::path& file) {
      return AddFile(file, name / file.lexically_relative(folder));
    });
  }

  bool AddFile(const fs::path& file, const fs::path& name) {
    std::error_code failed;
    if (!fs::is_regular_file(file, failed))
      return Complain(file.string() +
                      (failed || !fs::exists(file) ? " is not there" : " is no file"));
    if (upload_.files_size() >= static_cast<int>(bounds::kCanvasFiles))
      return Complain("at most " + std::to_string(bounds::kCanvasFiles) +
                      " files can be deployed with a canvas");
    auto content = ReadInput(session_, file.string(), bounds::kUploadBytes);
    if (!content) return false;
    proto::CanvasFile& added = *upload_.add_files();
    added.set_path(name.generic_string());
    added.set_content(std::move(*content));
    auto bits = fs::status(file, failed).permissions();
    added.set_executable((bits & fs::perms::owner_exec) != fs::perms::none);
    return true;
  }

  Session& session_;
  proto::Upload upload_;
};

}  // namespace

std::optional<std::string> UploadText(Session& session, const std::string& source,
                                      const std::vector<std::string>& paths) {
  UploadReader reader(session);
  for (const std::string& path : paths)
    if (!reader.Add(path)) return std::nullopt;
  proto::Upload upload = reader.Take();
  upload.set_source(source);
  std::string json;
  bool written = google::protobuf::util::MessageToJsonString(upload, &json).ok();
  if (written && json.size() <= bounds::kUploadBytes) return json;
  session.Complain(kUsage, written ? "a canvas and its files are at most " +
                                         BytesText(bounds::kUploadBytes) + " as JSON"
                                   : "the canvas file is not UTF-8 text");
  return std::nullopt;
}

}  // namespace nightjar::cli
