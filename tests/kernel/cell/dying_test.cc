// A removed group lives on in the kernel, unseen, as long as a page is charged to it. Hundreds of
// them cost memory and make every walk over the groups slower, so none may stay.
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "supervisor/cell/cell_counters.h"
#include "tests/kernel/cell/cell_fixture.h"

namespace nightjar {
namespace {

constexpr size_t kCells = 300;
constexpr size_t kAtOnce = 20;
constexpr size_t kFileBytes = 128 * 1024;

class DyingTest : public CellTest {
 protected:
  // In the kernel's own count: below the test's top group, and for a v1 memory hierarchy of the
  // whole host, where others come and go meanwhile.
  uint64_t DyingUnified() const {
    if (hierarchies_.v1_alone()) return 0;
    std::string path = hierarchies_.unified_mount + "/" + TestTop() + "/cgroup.stat";
    auto text = ReadFileAt(AT_FDCWD, path.c_str());
    return text ? CounterIn(*text, "nr_dying_descendants") : 0;
  }
  uint64_t AllMemoryV1() const {
    if (hierarchies_.memory.home != ControllerHome::kV1) return 0;
    auto text = ReadFileAt(AT_FDCWD, "/proc/cgroups");
    size_t at = text->find("memory\t");
    return strtoull(text->c_str() + text->find('\t', at + 7), nullptr, 10);
  }
  // A file of which no page is in the cache: whoever reads it is charged for it.
  static Fd UncachedFile() {
    char path[] = "/var/tmp/nightjar-dying-XXXXXX";
    Fd file(mkostemp(path, O_CLOEXEC));
    unlink(path);
    std::string text(kFileBytes, 'x');
    EXPECT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(fsync(file.get()), 0);
    EXPECT_EQ(posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
    return file;
  }
  // A life in the cell: memory of its own, and a file that others may read later.
  void LiveIn(const Cell& cell, const Fd& file) {
    Inmate inmate(cell, [&](auto& ready) {
      char page[4096];
      for (off_t at = 0; pread(file.get(), page, sizeof page, at) > 0;) at += sizeof page;
      void* memory =
          mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory != MAP_FAILED) memset(memory, 1, 1 << 20);
      ready();
      pause();
    });
    EXPECT_TRUE(inmate.WaitReady());
    EXPECT_TRUE(cell.Empty().has_value());
  }
};

TEST_P(DyingTest, RemovedCellsLeaveNoneBehind) {
  uint64_t before = AllMemoryV1();
  std::vector<Fd> files;  // open to the end: their pages stay in the cache
  for (size_t made = 0; made < kCells; made += kAtOnce) {
    std::vector<std::unique_ptr<Cell>> cells;
    for (size_t i = 0; i < kAtOnce; ++i) cells.push_back(Acquire({16 << 20, 4}));
    for (auto& cell : cells) {
      files.push_back(UncachedFile());
      LiveIn(*cell, files.back());
    }
    for (auto& cell : cells) {
      ASSERT_TRUE(WaitEmpty(*cell));
      cell.reset();  // not for reuse: the next sweeps remove it
    }
    while (Exists("/canvas-demo/cell-" + std::to_string(made + kAtOnce))) tree_->Sweep();
  }
  for (int looks = 0; looks < 10'000 && (DyingUnified() > 0 || AllMemoryV1() > before + kCells / 4);
       ++looks)
    poll(nullptr, 0, 1);
  EXPECT_EQ(DyingUnified(), 0u);
  EXPECT_LE(AllMemoryV1(), before + kCells / 4);
}

INSTANTIATE_TEST_SUITE_P(Host, DyingTest, testing::Values(Shape::kAsItIs, Shape::kV1Alone),
                         ShapeName);

}  // namespace
}  // namespace nightjar
