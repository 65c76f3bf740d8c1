// The worker's end of a trace ring. See layout.h for what lies where. (The ring's author completes this.)
#pragma once
namespace nightjar {
class RingProducer;
}
