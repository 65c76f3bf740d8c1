#include "conformance/expression_file.h"

#include <algorithm>
#include <charconv>

#include "ipc/core/ascii.h"
#include "ipc/core/utf8.h"

namespace nightjar::conformance {
namespace {

constexpr std::string_view kExceptions = "EXPECTED_EXCEPTION_COUNT:";
constexpr std::string_view kSpaces = " \t\r";

std::string_view Trimmed(std::string_view text) {
  return TrimAscii(text, kSpaces);
}

// Takes "EXPECTED_EXCEPTION_COUNT: 2" out of a comment or a name.
uint32_t TakeExceptions(std::string* text) {
  size_t at = text->find(kExceptions);
  if (at == std::string::npos) return 0;
  size_t digits = text->find_first_not_of(kSpaces, at + kExceptions.size());
  uint32_t count = 0;
  size_t end = text->size();
  if (digits != std::string::npos) {
    auto [stop, failed] =
        std::from_chars(text->data() + digits, text->data() + text->size(), count);
    end = static_cast<size_t>(stop - text->data());
  }
  text->erase(at, end - at);
  *text = Trimmed(*text);
  return count;
}

// Where the comment of a line begins: behind a space, and not within a string. Else its end.
size_t CommentAt(std::string_view line) {
  bool quoted = false;
  for (size_t at = 0; at + 1 < line.size(); ++at) {
    if (quoted && line[at] == '\\') {
      ++at;
    } else if (line[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && line.substr(at, 2) == "//" &&
               (at == 0 || kSpaces.find(line[at - 1]) != std::string_view::npos)) {
      return at;
    }
  }
  return line.size();
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<ExpressionFile> Run() {
    if (Utf8PrefixSize(text_, text_.size()) < text_.size())
      return Fail(ErrorCode::kInvalid, "this is not UTF-8 text");
    for (size_t at = 0; at < text_.size();) {
      ++line_;
      size_t end = std::min(text_.find('\n', at), text_.size());
      std::string_view line = text_.substr(at, end - at);
      at = end + 1;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      NJ_TRY(Line(line));
    }
    return std::move(file_);
  }

 private:
  Status Line(std::string_view line) {
    if (line.starts_with("[tests.") || line.starts_with("[test.")) return Head(line);
    if (line.starts_with("[fn.")) return Define(line, &file_.functions);
    if (line.starts_with("[packagefn.")) return Define(line, &file_.package_functions);
    if (line.starts_with("[db.")) {
      NJ_TRY(Define(line, &file_.datastores));
      open_ = nullptr;  // all of it stands in its header
      return {};
    }
    std::string_view code = Trimmed(line);
    bool counts = !code.empty() && !code.starts_with("//");
    if (open_ == nullptr) {
      if (counts) Single(line);
      return {};
    }
    // Whoever reads it must find each line where it stood.
    while (open_lines_ < line_) {
      *open_ += '\n';
      ++open_lines_;
    }
    if (counts) *open_ += line;
    return {};
  }

  // "[tests.NAME] with DB X, Worker W" and the same for a block.
  Status Head(std::string_view line) {
    bool block = line.starts_with("[test.");
    size_t close = line.rfind("] with ");
    std::string_view with;
    if (close == std::string_view::npos)
      close = line.rfind(']');
    else
      with = line.substr(close + 1);
    if (close == std::string_view::npos) return Wrong("this header has no closing `]`");
    size_t begin = line.find('.') + 1;
    setting_ = ExpressionCase();
    setting_.group = line.substr(begin, close - begin);
    With(with);
    open_ = nullptr;
    if (!block) return {};
    ExpressionCase& made = file_.cases.emplace_back(setting_);
    made.name = made.group;
    made.exceptions = TakeExceptions(&made.name);
    made.line = line_;
    Open(&made.code);
    return {};
  }

  void With(std::string_view with) {
    std::string_view kind;
    while (!with.empty()) {
      size_t end = std::min(with.find(','), with.size());
      std::string_view item = Trimmed(with.substr(0, end));
      with.remove_prefix(std::min(end + 1, with.size()));
      if (item.starts_with("with ")) item = Trimmed(item.substr(5));
      for (std::string_view known : {"DB", "Worker", "ExactCanvasName", "StaticAssetsDeployHash"})
        if (item.starts_with(known) && item.substr(known.size()).starts_with(" ")) {
          kind = known;
          item = Trimmed(item.substr(known.size()));
          break;
        }
      if (kind == "DB") setting_.datastores.emplace_back(item);
      if (kind == "Worker") setting_.workers.emplace_back(item);
    }
  }

  Status Define(std::string_view line, std::vector<Definition>* definitions) {
    size_t close = line.rfind(']');
    if (close == std::string_view::npos) return Wrong("this header has no closing `]`");
    size_t begin = line.find('.') + 1;
    Definition& made = definitions->emplace_back();
    made.header = line.substr(begin, close - begin);
    made.name = made.header.substr(0, made.header.find(' '));
    made.line = line_;
    if (made.name.empty()) return Wrong("this header has no name");
    Open(&made.body);
    return {};
  }

  // Lines go to `text` now, until the next header. It stays where it is until then: nothing is
  // added behind it before.
  void Open(std::string* text) {
    open_ = text;
    open_lines_ = line_ + 1;
  }

  void Single(std::string_view line) {
    ExpressionCase& made = file_.cases.emplace_back(setting_);
    size_t comment = CommentAt(line);
    made.line = line_;
    made.code = Trimmed(line.substr(0, comment));
    if (comment < line.size()) made.name = Trimmed(line.substr(comment + 2));
    made.exceptions = TakeExceptions(&made.name);
    while (made.name.starts_with('/') || made.name.starts_with(' ')) made.name.erase(0, 1);
  }

  tl::unexpected<Error> Wrong(const char* what) const {
    return Fail(ErrorCode::kInvalid, "line " + std::to_string(line_) + ": " + what);
  }

  const std::string_view text_;
  ExpressionFile file_;
  uint32_t line_ = 0;
  ExpressionCase setting_;       // of the group
  std::string* open_ = nullptr;  // the code of the block or function being read
  uint32_t open_lines_ = 0;      // the line that is being written to it
};

}  // namespace

Result<ExpressionFile> ReadExpressionFile(std::string_view text) {
  return Reader(text).Run();
}

}  // namespace nightjar::conformance
