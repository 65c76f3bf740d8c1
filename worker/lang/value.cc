#include "worker/lang/value.h"

#include <algorithm>

#include "worker/lang/code.h"
#include "worker/lang/secret_mask.h"
#include "worker/lang/stack_guard.h"

namespace nightjar::lang {

namespace {

// The least room that is made for more to come.
constexpr size_t kLeastRoom = 8;

Dval Textual(Arena& arena, Tag tag, const Text& text) {
  Dval made;
  made.tag = tag;
  made.text = arena.New(text);
  return made;
}

Dval Listed(Arena& arena, const Items& items) {
  Dval made;
  made.tag = Tag::kList;
  made.items = arena.New(items);
  return made;
}

// Room for `count` and as many again, of which the first or last `count` are used.
template <typename T>
Room<T>* MakeRoom(Arena& arena, size_t count, bool at_end) {
  size_t all = std::max(kLeastRoom, 2 * count);
  T* from = arena.Array<T>(all);
  T* used = at_end ? from + (all - count) : from;
  return arena.New(Room<T>{used, used + count, from, from + all});
}

}  // namespace

const Text* MakeText(Arena& arena, std::string_view content) {
  char* copy = arena.Array<char>(content.size());
  std::copy_n(content.data(), content.size(), copy);
  return arena.New(Text{content.size(), copy, nullptr});
}

Dval MakeTextual(Arena& arena, Tag tag, std::string_view content) {
  Dval made;
  made.tag = tag;
  made.text = MakeText(arena, content);
  return made;
}

Dval MakeString(Arena& arena, std::string_view content) {
  return MakeTextual(arena, Tag::kString, content);
}

Dval ShareString(Arena& arena, std::string_view content, Tag tag) {
  return Textual(arena, tag, {content.size(), content.data(), nullptr});
}

Dval AppendString(Arena& arena, const Dval& whole, std::string_view more) {
  const Text& text = *whole.text;
  Room<char>* room = text.room;
  size_t size = text.size + more.size();
  if (room != nullptr && room->used_to == text.data + text.size &&
      static_cast<size_t>(room->to - room->used_to) >= more.size()) {
    std::copy_n(more.data(), more.size(), room->used_to);
    room->used_to += more.size();
    return Textual(arena, Tag::kString, {size, text.data, room});
  }
  // A first addition is often the only one: it gets no room.
  if (room == nullptr && text.size < more.size()) {
    char* copy = arena.Array<char>(size);
    std::copy_n(text.data, text.size, copy);
    std::copy_n(more.data(), more.size(), copy + text.size);
    return Textual(arena, Tag::kString, {size, copy, nullptr});
  }
  room = MakeRoom<char>(arena, size, false);
  std::copy_n(text.data, text.size, room->used_from);
  std::copy_n(more.data(), more.size(), room->used_from + text.size);
  return Textual(arena, Tag::kString, {size, room->used_from, room});
}

Dval MakeItems(Arena& arena, Tag tag, const Dval* at, size_t count) {
  Dval made;
  made.tag = tag;
  made.items = arena.New(Items{count, at, nullptr});
  return made;
}

Dval MakeList(Arena& arena, const Dval* at, size_t count) {
  return MakeItems(arena, Tag::kList, at, count);
}

Dval PushBack(Arena& arena, const Dval& list, const Dval& item) {
  const Items& items = *list.items;
  Room<Dval>* room = items.room;
  if (room == nullptr || room->used_to != items.at + items.count || room->used_to == room->to) {
    room = MakeRoom<Dval>(arena, items.count, false);
    std::copy_n(items.at, items.count, room->used_from);
  }
  *room->used_to++ = item;
  return Listed(arena, {items.count + 1, room->used_to - items.count - 1, room});
}

Dval PushFront(Arena& arena, const Dval& list, const Dval& item) {
  const Items& items = *list.items;
  Room<Dval>* room = items.room;
  if (room == nullptr || room->used_from != items.at || room->used_from == room->from) {
    room = MakeRoom<Dval>(arena, items.count, true);
    std::copy_n(items.at, items.count, room->used_from);
  }
  *--room->used_from = item;
  return Listed(arena, {items.count + 1, room->used_from, room});
}

Dval MakeWrapped(Arena& arena, Tag tag, const Dval& inner) {
  Dval made;
  made.tag = tag;
  made.inner = arena.New(inner);
  return made;
}

Dval MakeError(Arena& arena, std::string_view message, uint64_t expr_id) {
  const Text* kept = MakeText(arena, message);
  Dval made;
  made.tag = Tag::kError;
  made.error = arena.New(ErrorData{{kept->data, kept->size}, expr_id});
  return made;
}

Dval MakeResponse(Arena& arena, const ResponseData& response) {
  Dval made;
  made.tag = Tag::kResponse;
  made.response = arena.New(response);
  return made;
}

namespace {

// Pairs in key order: the first that differs decides.
int CompareObjects(const ObjectNode* a, const ObjectNode* b) {
  ObjectCursor left(a);
  ObjectCursor right(b);
  for (; left.node() != nullptr && right.node() != nullptr; left.Advance(), right.Advance()) {
    int keys = left.node()->key_view().compare(right.node()->key_view());
    if (keys != 0) return keys < 0 ? -1 : 1;
    if (int values = Compare(left.node()->value, right.node()->value); values != 0) return values;
  }
  return left.node() != nullptr ? 1 : right.node() != nullptr ? -1 : 0;
}

int CompareFunctions(const Closure& a, const Closure& b) {
  auto order = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a.lambda == nullptr || b.lambda == nullptr) {
    if (int builtins = order(a.builtin, b.builtin); builtins != 0) return builtins;
    return order(a.function, b.function);
  }
  if (int shapes = order(a.lambda->shape, b.lambda->shape); shapes != 0) return shapes;
  size_t captures = std::min(a.lambda->captures.size(), b.lambda->captures.size());
  for (size_t i = 0; i < captures; ++i)
    if (int first = Compare(a.captured[i], b.captured[i]); first != 0) return first;
  return 0;
}

}  // namespace

