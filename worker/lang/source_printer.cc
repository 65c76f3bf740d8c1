#include "worker/lang/source_printer.h"

#include <algorithm>
#include <sstream>

#include "ipc/core/ascii.h"
#include "ipc/proto/each_message.h"
#include "worker/lang/command_line.h"
#include "worker/lang/comment_places.h"
#include "worker/lang/expression_printer.h"
#include "worker/lang/parser.h"
#include "worker/lang/shape_header.h"
#include "worker/lang/source_toplevel.h"

namespace nightjar::lang {
namespace {

constexpr size_t kHeaderBytes = 1024;

constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trimmed(std::string_view text) {
  return TrimAscii(text, kSpace);
}

// What is below a header, without the space before it: but for one, where its first line would be
// a header without it.
std::string AsWritten(std::string_view body) {
  body.remove_prefix(std::min(body.find_first_not_of(kSpace), body.size()));
  return (StartsHeader(body) ? " " : "") + std::string(body);
}

// Words with one space between them; what is known better has one form of its own.
std::string HeaderText(std::string_view header) {
  std::istringstream in{std::string(header)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  if ((words[0].starts_with("http-") || words[0] == "exec-handler") && words.size() > 1)
    for (char& c : words[1]) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  if (words[0] == "db" || words[0] == "type") {
    LexError error;
    auto shape = ReadShape(header.substr(words[0].size()), &error);
    if (shape) text = words[0] + " " + ShapeText(*shape);
  }
  return text.size() > kHeaderBytes ? std::string(Trimmed(header)) : text;
}

// The lines of a file, with an empty one where things are apart.
class Page {
 public:
  // Comments that stand between toplevels: `last` says whether an empty line follows them.
  void Comments(const std::vector<Comment>& comments, bool empty_line_follows) {
    size_t attached = comments.size();  // from here on they belong to the header that follows
    if (!empty_line_follows)
      for (attached = comments.empty() ? 0 : comments.size() - 1;
           attached > 0 && !comments[attached].blank_before;)
        --attached;
    for (size_t i = 0; i < comments.size(); ++i) {
      if (i == attached ? !text_.empty() : comments[i].blank_before && !text_.empty())
        text_ += "\n";
      text_ += std::string(comments[i].text) + "\n";
    }
    joined_ = attached < comments.size();
  }

  void Header(const std::string& line, bool apart) {
    if (!text_.empty() && !joined_ && apart) text_ += "\n";
    text_ += line + "\n";
    joined_ = false;
  }

  void Body(const std::string& body) {
    if (!body.empty()) text_ += body + "\n";
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  bool joined_ = false;  // the last line is a comment of the header that follows
};

class CanvasPrinter {
 public:
  std::string Print(std::string_view source, const std::vector<SourceToplevel>& toplevels) {
    const char* first = toplevels[0].header.data() - 1;
    LexResult before = Lex(source.substr(0, static_cast<size_t>(first - source.data())), 1);
    page_.Comments(before.comments, before.tokens.back().blank_before);
    bool apart = true;
    for (size_t i = 0; i < toplevels.size(); ++i) {
      bool more = i + 1 < toplevels.size();
      std::string header = "[" + HeaderText(toplevels[i].header) + "]";
      if (std::string_view rest = Trimmed(toplevels[i].after_header); !rest.empty())
        header += " " + std::string(rest);
      page_.Header(header, apart);
      apart = Below(toplevels[i], more);
    }
    return page_.Take();
  }

 private:
  // What follows a header. Whether the next one stands apart from it.
  bool Below(const SourceToplevel& toplevel, bool more) {
    if (toplevel.code) {
      CommentPlaces comments(toplevel);
      page_.Body(Render(ExpressionLayout(*toplevel.code, comments), kCanonicalColumns));
      page_.Comments(comments.tail(), !more || toplevel.tokens.back().blank_before);
      return true;
    }
    if (toplevel.header.starts_with("exec-handler ")) {    // a command stays as it is written
      size_t end = ReadCommandLine(toplevel.body, 1).end;  // its last word may end with a space
      page_.Body(AsWritten(toplevel.body.substr(0, end)));
      LexResult behind = Lex(toplevel.body.substr(end), 1);
      page_.Comments(behind.comments, !more || behind.tokens.back().blank_before);
      return true;
    }
    LexResult lexed = Lex(toplevel.body, 1);
    bool read = lexed.errors.empty() && lexed.tokens.size() == 1;
    bool empty_line = lexed.tokens.back().blank_before;
    if (!read) {  // below a header whose body is not looked at
      page_.Body(AsWritten(Trimmed(toplevel.body)));
      return true;
    }
    page_.Comments(lexed.comments, !more || empty_line);
    return !lexed.comments.empty() || empty_line;
  }

  Page page_;
};

// Of every expression and pattern, wherever it is.
void ForgetIds(google::protobuf::Message& program) {
  EachMessage(program, [](google::protobuf::Message& message) {
    if (const auto* id = message.GetDescriptor()->FindFieldByName("id"))
      message.GetReflection()->ClearField(&message, id);
  });
}

size_t CountComments(const std::vector<SourceToplevel>& toplevels) {
  size_t count = 0;
  for (const SourceToplevel& toplevel : toplevels) count += toplevel.comments.size();
  return count;
}

// `why`: what would be wrong with the text, if that is the cause.
proto::Diagnostic Unprintable(const std::vector<proto::Diagnostic>& why) {
  return DiagnosticAt(1, 1,
                      "this file cannot be written in its canonical notation" +
                          (why.empty() ? "" : ": there " + why[0].message()));
}

}  // namespace

bool SameProgram(const proto::Program& a, const proto::Program& b) {
  proto::Program one = a;
  proto::Program other = b;
  ForgetIds(one);
  ForgetIds(other);
  return one.SerializeAsString() == other.SerializeAsString();
}

FormatResult FormatCanvas(std::string_view source) {
  FormatResult result;
  std::vector<SourceToplevel> toplevels;
  ParseResult parsed = ParseCanvas(source, &toplevels);
  result.errors = std::move(parsed.errors);
  if (!result.errors.empty()) return result;
  result.text = CanvasPrinter().Print(source, toplevels);
  std::vector<SourceToplevel> again;
  ParseResult reread = ParseCanvas(result.text, &again);
  if (reread.errors.empty() && SameProgram(parsed.program, reread.program) &&
      parsed.manifest.SerializeAsString() == reread.manifest.SerializeAsString() &&
      CountComments(toplevels) == CountComments(again))
    return result;
  result.text.clear();
  result.errors.push_back(Unprintable(reread.errors));
  return result;
}

}  // namespace nightjar::lang
