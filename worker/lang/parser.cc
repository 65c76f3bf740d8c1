#include "worker/lang/parser.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "ipc/core/bounds.h"
#include "ipc/core/nearest_word.h"
#include "ipc/core/utf8.h"
#include "worker/lang/builtin.h"
#include "worker/lang/command_line.h"
#include "worker/lang/handler_ids.h"
#include "worker/lang/shape_header.h"
#include "worker/lang/source_toplevel.h"

namespace nightjar::lang {
namespace {

// Ids of expressions leave room for a million in each toplevel.
constexpr uint64_t kIdsPerToplevel = 1'000'000;
constexpr size_t kSourceLineBytes = 160;  // shown of a line

struct Section {
  std::string_view header;  // between the brackets
  uint32_t line = 1;
  std::string_view body;
  std::string_view after_header;  // on its line; means nothing
};

}  // namespace

proto::Diagnostic DiagnosticAt(uint32_t line, uint32_t column, const std::string& message) {
  proto::Diagnostic diagnostic;
  diagnostic.set_line(line);
  diagnostic.set_column(column);
  diagnostic.set_message(message);
  return diagnostic;
}

bool StartsHeader(std::string_view line) {
  for (std::string_view kind :
       {"[http-handler ", "[http-bytes-handler ", "[exec-handler ", "[worker ", "[cron ", "[repl ",
        "[fn ", "[db ", "[type ", "[cors ", "[secrets "})
    if (line.starts_with(kind)) return true;
  return false;
}

namespace {

std::string_view LineAt(std::string_view text, size_t from) {
  return text.substr(from, text.find('\n', from) - from);
}

// The line with this number, as messages show it.
std::string SourceLine(std::string_view source, uint32_t line) {
  size_t at = 0;
  for (uint32_t i = 1; i < line; ++i) {
    at = source.find('\n', at);
    if (at == std::string_view::npos) return "";
    ++at;
  }
  return std::string(Utf8Prefix(LineAt(source, at), kSourceLineBytes));
}

std::vector<std::string> Words(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> SplitAt(const std::string& text, char separator) {
  std::istringstream in{text};
  std::vector<std::string> parts;
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

void DropUnopened(std::vector<Token>* tokens) {
  int open = 0;
  for (const Token& token : *tokens) {
    if (token.kind != TokenKind::kPunctuation) continue;
    if (token.text == "(") ++open;
    if (token.text == ")") --open;
  }
  for (; open < 0 && tokens->size() > 1 && (*tokens)[tokens->size() - 2].text == ")"; ++open)
    tokens->erase(tokens->end() - 2);
}

class CanvasParser {
 public:
  CanvasParser(std::string_view source, std::vector<SourceToplevel>* toplevels,
               const CanvasFiles* files)
      : source_(source), toplevels_(toplevels), files_(files) {}

  ParseResult Run() {
    size_t good = Utf8PrefixSize(source_, source_.size());
    if (good < source_.size()) {
      auto line = static_cast<uint32_t>(
          std::count(source_.begin(), source_.begin() + static_cast<long>(good), '\n') + 1);
      size_t start = source_.rfind('\n', good);
      AddError(line,
               static_cast<uint32_t>(good - (start == std::string_view::npos ? 0 : start + 1) + 1),
               "this is not UTF-8 text", false);
      return std::move(result_);
    }
    result_.program.set_format(kProgramFormat);
    for (const Section& section : Split()) {
      if (result_.errors.size() >= bounds::kDiagnostics) break;
      if (toplevels_ != nullptr) {
        SourceToplevel& kept = toplevels_->emplace_back();
        kept.header = section.header;
        kept.after_header = section.after_header;
        kept.body = section.body;
      }
      Toplevel(section);
    }
    if (result_.errors.empty() &&
        result_.program.handlers_size() > static_cast<int>(bounds::kHandlersPerCanvas))
      AddError(1, 1,
               "a canvas has at most " + std::to_string(bounds::kHandlersPerCanvas) + " handlers",
               false);
    WarnOfUnknownTypes();
    return std::move(result_);
  }

 private:
  void AddError(uint32_t line, uint32_t column, const std::string& message, bool quote = true) {
    proto::Diagnostic diagnostic = DiagnosticAt(line, column, message);
    if (quote) diagnostic.set_source_line(SourceLine(source_, line));
    result_.errors.push_back(std::move(diagnostic));
  }

  // Types can stand below what names them.
  void WarnOfUnknownTypes() {
    std::vector<std::string_view> types(KindNames().begin(), KindNames().end());
    for (const proto::TypeDef& type : result_.program.types()) types.push_back(type.name());
    for (const auto& [name, line] : named_types_) {
      if (KindNamed(name) || std::find(types.begin(), types.end(), name) != types.end()) continue;
      if (result_.warnings.size() >= bounds::kDiagnostics) return;
      proto::Diagnostic warning = DiagnosticAt(
          line, 2, "there is no type `" + name + "`" + DidYouMean(NearestWord(name, types)));
      warning.set_source_line(SourceLine(source_, line));
      warning.set_warning(true);
      result_.warnings.push_back(std::move(warning));
    }
  }

  std::vector<Section> Split() {
    std::vector<Section> sections;
    uint32_t line = 1;
    size_t body_from = 0;
    for (size_t at = 0; at < source_.size(); ++line) {
      std::string_view text = LineAt(source_, at);
      if (StartsHeader(text)) {
        if (!sections.empty()) sections.back().body = source_.substr(body_from, at - body_from);
        size_t end = text.rfind(']');
        if (end == std::string_view::npos) {
          AddError(line, 1, "this header has no closing `]`");
          end = text.size();
        }
        sections.push_back(
            {text.substr(1, end - 1), line, {}, text.substr(std::min(text.size(), end + 1))});
        body_from = std::min(source_.size(), at + text.size() + 1);
      } else if (sections.empty() && !text.empty() &&
                 text.find_first_not_of(" \t\r") != std::string_view::npos &&
                 !text.starts_with("//") && result_.errors.empty()) {
        AddError(line, 1,
                 "a canvas file begins with a toplevel, such as `[http-handler GET /path]`");
      }
      at += text.size() + 1;
    }
    if (!sections.empty())
      sections.back().body = source_.substr(std::min(body_from, source_.size()));
    if (sections.empty() && result_.errors.empty())
      AddError(1, 1, "a canvas file has at least one toplevel, such as `[http-handler GET /path]`");
    return sections;
  }

  std::optional<proto::Expr> Body(const Section& section) {
    LexResult lexed = Lex(section.body, section.line + 1);
    if (!lexed.errors.empty()) {
      for (const LexError& error : lexed.errors) AddError(error.line, error.column, error.message);
      return std::nullopt;
    }
    SourceToplevel* kept = toplevels_ == nullptr ? nullptr : &toplevels_->back();
    if (kept != nullptr) {
      kept->tokens = lexed.tokens;
      kept->comments = lexed.comments;
    }
    if (lexed.tokens.size() == 1) {  // a toplevel whose code is not written yet
      proto::Expr blank;
      blank.set_id(first_id_);
      first_id_ += kIdsPerToplevel;
      blank.mutable_blank();
      return blank;
    }
    ExpressionParser parser(std::move(lexed.tokens), first_id_, &result_.places);
    if (kept != nullptr) parser.KeepSpans(&kept->spans);
    auto body = parser.ParseWhole();
    if (kept != nullptr && body) kept->code = *body;
    // A very long toplevel takes the room of several.
    while (first_id_ <= result_.places.back().expr_id) first_id_ += kIdsPerToplevel;
    if (!body) AddError(parser.error().line, parser.error().column, parser.error().message);
    return body;
  }

  void Toplevel(const Section& section) {
    std::vector<std::string> words = Words(section.header);
    const std::string kind = words[0];
    if (section.header.size() > 1024) return AddError(section.line, 2, "this header is too long");
    if (kind == "fn") return Function(section, words);
    if (kind == "db" || kind == "type") return ShapeHeader(section, kind);
    if (kind == "cors") return Cors(section, words);
    if (kind == "secrets") return Secrets(section, words);
    Handler(section, kind, words);
  }

  bool FreshName(const Section& section, const std::string& name) {
    if (name.size() > bounds::kHandlerNameBytes) {
      AddError(section.line, 2,
               "a name is at most " + std::to_string(bounds::kHandlerNameBytes) + " bytes");
      return false;
    }
    if (names_.insert(name).second) return true;
    AddError(section.line, 2, "there is a second `" + name + "`");
    return false;
  }

  void Handler(const Section& section, const std::string& kind,
               const std::vector<std::string>& words) {
    proto::HandlerDef handler;
    proto::HandlerEntry entry;
    std::string name;
    handler.set_input("event");
    bool exec = kind == "exec-handler";
    if (exec || kind == "http-handler" || kind == "http-bytes-handler") {
      if (words.size() != 3 || words[2][0] != '/')
        return AddError(section.line, 2, "expected `[" + kind + " METHOD /path]`");
      bool bytes = kind == "http-bytes-handler";
      entry.set_bytes(bytes);
      entry.set_engine(exec ? proto::ENGINE_EXEC : proto::ENGINE_DARK);
      handler.set_bytes(bytes);
      std::string method = words[1];
      for (char& c : method) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
      entry.set_kind(proto::HANDLER_KIND_HTTP);
      entry.set_method(method);
      entry.set_route(words[2]);
      name = method + " " + words[2];
      handler.set_input("request");
      std::istringstream segments{words[2]};
      for (std::string segment; std::getline(segments, segment, '/');)
        if (segment.size() > 1 && segment[0] == ':') handler.add_variables(segment.substr(1));
    } else if (kind == "cron") {
      static const std::set<std::string> kIntervals = {
          "EveryDay", "EveryWeek", "EveryFortnight", "EveryHour", "Every12Hours", "EveryMinute"};
      if (words.size() != 3 || kIntervals.count(words[2]) == 0)
        return AddError(section.line, 2,
                        "expected `[cron Name EveryHour]`, or EveryMinute, Every12Hours, EveryDay, "
                        "EveryWeek, EveryFortnight");
      entry.set_kind(proto::HANDLER_KIND_CRON);
      entry.set_interval(words[2]);
      name = words[1];
    } else {
      if (words.size() != 2) return AddError(section.line, 2, "expected `[" + kind + " Name]`");
      entry.set_kind(kind == "worker" ? proto::HANDLER_KIND_WORKER : proto::HANDLER_KIND_REPL);
      name = words[1];
    }
    if (!FreshName(section, name)) return;
    if (exec ? !Command(section, &handler) : !Code(section, &handler)) return;
    uint64_t tlid = IdOf(kind + " " + name);
    entry.set_tlid(tlid);
    entry.set_name(name);
    handler.set_tlid(tlid);
    handler.set_name(name);
    *result_.program.add_handlers() = std::move(handler);
    *result_.manifest.add_handlers() = std::move(entry);
  }

  bool Code(const Section& section, proto::HandlerDef* handler) {
    auto body = Body(section);
    if (body) *handler->mutable_body() = std::move(*body);
    return body.has_value();
  }

  bool IsThere(const std::string& program) const {
    return program.starts_with('/') || files_ == nullptr ||
           std::any_of(files_->begin(), files_->end(),
                       [&](const proto::CanvasFile& file) { return file.path() == program; });
  }

  bool Command(const Section& section, proto::HandlerDef* handler) {
    CommandLine command = ReadCommandLine(section.body, section.line + 1);
    if (command.error) AddError(command.error->line, command.error->column, command.error->message);
    if (command.error) return false;
    if (!IsThere(command.words[0])) {
      AddError(section.line + 1, 1,
               "`" + command.words[0] +
                   "` is neither a whole path nor a file that is deployed with the canvas");
      return false;
    }
    for (std::string& word : command.words) handler->add_command(std::move(word));
    return true;
  }

  // What belongs to the canvas as a whole has no code of its own.
  bool HasNoBody(const Section& section) {
    LexResult lexed = Lex(section.body, section.line + 1);
    if (lexed.errors.empty() && lexed.tokens.size() == 1) return true;
    AddError(section.line + 1, 1, "this toplevel has nothing below its header", false);
    return false;
  }

  // `[cors *]`, `[cors https://one.example,https://two.example]`
  void Cors(const Section& section, const std::vector<std::string>& words) {
    if (words.size() != 2) return AddError(section.line, 2, "expected `[cors ORIGIN,ORIGIN]`");
    if (result_.manifest.has_cors()) return AddError(section.line, 2, "there is a second `cors`");
    if (!HasNoBody(section)) return;
    for (std::string& origin : SplitAt(words[1], ','))
      if (!origin.empty()) result_.manifest.mutable_cors()->add_origins(std::move(origin));
    if (!result_.manifest.has_cors()) AddError(section.line, 2, "expected an origin, or `*`");
  }

  // `[secrets KEY:value,OTHER:value]`
  void Secrets(const Section& section, const std::vector<std::string>& words) {
    if (words.size() != 2) return AddError(section.line, 2, "expected `[secrets NAME:VALUE]`");
    if (!HasNoBody(section)) return;
    for (const std::string& pair : SplitAt(words[1], ',')) {
      size_t colon = pair.find(':');
      if (colon == std::string::npos || colon == 0 || colon + 1 == pair.size())
        return AddError(section.line, 2, "expected `NAME:VALUE`");
      if (!FreshName(section, pair.substr(0, colon))) return;
      proto::Secret& secret = *result_.program.add_secrets();
      secret.set_name(pair.substr(0, colon));
      secret.set_value(pair.substr(colon + 1));
    }
  }

  void Function(const Section& section, const std::vector<std::string>& words) {
    if (words.size() < 2) return AddError(section.line, 2, "expected `[fn name param:Type ...]`");
    proto::FunctionDef function;
    function.set_name(words[1]);
    for (size_t at = 2; at < words.size(); ++at) {
      if (words[at] == "->" && at + 2 == words.size()) {
        function.set_returns(words[at + 1]);
        named_types_.emplace_back(words[at + 1], section.line);
        break;
      }
      size_t colon = words[at].find(':');
      if (colon == std::string::npos || colon == 0)
        return AddError(section.line, 2, "expected `param:Type`, not `" + words[at] + "`");
      proto::Param& param = *function.add_params();
      param.set_name(words[at].substr(0, colon));
      param.set_type(words[at].substr(colon + 1));
      named_types_.emplace_back(param.type(), section.line);
    }
    if (!FreshName(section, words[1])) return;
    auto body = Body(section);
    if (!body) return;
    function.set_tlid(IdOf("fn " + words[1]));
    *function.mutable_body() = std::move(*body);
    *result_.program.add_functions() = std::move(function);
    result_.manifest.set_functions(result_.manifest.functions() + 1);
  }

  void ShapeHeader(const Section& section, const std::string& kind) {
    LexError error;
    auto shape = ReadShape(section.header.substr(kind.size()), &error);
    if (!shape)  // behind the bracket and the kind
      return AddError(section.line, static_cast<uint32_t>(1 + kind.size()) + error.column,
                      error.message);
    if (!FreshName(section, shape->name)) return;
    if (kind == "type" && KindNamed(shape->name))
      return AddError(section.line, 2, "`" + shape->name + "` is a type of the language");
    auto fill = [&](auto* rows) {
      for (const ShapeField& shaped : shape->fields) {
        proto::Param& field = *rows->Add();
        field.set_name(shaped.name);
        field.set_type(shaped.type);
        named_types_.emplace_back(shaped.type, section.line);
      }
    };
    if (kind == "db") {
      proto::DatastoreDef& datastore = *result_.program.add_datastores();
      datastore.set_name(shape->name);
      datastore.set_tlid(IdOf("db " + shape->name));
      fill(datastore.mutable_columns());
      result_.manifest.set_datastores(result_.manifest.datastores() + 1);
    } else {
      proto::TypeDef& type = *result_.program.add_types();
      type.set_name(shape->name);
      type.set_tlid(IdOf("type " + shape->name));
      fill(type.mutable_fields());
      result_.manifest.set_types(result_.manifest.types() + 1);
    }
  }

  std::string_view source_;
  std::vector<SourceToplevel>* toplevels_;
  const CanvasFiles* files_;  // null: nobody knows which there are
  ParseResult result_;
  uint64_t first_id_ = kIdsPerToplevel;
  std::set<std::string> names_;
  std::vector<std::pair<std::string, uint32_t>> named_types_;  // and the lines of their headers
};

}  // namespace

proto::Diagnostic ParseResult::At(uint64_t expr_id, std::string_view source) const {
  proto::Diagnostic diagnostic;
  auto place =
      std::lower_bound(places.begin(), places.end(), expr_id,
                       [](const Place& candidate, uint64_t id) { return candidate.expr_id < id; });
  if (place == places.end()) return diagnostic;
  diagnostic.set_line(place->line);
  diagnostic.set_column(place->column);
  diagnostic.set_source_line(SourceLine(source, place->line));
  return diagnostic;
}

ParseResult ParseCanvas(std::string_view source) {
  return CanvasParser(source, nullptr, nullptr).Run();
}

ParseResult ParseCanvas(std::string_view source, const CanvasFiles& files) {
  return CanvasParser(source, nullptr, &files).Run();
}

ParseResult ParseCanvas(std::string_view source, std::vector<SourceToplevel>* toplevels) {
  return CanvasParser(source, toplevels, nullptr).Run();
}

ParsedExpression ParseExpression(std::string_view text, uint64_t first_id, uint32_t first_line,
                                 Notation notation) {
  ParsedExpression parsed;
  auto add = [&](const LexError& error) {
    proto::Diagnostic& diagnostic =
        parsed.errors.emplace_back(DiagnosticAt(error.line, error.column, error.message));
    if (error.line >= first_line)
      diagnostic.set_source_line(SourceLine(text, error.line - first_line + 1));
  };
  LexResult lexed = Lex(text, first_line);
  size_t last = text.find_last_not_of(" \t\r\n");
  if (!lexed.errors.empty() && notation == Notation::kDarkTests && text[last] == '"')
    lexed = Lex(text.substr(0, last), first_line);
  for (const LexError& error : lexed.errors) add(error);
  if (!parsed.errors.empty()) return parsed;
  if (lexed.tokens.size() == 1) {  // nothing, or comments alone
    parsed.expr.emplace().set_id(first_id);
    parsed.expr->mutable_blank();
    return parsed;
  }
  if (notation == Notation::kDarkTests) DropUnopened(&lexed.tokens);
  std::vector<Place> places;
  ExpressionParser parser(std::move(lexed.tokens), first_id, &places, notation);
  parsed.expr = parser.ParseWhole();
  if (!parsed.expr) add(parser.error());
  parsed.root = parser.root();
  return parsed;
}

}  // namespace nightjar::lang
