// Reaps children of this process that nobody watches.
//
// The zygote and the launcher make processes that are this one's children (CLONE_PARENT). One that
// dies between making a process and telling of it leaves a child that nobody knows. Dead and
// unreaped, it would hold up the end of its pid namespace, and so the next nest, for ever.
//
// What is watched is reaped in the turn of the loop in which its end is seen (Child): at the latest
// the one behind that of a first look. So what three looks in three turns find dead is nobody's.
// Loop thread only.
#pragma once

#include <sys/types.h>

namespace nightjar {

class Strays {
 public:
  // Once in a turn of the loop, again and again. True: it reaped one; there may be more.
  bool Look();

 private:
  pid_t seen_ = 0;  // dead at the last look; 0: nobody was
  int looks_ = 0;   // that have found it so
};

}  // namespace nightjar
