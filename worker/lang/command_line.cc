#include "worker/lang/command_line.h"

#include "ipc/core/bounds.h"

namespace nightjar::lang {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

class CommandReader {
 public:
  CommandReader(std::string_view text, uint32_t first_line) : text_(text), line_(first_line) {}

  CommandLine Read() {
    while (SkipToWord() && !error_) Word();
    if (!error_ && words_.empty())
      Fail("expected the command that this handler runs, such as `/usr/bin/date -u`");
    if (!error_) Check();
    if (error_) return {{}, 0, error_};
    return {std::move(words_), end_, {}};
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }

  char Take() {
    char c = text_[at_++];
    if (c == '\n') {
      ++line_;
      column_ = 1;
      fresh_line_ = true;
    } else if ((c & 0xC0) != 0x80) {
      ++column_;
    }
    return c;
  }

  bool SkipToWord() {
    while (!AtEnd()) {
      if (fresh_line_ && text_.substr(at_).starts_with("//"))
        while (!AtEnd() && text_[at_] != '\n') Take();
      else if (IsSpace(text_[at_]))
        Take();
      else
        return true;
    }
    return false;
  }

  void Word() {
    std::string word;
    while (!AtEnd() && !IsSpace(text_[at_]) && !error_) {
      char c = text_[at_];
      if (c == '\'' || c == '"')
        Quoted(&word);
      else if (c == '\\')
        Escaped(&word);
      else
        word += Take();
    }
    words_.push_back(std::move(word));
    end_ = at_;
    fresh_line_ = false;
  }

  void Quoted(std::string* word) {
    LexError here{line_, column_, "this quote is not closed"};
    char quote = Take();
    while (!AtEnd() && text_[at_] != quote) {
      if (quote == '"' && text_[at_] == '\\')
        Escaped(word);
      else
        *word += Take();
    }
    if (AtEnd())
      error_ = here;
    else
      Take();
  }

  void Escaped(std::string* word) {
    LexError here{line_, column_, "a backslash takes the character after it, and there is none"};
    Take();
    if (AtEnd())
      error_ = here;
    else
      *word += Take();
  }

  void Check() {
    size_t bytes = 0;
    for (const std::string& word : words_) {
      bytes += word.size() + 1;
      if (word.find('\0') != std::string::npos) return Fail("a command has no zero bytes");
    }
    if (words_.size() > bounds::kCommandWords || bytes > bounds::kCommandBytes)
      return Fail("a command has at most " + std::to_string(bounds::kCommandWords) + " words and " +
                  std::to_string(bounds::kCommandBytes / bounds::kKiB) + " KiB");
  }

  // Of the command as a whole.
  void Fail(const std::string& message) { error_ = {first_line_, 1, message}; }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_;
  uint32_t column_ = 1;
  bool fresh_line_ = true;  // nothing but spaces stands before on this line
  const uint32_t first_line_ = line_;
  std::vector<std::string> words_;
  size_t end_ = 0;
  std::optional<LexError> error_;
};

}  // namespace

CommandLine ReadCommandLine(std::string_view text, uint32_t first_line) {
  return CommandReader(text, first_line).Read();
}

}  // namespace nightjar::lang
