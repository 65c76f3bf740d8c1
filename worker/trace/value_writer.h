// Writes one value of any engine as a bounded proto::Value, without the trace code knowing the
// engine's values.
//
// Used like a SAX parser in reverse: a scalar call, or Begin*() .. items .. End(). When the byte
// budget is used up the writer goes deaf: full() turns true, further calls are ignored, every open
// container is closed properly, and the value is marked truncated. The caller should look at full()
// in loops over its items and stop. A long text is cut between characters, and one that is not
// UTF-8 ends where it stops being so. The mark's `bytes` is the size that the writer saw go by, the
// least that the whole can have been; its `hash` is XXH64 of the encoding that was kept. No
// allocation; single thread; owned by Recorder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ipc/core/bounds.h"

namespace nightjar {

class ValueWriter {
 public:
  // Room for the mark and for a little besides it.
  static constexpr size_t kLeastCapacity = 48;

  // Writes into [buffer, buffer + capacity), which the caller owns; at least kLeastCapacity, less
  // than 16 KiB.
  ValueWriter(char* buffer, size_t capacity);

  void Int(int64_t value);
  void Float(double value);
  void Bool(bool value);  // NOLINT: the value itself
  void Null();
  void String(std::string_view utf8);
  void Character(std::string_view utf8);
  void Function(std::string_view name);
  void Error(std::string_view message, uint64_t expr_id);
  void Incomplete();
  void Datastore(std::string_view name);
  void DateMs(int64_t unix_ms);
  void Password();
  void Uuid(std::string_view sixteen_bytes);
  void Nothing();
  void Bytes(std::string_view bytes);

  void BeginList();
  void BeginTuple();
  void BeginObject();
  void Key(std::string_view key);  // before each value inside an object
  // One value follows in each of these four.
  void BeginJust();
  void BeginOk();
  void BeginErrorResult();
  void BeginErrorRail();
  // One value follows: the body. Headers come through Header() before it.
  void BeginResponse(uint32_t status, std::string_view redirect_url);
  void Header(std::string_view name, std::string_view value);
  void End();

  bool full() const { return full_; }

  // Closes what is still open, marks the value if it was cut, and returns its size. The last call.
  size_t Finish();

 private:
  enum class Shape : uint8_t { kItems, kFields, kWrapper, kResponse };
  // An open container. Null: there is no such message around it.
  struct Frame {
    char* body;   // of the container's own message
    char* value;  // of the Value that holds it
    char* field;  // of the ValueField that holds that
    Shape shape;
    uint8_t levels;
  };

  bool OpenValue(size_t need);
  void CloseValue();
  template <uint32_t kField>
  void Text(std::string_view text);
  template <uint32_t kField>
  void Raw(std::string_view bytes);
  template <uint32_t kField>
  void Empty();
  template <uint32_t kField>
  bool Open(Shape shape, size_t need = 0);
  void Pop();
  void GoDeaf(size_t unwritten);
  size_t Room() const { return static_cast<size_t>(limit_ - at_); }

  char* const begin_;
  char* at_;
  char* const limit_;       // the mark fits behind it
  char* value_ = nullptr;   // the Value message being written, for CloseValue or the next frame
  char* field_ = nullptr;   // an opened ValueField whose value is due
  uint64_t unwritten_ = 0;  // bytes that were offered and not kept
  uint32_t depth_ = 0;      // open frames
  uint32_t levels_ = 0;     // messages around the next item
  uint32_t ignored_ = 0;    // containers begun while deaf
  bool full_ = false;
  Frame frames_[bounds::kTraceValueLevels];  // unset beyond depth_
};

}  // namespace nightjar
