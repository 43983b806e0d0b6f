"""The steps of a case, played with Debian's python3-websockets.

    peer.py client <url>   a connection for every line on stdin
    peer.py serve          prints its port; the next connection for every line on stdin
    peer.py echo           prints its port; sends everything back, in fragments; `close <code> <reason>` closes

A line is a case as JSON; the answer is what this side saw of it, as JSON.
"""
import asyncio
import json
import sys

import websockets
from websockets.frames import Close

OPTIONS = dict(max_size=None, ping_interval=None, close_timeout=10)


def payload_of(what):
    if "repeats" in what:
        return "aé€😀" * what["repeats"]
    return bytes((i * 7 + (i >> 8)) & 255 for i in range(what["size"]))


async def send(socket, what):
    payload = payload_of(what)
    if "by" not in what:
        return await socket.send(payload)
    # Its fragments of a text are whole characters each; those of bytes are whatever is asked for.
    by = what["by"]

    async def pieces():
        for at in range(0, len(payload), by):
            yield payload[at : at + by]
            if what.get("empties"):
                yield payload[:0]
            if what.get("ping"):
                await socket.ping(b"between %d" % at)

    await socket.send(pieces())


async def closed(socket):
    await socket.wait_closed()
    code = "-" if socket.close_code == 1005 else socket.close_code
    return f"closed {code} {socket.close_reason or ''}".strip()


async def play(socket, case):
    seen = []
    for step in case["does"]:
        try:
            if "back" in step:
                await send(socket, step["back"])
                seen.append("back" if await socket.recv() == payload_of(step["back"]) else "something else")
            elif "ping" in step:
                waiter = await socket.ping(payload_of({"size": step["ping"]}))
                await waiter
                seen.append("pong")
            elif "close" in step:
                if step["close"]:
                    await socket.close(*step["close"])
                else:
                    await socket.write_close_frame(Close(1005, ""), b"")
                seen.append(await closed(socket))
            elif "ask" in step:
                await socket.send("close " + " ".join(map(str, step["ask"])))
                seen.append(await closed(socket))
            else:
                socket.transport.abort()
                seen.append("cut")
        except websockets.ConnectionClosed:
            seen.append(await closed(socket))
            break
    return ", ".join(seen)


async def lines():
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def say(what):
    print(json.dumps(what), flush=True)


async def client(url):
    async for case in lines():
        async with websockets.connect(url, **OPTIONS) as socket:
            try:
                say(await asyncio.wait_for(play(socket, case), 20))
            except Exception as error:
                say(repr(error))


async def serve():
    waiting = asyncio.Queue()

    async def on_connection(socket):
        case, played = await waiting.get()
        try:
            played.set_result(await asyncio.wait_for(play(socket, case), 20))
        except Exception as error:
            played.set_result(repr(error))

    async with websockets.serve(on_connection, "127.0.0.1", 0, **OPTIONS) as server:
        say(server.sockets[0].getsockname()[1])
        async for case in lines():
            played = asyncio.get_running_loop().create_future()
            await waiting.put((case, played))
            say(await played)


async def echo():
    async def on_connection(socket):
        async for message in socket:
            text = message if isinstance(message, str) else message[:200].decode(errors="replace")
            if text.startswith("close "):
                _, code, *reason = text.split(" ", 2)
                return await socket.close(int(code), "".join(reason))
            by = len(message) // 7 + 1
            await socket.send([message[at : at + by] for at in range(0, len(message), by)] or message)

    async with websockets.serve(on_connection, "127.0.0.1", 0, **OPTIONS) as server:
        say(server.sockets[0].getsockname()[1])
        async for _ in lines():
            pass


asyncio.run({"client": client, "serve": serve, "echo": echo}[sys.argv[1]](*sys.argv[2:]))
