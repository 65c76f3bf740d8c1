// The layout of an expression: the notation that the parser reads, with parentheses where it needs
// them, and lines that its rule of columns reads as they are meant. Internal to worker/lang.
#pragma once

#include "ipc/proto/program.pb.h"
#include "worker/lang/comment_places.h"
#include "worker/lang/layout.h"

namespace nightjar::lang {

// `comments` is of the toplevel whose code `expr` is.
Layout ExpressionLayout(const proto::Expr& expr, const CommentPlaces& comments);

}  // namespace nightjar::lang
