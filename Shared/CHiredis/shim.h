#pragma once
#include <hiredis/hiredis.h>
// Swift's Glibc module leaves it out; RedisKit's threads sleep on it beside the socket.
#include <sys/eventfd.h>
