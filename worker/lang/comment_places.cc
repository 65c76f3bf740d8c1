#include "worker/lang/comment_places.h"

#include <algorithm>

namespace nightjar::lang {

CommentPlaces::CommentPlaces(const SourceToplevel& toplevel) : source_(toplevel) {
  const proto::Expr& whole = *toplevel.code;
  Add(PlaceKind::kBlock, whole.id(), 0, 0, toplevel.tokens.size() - 1, Room::kBoth);
  Walk(whole);
  Distribute();
}

const CommentsAt& CommentPlaces::At(PlaceKind kind, uint64_t expr_id, int index) const {
  static const CommentsAt kNone;
  auto found = at_.find({kind, expr_id, index});
  return found == at_.end() ? kNone : found->second;
}

const Span& CommentPlaces::SpanOf(const proto::Expr& expr) const {
  static const Span kNowhere;
  auto found = source_.spans.find(expr.id());
  return found == source_.spans.end() ? kNowhere : found->second;
}

void CommentPlaces::Add(PlaceKind kind, uint64_t expr_id, int index, size_t begin, size_t end,
                        Room room) {
  Key key{kind, expr_id, index};
  if (room != Room::kAfter) {
    places_.push_back({key, begin, end});
    begins_.try_emplace(begin, key);
    if (source_.tokens[begin].blank_before) at_[key].empty_line_first = EmptyLine::kYes;
  }
  if (room != Room::kBefore) ends_.try_emplace(end, key);
}

void CommentPlaces::Block(const proto::Expr& expr, Room room) {
  const Span& span = SpanOf(expr);
  Add(PlaceKind::kBlock, expr.id(), 0, span.outer_begin, span.outer_end, room);
  Walk(expr);
}

size_t CommentPlaces::PastSeparator(size_t token) const {
  const Token& next = source_.tokens[token];
  bool separator = next.kind == TokenKind::kPunctuation && (next.text == ";" || next.text == ",");
  return token + (separator ? 1 : 0);
}

// In the order of the text, the outer before the inner.
void CommentPlaces::Walk(const proto::Expr& expr) {
  uint64_t id = expr.id();
  switch (expr.form_case()) {
    case proto::Expr::kLet: {
      const proto::Let& let = expr.let();
      Add(PlaceKind::kLetHead, id, 0, SpanOf(expr).begin, SpanOf(let.value()).outer_end,
          Room::kBoth);
      Block(let.value());
      return Block(let.body());
    }
    case proto::Expr::kIf: {
      const Span& otherwise = SpanOf(expr.if_().otherwise());
      Walk(expr.if_().condition());
      Block(expr.if_().then(), Room::kBoth);
      Add(PlaceKind::kElse, id, 0, SpanOf(expr.if_().then()).outer_end, otherwise.outer_end,
          Room::kBefore);
      return Block(expr.if_().otherwise());
    }
    case proto::Expr::kMatch: {
      Walk(expr.match().value());
      size_t begin = SpanOf(expr.match().value()).outer_end + 1;  // after `with`
      for (int i = 0; i < expr.match().arms_size(); ++i) {
        const proto::Expr& body = expr.match().arms(i).body();
        size_t end = SpanOf(body).outer_end;
        bool last = i + 1 == expr.match().arms_size();
        Add(PlaceKind::kArm, id, i, begin, end, last ? Room::kBefore : Room::kBoth);
        Block(body);
        begin = end;
      }
      return;
    }
    case proto::Expr::kLambda:
      return Block(expr.lambda().body());
    case proto::Expr::kList:
      for (int i = 0; i < expr.list().items_size(); ++i) {
        const Span& span = SpanOf(expr.list().items(i));
        bool last = i + 1 == expr.list().items_size();
        Add(PlaceKind::kItem, id, i, span.outer_begin, PastSeparator(span.outer_end),
            last ? Room::kBefore : Room::kBoth);
        Walk(expr.list().items(i));
      }
      return;
    case proto::Expr::kRecord:
      return Record(expr);
    case proto::Expr::kPipe:
      return Pipe(expr);
    case proto::Expr::kTuple:
      return WalkAll(expr.tuple().items());
    case proto::Expr::kFnCall:
      return WalkAll(expr.fn_call().args());
    case proto::Expr::kConstructor:
      return WalkAll(expr.constructor().args());
    case proto::Expr::kInfix:
      Walk(expr.infix().left());
      return Walk(expr.infix().right());
    case proto::Expr::kFieldAccess:
      return Walk(expr.field_access().object());
    case proto::Expr::kFeatureFlag:
      Walk(expr.feature_flag().condition());
      Walk(expr.feature_flag().old());
      return Walk(expr.feature_flag().new_());
    case proto::Expr::kPartial:
      return Walk(expr.partial().old());
    case proto::Expr::kLeftPartial:
      return Walk(expr.left_partial().old());
    case proto::Expr::kRightPartial:
      return Walk(expr.right_partial().old());
    default:
      return;
  }
}

void CommentPlaces::Record(const proto::Expr& expr) {
  for (int i = 0; i < expr.record().fields_size(); ++i) {
    const proto::Expr& value = expr.record().fields(i).value();
    const Span& span = SpanOf(value);
    bool last = i + 1 == expr.record().fields_size();
    // A name and a `=` come before it.
    Add(PlaceKind::kField, expr.id(), i, span.outer_begin - 2, PastSeparator(span.outer_end),
        last ? Room::kBefore : Room::kBoth);
    Walk(value);
  }
}

void CommentPlaces::Pipe(const proto::Expr& expr) {
  const auto& items = expr.pipe().items();
  for (int i = 0; i < items.size(); ++i) {
    bool last = i + 1 == items.size();
    size_t end = last ? SpanOf(items[i]).outer_end : SpanOf(items[i + 1]).outer_begin - 1;
    size_t begin = i == 0 ? end : SpanOf(items[i]).outer_begin - 1;  // at its `|>`
    Add(PlaceKind::kPipeEntry, expr.id(), i, begin, end,
        i == 0 ? Room::kAfter
        : last ? Room::kBefore
               : Room::kBoth);
    Walk(items[i]);
  }
}

void CommentPlaces::Distribute() {
  const std::vector<Token>& tokens = source_.tokens;
  std::stable_sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  std::vector<const Place*> around;  // of the token before the comment, the outermost first
  size_t next = 0;
  for (const Comment& comment : source_.comments) {
    size_t token = comment.token;
    bool trails = comment.after_code && tokens[token].first_on_line &&
                  comment.text.find('\n') == std::string_view::npos;
    if (auto end = ends_.find(token); trails && end != ends_.end()) {
      at_[end->second].after.emplace_back(comment.text);
      continue;
    }
    if (token + 1 == tokens.size() && !trails) {
      tail_.push_back(comment);
      continue;
    }
    if (auto begin = begins_.find(token); begin != begins_.end()) {
      PutBefore(begin->second, comment, false);
      continue;
    }
    size_t inside = token - 1;  // the first token begins the whole, which was found above
    for (; next < places_.size() && places_[next].begin <= inside; ++next) {
      while (!around.empty() && around.back()->end <= places_[next].begin) around.pop_back();
      around.push_back(&places_[next]);
    }
    while (around.back()->end <= inside) around.pop_back();
    size_t at = around.size() - 1;
    while (!trails && at > 0 && around[at]->end <= token) --at;
    PutBefore(begins_.at(around[at]->begin), comment, true);
  }
}

void CommentPlaces::PutBefore(Key key, const Comment& comment, bool moved) {
  CommentsAt& at = at_[key];
  EmptyLine own = comment.blank_before && !moved ? EmptyLine::kYes : EmptyLine::kNo;
  if (at.before.empty()) {
    // What comes from inside takes the empty line before it along.
    at.empty_line_between = moved ? EmptyLine::kNo : at.empty_line_first;
    if (!moved) at.empty_line_first = own;
  } else {
    at.empty_line_of.push_back(own);
  }
  at.before.emplace_back(comment.text);
}

}  // namespace nightjar::lang