int Compare(const Dval& a, const Dval& b) {
  StackGuard::Check();
  if (a.tag != b.tag) return a.tag < b.tag ? -1 : 1;
  auto order = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  switch (a.tag) {
    case Tag::kInt:
    case Tag::kBool:
    case Tag::kDate:
      return order(a.integer, b.integer);
    case Tag::kFloat:
      return order(a.number, b.number);
    case Tag::kNull:
    case Tag::kNothing:
    case Tag::kIncomplete:
      return 0;
    case Tag::kString:
    case Tag::kCharacter:
    case Tag::kDatastore:
    case Tag::kPassword:
    case Tag::kUuid:
    case Tag::kBytes:
      return order(a.view().compare(b.view()), 0);
    case Tag::kList:
    case Tag::kTuple: {
      for (size_t i = 0; i < std::min(a.count(), b.count()); ++i)
        if (int first = Compare(a[i], b[i]); first != 0) return first;
      return order(a.count(), b.count());
    }
    case Tag::kObject:
      return CompareObjects(a.object, b.object);
    case Tag::kErrorRail:
    case Tag::kJust:
    case Tag::kOk:
    case Tag::kErrorResult:
      return Compare(*a.inner, *b.inner);
    case Tag::kError:
      return order(a.error->message.compare(b.error->message), 0);
    case Tag::kFunction:
      return CompareFunctions(*a.closure, *b.closure);
    case Tag::kResponse: {
      if (int status = order(a.response->status, b.response->status); status != 0) return status;
      if (int url = order(a.response->redirect.compare(b.response->redirect), 0); url != 0)
        return url;
      if (int headers = CompareObjects(a.response->headers, b.response->headers); headers != 0)
        return headers;
      return Compare(a.response->body, b.response->body);
    }
  }
  return 0;
}

bool Equal(const Dval& a, const Dval& b) {
  // NaN is equal to nothing, also inside of other values; Compare cannot say so.
  StackGuard::Check();
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case Tag::kFloat:
      return a.number == b.number;
    case Tag::kList:
    case Tag::kTuple:
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), Equal);
    case Tag::kObject: {
      if (ObjectSize(a.object) != ObjectSize(b.object)) return false;
      ObjectCursor right(b.object);
      return ObjectEach(a.object, [&](const Text* key, const Dval& value) {
        bool same = std::string_view(key->data, key->size) == right.node()->key_view() &&
                    Equal(value, right.node()->value);
        right.Advance();
        return same;
      });
    }
    case Tag::kErrorRail:
    case Tag::kJust:
    case Tag::kOk:
    case Tag::kErrorResult:
      return Equal(*a.inner, *b.inner);
    default:
      return Compare(a, b) == 0;
  }
}

