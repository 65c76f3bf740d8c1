// The ZygoteClient over a control channel, through the lives of several zygotes. Loop thread only.
#pragma once

#include <optional>
#include <unordered_map>

#include "ipc/wire/channel.h"
#include "supervisor/proc/zygote_client.h"

namespace nightjar {

class ZygoteConnection final : public ZygoteClient {
 public:
  explicit ZygoteConnection(Loop& loop) : loop_(loop) {}

  void Connect(Channel channel);
  // Its process ended. Everyone who waits for a worker is answered.
  void Disconnect();

  void Spawn(const SpawnRequest& request,
             std::function<void(Result<SpawnedProcess>)> done) override;
  bool ready() const override { return channel_.has_value(); }

 private:
  void OnReadable();
  void LoseLater();

  Loop& loop_;
  uint64_t connects_ = 0;
  std::optional<Channel> channel_;
  std::unique_ptr<FdWatch> watch_;
  std::unordered_map<WorkerId, std::function<void(Result<SpawnedProcess>)>> asked_;
};

}  // namespace nightjar
