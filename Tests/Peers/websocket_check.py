"""Talks to an echo server with the `websockets` client.

usage: websocket_check.py ws://127.0.0.1:8106/echo

Exits with 0 when every check holds; prints one line per check.
"""

import asyncio
import statistics
import sys
import time

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def echo(url):
    async with connect(url, max_size=None) as socket:
        for size in [0, 1, 125, 126, 4096, 65535, 65536]:
            for message in ["ä" * (size // 2), bytes(size)]:
                await socket.send(message)
                assert await socket.recv() == message, size
        # Sent as fragments.
        await socket.send(["one ", "two ", "three"])
        assert await socket.recv() == "one two three"
    assert socket.close_code == 1000, socket.close_code


async def order(url):
    async with connect(url, compression=None) as socket:
        texts = [f"message {number}" for number in range(2000)]

        async def send():
            for text in texts:
                await socket.send(text)

        sending = asyncio.create_task(send())
        assert [await socket.recv() for _ in texts] == texts
        await sending


async def subprotocol(url):
    async with connect(url, subprotocols=["other", "grapevine.test"]) as socket:
        assert socket.subprotocol == "grapevine.test", socket.subprotocol


async def pings(url):
    async with connect(url) as socket:
        times = []
        for _ in range(100):
            begin = time.perf_counter()
            await (await socket.ping())
            times.append(time.perf_counter() - begin)
        # Held-back small packets would cost 40 ms each.
        assert statistics.median(times) < 0.02, statistics.median(times)


async def too_big(url):
    async with connect(url) as socket:
        await socket.send(bytes((64 << 10) + 1))
        try:
            await socket.recv()
        except ConnectionClosed:
            pass
        assert socket.close_code == 1009, socket.close_code


async def refused(url):
    try:
        async with connect(url.replace("/echo", "/nowhere")):
            raise AssertionError("was not refused")
    except InvalidStatus as error:
        assert error.response.status_code == 404
        assert error.response.headers["Content-Type"] == "application/problem+json"


async def many(url):
    async def one(number):
        async with connect(url) as socket:
            for round in range(20):
                await socket.send(f"{number}.{round}")
                assert await socket.recv() == f"{number}.{round}"

    await asyncio.gather(*(one(number) for number in range(200)))


async def main(url):
    for check in [echo, order, subprotocol, pings, too_big, refused, many]:
        await asyncio.wait_for(check(url), 60)
        print(f"ok {check.__name__}")


asyncio.run(main(sys.argv[1]))
