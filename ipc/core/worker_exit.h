// Exit codes of a worker that the supervisor tells apart. Part of the contract between the two,
// like ipc/proto.
#pragma once

namespace nightjar::worker_exit {

inline constexpr int kBrokenProtocol = 3;  // a message from the supervisor made no sense to it
inline constexpr int kNotSealed = 4;       // a wall did not stand; it said which
inline constexpr int kBackstop =
    5;  // its own absolute timer: the supervisor was not there to strike first

}  // namespace nightjar::worker_exit
