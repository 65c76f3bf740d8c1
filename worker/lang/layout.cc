#include "worker/lang/layout.h"

#include <algorithm>

namespace nightjar::lang {

enum class PieceKind {
  kText,
  kEither,
  kVerbatim,
  kLine,
  kHardLine,
  kAtEndOfLine,
  kJoin,
  kIndent,
  kAlign,
  kGroup,
  kFirstThatFits,
  kIfAllFit,
};

struct LayoutPiece {
  PieceKind kind;
  std::string text = {};
  std::string broken_text = {};
  bool empty_line = false;
  Layouts parts = {};
  bool broken = false;  // a line ends inside, whatever the width
};

namespace {

constexpr size_t kIndentColumns = 2;

Layout Make(LayoutPiece piece) {
  for (const Layout& part : piece.parts) piece.broken = piece.broken || part->broken;
  return std::make_shared<const LayoutPiece>(std::move(piece));
}

size_t ColumnsIn(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

enum class Mode { kFlat, kBroken };

struct Step {
  size_t indent;
  Mode mode;
  const LayoutPiece* piece;
};

class Renderer {
 public:
  explicit Renderer(size_t width) : width_(width) {}

  std::string Run(const Layout& layout) {
    Push({0, Mode::kBroken, layout.get()});
    while (!steps_.empty()) {
      Step step = steps_.back();
      steps_.pop_back();
      One(step);
    }
    EndLine();
    return std::move(out_);
  }

 private:
  void Push(Step step) { steps_.push_back(step); }

  void Write(std::string_view text) {
    out_ += text;
    column_ += ColumnsIn(text);
  }

  void EndLine() {
    for (const std::string* text : waiting_) out_ += " " + *text;
    waiting_.clear();
  }

  void NewLine(const Step& step) {
    EndLine();
    out_ += step.piece->empty_line ? "\n\n" : "\n";
    out_.append(step.indent, ' ');
    column_ = step.indent;
  }

  void One(const Step& step) {
    const LayoutPiece& piece = *step.piece;
    switch (piece.kind) {
      case PieceKind::kText:
        return Write(piece.text);
      case PieceKind::kEither:
        return Write(step.mode == Mode::kFlat ? piece.text : piece.broken_text);
      case PieceKind::kVerbatim:
        Write(piece.text);
        if (size_t last = piece.text.rfind('\n'); last != std::string::npos)
          column_ = ColumnsIn(std::string_view(piece.text).substr(last + 1));
        return;
      case PieceKind::kLine:
        if (step.mode == Mode::kFlat) return Write(piece.text);
        return NewLine(step);
      case PieceKind::kHardLine:
        return NewLine(step);
      case PieceKind::kAtEndOfLine:
        return waiting_.push_back(&piece.text);
      case PieceKind::kJoin:
        for (auto part = piece.parts.rbegin(); part != piece.parts.rend(); ++part)
          Push({step.indent, step.mode, part->get()});
        return;
      case PieceKind::kIndent:
        return Push({step.indent + kIndentColumns, step.mode, piece.parts[0].get()});
      case PieceKind::kAlign:
        return Push({column_, step.mode, piece.parts[0].get()});
      case PieceKind::kGroup:
        return Push(Chosen(step, piece.parts[0].get()));
      case PieceKind::kFirstThatFits:
        return Push(FirstFitting(step));
      case PieceKind::kIfAllFit: {
        Step lines{step.indent, Mode::kBroken, piece.parts[0].get()};
        return Push(AllFit(lines) ? lines : Step{step.indent, Mode::kBroken, piece.parts[1].get()});
      }
    }
  }

  Step Chosen(const Step& step, const LayoutPiece* inner) {
    Step flat{step.indent, Mode::kFlat, inner};
    if (step.mode == Mode::kFlat && !inner->broken) return flat;
    if (!inner->broken && Fits(flat)) return flat;
    return {step.indent, Mode::kBroken, inner};
  }

  Step FirstFitting(const Step& step) {
    const Layouts& all = step.piece->parts;
    Step first = Chosen(step, all[0].get());
    if (first.mode == Mode::kFlat) return first;
    for (size_t i = 1; i + 1 < all.size(); ++i) {
      Step next{step.indent, Mode::kBroken, all[i].get()};
      if (Fits(next)) return next;
    }
    return {step.indent, Mode::kBroken, all.back().get()};
  }

  // Whether what this writes up to the end of its line, with what follows there, fits.
  bool Fits(const Step& step) const { return Try(step, false); }
  // Whether all of its lines do.
  bool AllFit(const Step& step) const { return Try(step, true); }

  bool Try(const Step& first, bool all_lines) const {
    std::vector<Step> trial = {first};
    size_t column = column_;
    size_t rest = steps_.size();  // what follows, from the back
    while (column <= width_) {
      if (trial.empty()) {
        if (rest == 0 || all_lines) return true;
        trial.push_back(steps_[--rest]);
      }
      Step step = trial.back();
      trial.pop_back();
      const LayoutPiece& piece = *step.piece;
      switch (piece.kind) {
        case PieceKind::kText:
          column += ColumnsIn(piece.text);
          break;
        case PieceKind::kEither:
          column += ColumnsIn(step.mode == Mode::kFlat ? piece.text : piece.broken_text);
          break;
        case PieceKind::kVerbatim:
          column += ColumnsIn(std::string_view(piece.text).substr(0, piece.text.find('\n')));
          if (piece.text.find('\n') != std::string::npos) return column <= width_;
          break;
        case PieceKind::kLine:
        case PieceKind::kHardLine:
          if (step.mode == Mode::kFlat && piece.kind == PieceKind::kLine) {
            column += ColumnsIn(piece.text);
            break;
          }
          if (!all_lines) return true;
          column = step.indent;
          break;
        case PieceKind::kAtEndOfLine:
          break;
        case PieceKind::kJoin:
          for (auto part = piece.parts.rbegin(); part != piece.parts.rend(); ++part)
            trial.push_back({step.indent, step.mode, part->get()});
          break;
        case PieceKind::kIndent:
          trial.push_back({step.indent + kIndentColumns, step.mode, piece.parts[0].get()});
          break;
        case PieceKind::kAlign:
          trial.push_back({column, step.mode, piece.parts[0].get()});
          break;
        case PieceKind::kGroup:
        case PieceKind::kFirstThatFits:
        case PieceKind::kIfAllFit: {
          // Of what follows any line may end; of what is tried only what has to.
          bool whole =
              step.mode == Mode::kFlat || (!piece.parts[0]->broken && rest == steps_.size());
          trial.push_back({step.indent, whole ? Mode::kFlat : Mode::kBroken,
                           (whole ? piece.parts.front() : piece.parts.back()).get()});
          break;
        }
      }
    }
    return false;
  }

  const size_t width_;
  std::string out_;
  size_t column_ = 0;
  std::vector<Step> steps_;
  std::vector<const std::string*> waiting_;
};

}  // namespace

Layout Text(std::string text) {
  return Make({.kind = PieceKind::kText, .text = std::move(text)});
}
Layout Either(std::string flat, std::string broken) {
  return Make(
      {.kind = PieceKind::kEither, .text = std::move(flat), .broken_text = std::move(broken)});
}
Layout Verbatim(std::string text) {
  bool broken = text.find('\n') != std::string::npos;
  return Make({.kind = PieceKind::kVerbatim, .text = std::move(text), .broken = broken});
}
Layout Line(std::string flat, EmptyLine empty) {
  return Make(
      {.kind = PieceKind::kLine, .text = std::move(flat), .empty_line = empty == EmptyLine::kYes});
}
Layout HardLine(EmptyLine empty) {
  return Make(
      {.kind = PieceKind::kHardLine, .empty_line = empty == EmptyLine::kYes, .broken = true});
}
Layout AtEndOfLine(std::string text) {
  return Make({.kind = PieceKind::kAtEndOfLine, .text = std::move(text), .broken = true});
}
Layout Join(Layouts parts) {
  return Make({.kind = PieceKind::kJoin, .parts = std::move(parts)});
}
Layout Indent(Layout part) {
  return Make({.kind = PieceKind::kIndent, .parts = {std::move(part)}});
}
Layout Align(Layout part) {
  return Make({.kind = PieceKind::kAlign, .parts = {std::move(part)}});
}
Layout Group(Layout part) {
  return Make({.kind = PieceKind::kGroup, .parts = {std::move(part)}});
}
Layout FirstThatFits(Layouts alternatives) {
  // Whether it has to be broken is the first one's matter.
  LayoutPiece piece{.kind = PieceKind::kFirstThatFits};
  piece.broken = alternatives[0]->broken;
  piece.parts = std::move(alternatives);
  return std::make_shared<const LayoutPiece>(std::move(piece));
}
Layout IfAllFit(Layout lines, Layout otherwise) {
  return Make({.kind = PieceKind::kIfAllFit, .parts = {std::move(lines), std::move(otherwise)}});
}

bool IsBroken(const Layout& layout) {
  return layout->broken;
}

std::string Render(const Layout& layout, size_t width) {
  return Renderer(width).Run(layout);
}

}  // namespace nightjar::lang
