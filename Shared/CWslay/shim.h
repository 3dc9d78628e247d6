#pragma once
#include <wslay/wslay.h>
// Swift's Glibc module leaves these out; the thread of the sockets waits with them.
#include <sys/epoll.h>
#include <sys/eventfd.h>
