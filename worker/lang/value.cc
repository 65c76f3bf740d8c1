#include "worker/lang/value.h"

#include <algorithm>

namespace nightjar::lang {

const Text* MakeText(Arena& arena, std::string_view content) {
  auto* text = static_cast<Text*>(arena.Allocate(sizeof(size_t) + content.size()));
  text->size = content.size();
  memcpy(text->data, content.data(), content.size());
  return text;
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

Dval MakeItems(Arena& arena, Tag tag, const Dval* at, size_t count) {
  auto* items = static_cast<Items*>(arena.Allocate(sizeof(Items)));
  *items = {count, at};
  Dval made;
  made.tag = tag;
  made.items = items;
  return made;
}

Dval MakeWrapped(Arena& arena, Tag tag, const Dval& inner) {
  auto* place = arena.Array<Dval>(1);
  *place = inner;
  Dval made;
  made.tag = tag;
  made.inner = place;
  return made;
}

Dval MakeError(Arena& arena, std::string_view message, uint64_t expr_id) {
  auto* error = static_cast<ErrorData*>(arena.Allocate(sizeof(ErrorData)));
  const Text* kept = MakeText(arena, message);
  *error = {{kept->data, kept->size}, expr_id};
  Dval made;
  made.tag = Tag::kError;
  made.error = error;
  return made;
}

Dval MakeResponse(Arena& arena, const ResponseData& response) {
  auto* place = static_cast<ResponseData*>(arena.Allocate(sizeof(ResponseData)));
  *place = response;
  Dval made;
  made.tag = Tag::kResponse;
  made.response = place;
  return made;
}

int Compare(const Dval& a, const Dval& b) {
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
    case Tag::kObject: {
      if (int sizes = order(ObjectSize(a.object), ObjectSize(b.object)); sizes != 0) return sizes;
      int first = 0;
      ObjectEach(a.object, [&](std::string_view key, const Dval& value) {
        const Dval* other = ObjectGet(b.object, key);
        first = other == nullptr ? 1 : Compare(value, *other);
        return first == 0;
      });
      return first;
    }
    case Tag::kErrorRail:
    case Tag::kJust:
    case Tag::kOk:
    case Tag::kErrorResult:
      return Compare(*a.inner, *b.inner);
    case Tag::kError:
      return order(a.error->message.compare(b.error->message), 0);
    case Tag::kFunction:
      return order(a.closure, b.closure);
    case Tag::kResponse: {
      if (int status = order(a.response->status, b.response->status); status != 0) return status;
      if (int url = order(a.response->redirect.compare(b.response->redirect), 0); url != 0)
        return url;
      Dval left = Dval::Object(a.response->headers);
      Dval right = Dval::Object(b.response->headers);
      if (int headers = Compare(left, right); headers != 0) return headers;
      return Compare(a.response->body, b.response->body);
    }
  }
  return 0;
}

bool Equal(const Dval& a, const Dval& b) {
  // NaN is equal to nothing, also inside of other values; Compare cannot say so.
  if (a.tag == Tag::kFloat && b.tag == Tag::kFloat) return a.number == b.number;
  if (a.tag != b.tag) return false;
  if (a.tag == Tag::kList || a.tag == Tag::kTuple) {
    if (a.count() != b.count()) return false;
    for (size_t i = 0; i < a.count(); ++i)
      if (!Equal(a[i], b[i])) return false;
    return true;
  }
  return Compare(a, b) == 0;
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
      return "Char";
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
      return "DB";
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

void WriteValue(const Dval& value, ValueWriter& out) {
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
      return out.String(value.view());
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
      ObjectEach(value.object, [&](std::string_view key, const Dval& field) {
        out.Key(key);
        WriteValue(field, out);
        return !out.full();
      });
      return out.End();
    case Tag::kFunction:
      return out.Function("lambda");
    case Tag::kError:
      return out.Error(value.error->message, value.error->expr_id);
    case Tag::kIncomplete:
      return out.Incomplete();
    case Tag::kErrorRail:
      out.BeginErrorRail();
      return wrapped();
    case Tag::kResponse:
      out.BeginResponse(static_cast<uint32_t>(value.response->status), value.response->redirect);
      ObjectEach(value.response->headers, [&](std::string_view key, const Dval& field) {
        if (field.Is(Tag::kString)) out.Header(key, field.view());
        return !out.full();
      });
      WriteValue(value.response->body, out);
      return out.End();
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
      return out.Bytes(value.view());
  }
}

}  // namespace nightjar::lang
