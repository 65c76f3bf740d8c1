// Persistent weight-balanced trees (Adams' trees, with the parameters that Hirai and Yamamoto
// proved sound: delta 3, ratio 2).
#include "worker/lang/value.h"

namespace nightjar::lang {
namespace {

constexpr size_t kDelta = 3;
constexpr size_t kRatio = 2;

const ObjectNode* Make(Arena& arena, const ObjectNode* left, const Text* key, const Dval& value,
                       const ObjectNode* right) {
  auto* node = static_cast<ObjectNode*>(arena.Allocate(sizeof(ObjectNode)));
  node->left = left;
  node->right = right;
  node->key = key;
  node->value = value;
  node->size = ObjectSize(left) + ObjectSize(right) + 1;
  return node;
}

bool Balanced(const ObjectNode* a, const ObjectNode* b) {
  return kDelta * (ObjectSize(a) + 1) >= ObjectSize(b) + 1;
}

bool SingleRotation(const ObjectNode* inner, const ObjectNode* outer) {
  return ObjectSize(inner) + 1 < kRatio * (ObjectSize(outer) + 1);
}

const ObjectNode* Balance(Arena& arena, const ObjectNode* left, const Text* key, const Dval& value,
                          const ObjectNode* right) {
  if (!Balanced(left, right)) {
    if (SingleRotation(right->left, right->right))
      return Make(arena, Make(arena, left, key, value, right->left), right->key, right->value,
                  right->right);
    const ObjectNode* middle = right->left;
    return Make(arena, Make(arena, left, key, value, middle->left), middle->key, middle->value,
                Make(arena, middle->right, right->key, right->value, right->right));
  }
  if (!Balanced(right, left)) {
    if (SingleRotation(left->right, left->left))
      return Make(arena, left->left, left->key, left->value,
                  Make(arena, left->right, key, value, right));
    const ObjectNode* middle = left->right;
    return Make(arena, Make(arena, left->left, left->key, left->value, middle->left), middle->key,
                middle->value, Make(arena, middle->right, key, value, right));
  }
  return Make(arena, left, key, value, right);
}

// Both not empty, every key of `left` before every key of `right`.
const ObjectNode* Glue(Arena& arena, const ObjectNode* left, const ObjectNode* right) {
  if (left == nullptr) return right;
  if (right == nullptr) return left;
  const ObjectNode* first = right;
  while (first->left != nullptr) first = first->left;
  return Balance(arena, left, first->key, first->value,
                 ObjectRemove(arena, right, first->key_view()));
}

// Balanced: the halves differ by one at most.
const ObjectNode* Halved(ObjectNode*& nodes, std::span<const Text* const> names,
                         std::span<const uint32_t> by_name, const Dval* values) {
  if (by_name.empty()) return nullptr;
  size_t middle = by_name.size() / 2;
  uint32_t place = by_name[middle];
  ObjectNode* node = nodes++;
  node->left = Halved(nodes, names, by_name.first(middle), values);
  node->right = Halved(nodes, names, by_name.subspan(middle + 1), values);
  node->key = names[place];
  node->value = values[place];
  node->size = by_name.size();
  return node;
}

}  // namespace

const ObjectNode* MakeObject(Arena& arena, std::span<const Text* const> names,
                             std::span<const uint32_t> by_name, const Dval* values) {
  auto* nodes = static_cast<ObjectNode*>(arena.Allocate(by_name.size() * sizeof(ObjectNode)));
  return Halved(nodes, names, by_name, values);
}

size_t ObjectSize(const ObjectNode* object) {
  return object == nullptr ? 0 : object->size;
}

const Dval* ObjectGet(const ObjectNode* object, std::string_view key) {
  while (object != nullptr) {
    int order = key.compare(object->key_view());
    if (order == 0) return &object->value;
    object = order < 0 ? object->left : object->right;
  }
  return nullptr;
}

const ObjectNode* ObjectSet(Arena& arena, const ObjectNode* object, const Text* key,
                            const Dval& value) {
  if (object == nullptr) return Make(arena, nullptr, key, value, nullptr);
  int order = std::string_view(key->data, key->size).compare(object->key_view());
  if (order == 0) return Make(arena, object->left, key, value, object->right);
  if (order < 0)
    return Balance(arena, ObjectSet(arena, object->left, key, value), object->key, object->value,
                   object->right);
  return Balance(arena, object->left, object->key, object->value,
                 ObjectSet(arena, object->right, key, value));
}

const ObjectNode* ObjectRemove(Arena& arena, const ObjectNode* object, std::string_view key) {
  if (object == nullptr) return nullptr;
  int order = key.compare(object->key_view());
  if (order == 0) return Glue(arena, object->left, object->right);
  if (order < 0)
    return Balance(arena, ObjectRemove(arena, object->left, key), object->key, object->value,
                   object->right);
  return Balance(arena, object->left, object->key, object->value,
                 ObjectRemove(arena, object->right, key));
}

}  // namespace nightjar::lang
