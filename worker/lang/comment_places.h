// Finds for each comment of a toplevel the place that it is printed at: before, or at the end of
// the line of, something that has lines of its own. A comment in the middle of a line goes above
// the smallest such thing around it; none is lost. Pure; the printer of canvases uses it.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "worker/lang/layout.h"
#include "worker/lang/source_toplevel.h"

namespace nightjar::lang {

// What can stand on lines of its own.
enum class PlaceKind {
  kBlock,      // an expression that `=`, `->`, `then`, `else` or a let comes before; or the whole
  kLetHead,    // `let name = value`
  kElse,       // `else` and what follows it
  kArm,        // of a match; `index` counts them
  kItem,       // of a list
  kField,      // of a record
  kPipeEntry,  // `|> entry`; 0 is the value, which nothing stands before
};

struct CommentsAt {
  std::vector<std::string> before;
  std::vector<std::string> after;                 // at the end of its last line
  EmptyLine empty_line_first = EmptyLine::kNo;    // before the first comment, or else the thing
  EmptyLine empty_line_between = EmptyLine::kNo;  // after the last of `before`
  std::vector<EmptyLine> empty_line_of;           // of `before`, from the second on
};

class CommentPlaces {
 public:
  // Of a toplevel with code.
  explicit CommentPlaces(const SourceToplevel& toplevel);

  const CommentsAt& At(PlaceKind kind, uint64_t expr_id, int index = 0) const;
  // What stands after the code.
  const std::vector<Comment>& tail() const { return tail_; }

 private:
  using Key = std::tuple<PlaceKind, uint64_t, int>;
  enum class Room { kBefore, kAfter, kBoth };
  struct Place {
    Key key;
    size_t begin;
    size_t end;
  };

  void Add(PlaceKind kind, uint64_t expr_id, int index, size_t begin, size_t end, Room room);
  void Walk(const proto::Expr& expr);
  void Block(const proto::Expr& expr, Room room = Room::kBefore);
  template <typename Exprs>
  void WalkAll(const Exprs& exprs) {
    for (const proto::Expr& expr : exprs) Walk(expr);
  }
  void Record(const proto::Expr& expr);
  void Pipe(const proto::Expr& expr);
  size_t PastSeparator(size_t token) const;
  const Span& SpanOf(const proto::Expr& expr) const;

  void Distribute();
  void PutBefore(Key key, const Comment& comment, bool moved);

  const SourceToplevel& source_;
  std::vector<Place> places_;               // that have room before them
  std::unordered_map<size_t, Key> begins_;  // the outermost that begins at a token
  std::unordered_map<size_t, Key> ends_;    // the outermost that ends before it, with room after it
  std::map<Key, CommentsAt> at_;
  std::vector<Comment> tail_;
};

}  // namespace nightjar::lang