std::string_view TypeName(const Dval& value) {
  switch (value.tag) {
    case Tag::kInt:
      return "Int";
    case Tag::kFloat:
      return "Float";
    case Tag::kBool:
      return "Bool";
    case Tag::kNull:
      return "Null";
    case Tag::kString:
      return "Str";
    case Tag::kCharacter:
      return "Character";
    case Tag::kList:
      return "List";
    case Tag::kTuple:
      return "Tuple";
    case Tag::kObject:
      return "Dict";
    case Tag::kFunction:
      return "Block";
    case Tag::kError:
      return "Error";
    case Tag::kIncomplete:
      return "Incomplete";
    case Tag::kErrorRail:
      return "ErrorRail";
    case Tag::kResponse:
      return "Response";
    case Tag::kDatastore:
      return "Datastore";
    case Tag::kDate:
      return "Date";
    case Tag::kPassword:
      return "Password";
    case Tag::kUuid:
      return "UUID";
    case Tag::kNothing:
    case Tag::kJust:
      return "Option";
    case Tag::kOk:
    case Tag::kErrorResult:
      return "Result";
    case Tag::kBytes:
      return "Bytes";
  }
  return "";
}

namespace {

// Functions of their own: a string of theirs would make each frame of the recursion large.
[[gnu::noinline]] void WriteText(std::string_view text, ValueWriter& out) {
  std::string room;
  out.String(SecretMask::Apply(text, &room));
}

[[gnu::noinline]] void WriteBytes(std::string_view bytes, ValueWriter& out) {
  std::string room;
  out.Bytes(SecretMask::Apply(bytes, &room));
}

[[gnu::noinline]] void WriteMaskedKey(const Text* key, ValueWriter& out) {
  std::string room;
  out.Key(SecretMask::Apply({key->data, key->size}, &room));
}

[[gnu::noinline]] void WriteError(const ErrorData& error, ValueWriter& out) {
  std::string room;
  out.Error(SecretMask::Apply(error.message, &room), error.expr_id);
}

[[gnu::noinline]] void WriteResponse(const ResponseData& response, ValueWriter& out) {
  std::string room;
  out.BeginResponse(static_cast<uint32_t>(response.status),
                    SecretMask::Apply(response.redirect, &room));
  ObjectEach(response.headers, [&](const Text* key, const Dval& field) {
    if (field.Is(Tag::kString))
      out.Header({key->data, key->size},
                 SecretMask::ApplyToHeader({key->data, key->size}, field.view(), &room));
    return !out.full();
  });
  WriteValue(response.body, out);
  out.End();
}

}  // namespace

void WriteValue(const Dval& value, ValueWriter& out) {
  // A writer that is full closes what is open by itself, however deep the rest is.
  if (out.full()) return;
  auto wrapped = [&] {
    WriteValue(*value.inner, out);
    out.End();
  };
  auto items = [&] {
    for (size_t i = 0; i < value.count() && !out.full(); ++i) WriteValue(value[i], out);
    out.End();
  };
  switch (value.tag) {
    case Tag::kInt:
      return out.Int(value.integer);
    case Tag::kFloat:
      return out.Float(value.number);
    case Tag::kBool:
      return out.Bool(value.boolean());
    case Tag::kNull:
      return out.Null();
    case Tag::kString:
      return WriteText(value.view(), out);
    case Tag::kCharacter:
      return out.Character(value.view());
    case Tag::kList:
      out.BeginList();
      return items();
    case Tag::kTuple:
      out.BeginTuple();
      return items();
    case Tag::kObject:
      out.BeginObject();
      ObjectEach(value.object, [&](const Text* key, const Dval& field) {
        if (SecretMask::mask().empty())
          out.Key({key->data, key->size});
        else
          WriteMaskedKey(key, out);
        WriteValue(field, out);
        return !out.full();
      });
      return out.End();
    case Tag::kFunction:
      return out.Function(NameOf(*value.closure));
    case Tag::kError:
      return WriteError(*value.error, out);
    case Tag::kIncomplete:
      return out.Incomplete();
    case Tag::kErrorRail:
      out.BeginErrorRail();
      return wrapped();
    case Tag::kResponse:
      return WriteResponse(*value.response, out);
    case Tag::kDatastore:
      return out.Datastore(value.view());
    case Tag::kDate:
      return out.DateMs(value.integer);
    case Tag::kPassword:
      return out.Password();
    case Tag::kUuid:
      return out.Uuid(value.view());
    case Tag::kNothing:
      return out.Nothing();
    case Tag::kJust:
      out.BeginJust();
      return wrapped();
    case Tag::kOk:
      out.BeginOk();
      return wrapped();
    case Tag::kErrorResult:
      out.BeginErrorResult();
      return wrapped();
    case Tag::kBytes:
      return WriteBytes(value.view(), out);
  }
}

}  // namespace nightjar::lang
