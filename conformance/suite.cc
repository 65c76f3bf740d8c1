#include "conformance/suite.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "conformance/expression_file.h"
#include "conformance/expression_runner.h"
#include "conformance/http_runner.h"

namespace nightjar::conformance {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNetworkCases = "http client";
constexpr size_t kShownOfCode = 200;

Result<std::string> ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return Fail(ErrorCode::kNotFound, "reading " + path.string());
  return text.str();
}

bool IsCaseFile(const fs::path& path) {
  return path.extension() == ".tests" || path.extension() == ".test";
}

class SuiteRun {
 public:
  SuiteRun(const SuiteOptions& options, std::ostream& out)
      : options_(options), out_(out), report_(out) {}

  Result<Counts> Run() {
    if (options_.paths.empty()) NJ_TRY(Collect(options_.suite));
    for (const std::string& path : options_.paths) NJ_TRY(Collect(Where(path)));
    std::sort(files_.begin(), files_.end());
    files_.erase(std::unique(files_.begin(), files_.end()), files_.end());
    for (const fs::path& file : files_) NJ_TRY(File(file));
    if (!options_.list) report_.Finish();
    return report_.counts();
  }

 private:
  // A path that is not here may be in the suite.
  fs::path Where(const std::string& path) const {
    std::error_code ignored;
    fs::path inside = fs::path(options_.suite) / path;
    if (!fs::exists(path, ignored) && fs::exists(inside, ignored)) return inside;
    return path;
  }

  Status Collect(const fs::path& path) {
    std::error_code failed;
    if (fs::is_regular_file(path, failed)) {
      if (!IsCaseFile(path))
        return Fail(ErrorCode::kInvalid, path.string() + " is neither a .tests nor a .test file");
      files_.push_back(path);
      return {};
    }
    fs::recursive_directory_iterator at(path, failed);
    if (failed) return Fail(ErrorCode::kNotFound, "there is no file or folder " + path.string());
    for (; at != fs::recursive_directory_iterator(); at.increment(failed))
      if (at->is_regular_file() && IsCaseFile(at->path())) files_.push_back(at->path());
    return {};
  }

  // As it is told: from the suite's folder where it lies in there.
  std::string Name(const fs::path& file) const {
    std::error_code failed;
    fs::path inside = options_.suite.empty() ? file : fs::relative(file, options_.suite, failed);
    std::string name = inside.string();
    return failed || name.starts_with("..") ? file.string() : name;
  }

  bool Wanted(const std::string& file, const std::string& text) const {
    return options_.only.empty() || (file + ":" + text).find(options_.only) != std::string::npos;
  }

  Status File(const fs::path& path) {
    std::string name = Name(path);
    if (path.extension() == ".tests") return Expressions(path, name);
    for (const fs::path& part : path)
      if (part == "httphandler") return Http(path, name);
    return Skip(name);
  }

  Status Http(const fs::path& path, const std::string& name) {
    if (!Wanted(name, "")) return {};
    if (options_.list) {
      out_ << name << "\n";
      return {};
    }
    NJ_ASSIGN(std::string text, ReadFile(path));
    auto one = ReadHttpFile(text, CanvasNamed(path.stem().string()),
                            [&](const std::string& import) { return ReadData(path, import); });
    if (!one) return Wrap(one.error(), name);
    if (http_ == nullptr) {
      NJ_ASSIGN(http_, HttpRunner::Create());
    }
    report_.BeginFile(name);
    report_.Add("", http_->Run(*one));
    report_.EndFile();
    return {};
  }

  // "test-" and the file's name, as far as a canvas's name has room for it.
  static std::string CanvasNamed(const std::string& stem) {
    std::string name = "test-";
    for (char c : stem.substr(0, 40)) {
      bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      name += plain ? c : '-';
    }
    return name;
  }

  // From the folder `data` beside the folders that the file is in.
  static Result<std::string> ReadData(const fs::path& file, const std::string& name) {
    std::error_code failed;
    for (fs::path folder = fs::absolute(file).parent_path(); folder.has_relative_path();
         folder = folder.parent_path())
      if (fs::path data = folder / "data" / name; fs::is_regular_file(data, failed))
        return ReadFile(data);
    return Fail(ErrorCode::kNotFound, "there is no data/" + name);
  }

  Status Expressions(const fs::path& path, const std::string& name) {
    NJ_ASSIGN(std::string text, ReadFile(path));
    auto file = ReadExpressionFile(text);
    if (!file) return Wrap(file.error(), name);
    std::vector<std::pair<std::string, const ExpressionCase*>> wanted;
    for (const ExpressionCase& one : file->cases) {
      std::string title = Title(one);
      if (Wanted(name, title + " " + one.group)) wanted.emplace_back(title, &one);
    }
    if (wanted.empty()) return {};
    if (options_.list) {
      for (const auto& [title, one] : wanted) out_ << name << ":" << title << "\n";
      return {};
    }
    report_.BeginFile(name);
    ExpressionRunner runner(*file);
    for (const auto& [title, one] : wanted) report_.Add(title, runner.Run(*one));
    report_.EndFile();
    return {};
  }

  static std::string Title(const ExpressionCase& one) {
    std::string code = one.code;
    code.erase(0, code.find_first_not_of("\n "));
    if (code.size() > kShownOfCode) code = code.substr(0, kShownOfCode) + "...";
    std::string title = std::to_string(one.line) + ": ";
    if (!one.name.empty()) title += "[" + one.name + "] ";
    return title + code;
  }

  Status Skip(const std::string& name) {
    if (!Wanted(name, "")) return {};
    if (options_.list) {
      out_ << name << "\n";
      return {};
    }
    report_.BeginFile(name);
    report_.Add(name, CaseResult::Skipped(kNetworkCases));
    report_.EndFile();
    return {};
  }

  const SuiteOptions& options_;
  std::ostream& out_;
  Report report_;
  std::vector<fs::path> files_;
  std::unique_ptr<HttpRunner> http_;  // made for the first file that needs it
};

}  // namespace

Result<Counts> RunSuite(const SuiteOptions& options, std::ostream& out) {
  return SuiteRun(options, out).Run();
}

}  // namespace nightjar::conformance
