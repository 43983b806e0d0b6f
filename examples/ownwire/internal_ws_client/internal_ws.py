"""One connection to OwnWire's internal WebSocket that carries the texts of all sessions, and comes back when it was lost."""
import argparse
import asyncio
import collections
import json
import logging
import random
import signal
import sys

import websockets

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0
MOST_KEPT_REPLIES = 1000

log = logging.getLogger("internal_ws")


def flags(description):
    """The flags that every client has."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--url", default="ws://127.0.0.1:8081/ws", help="internal WebSocket (%(default)s)")
    parser.add_argument("--internal-token-file", metavar="FILE", help="the gateway's token, where it wants one")
    return parser


def read_secret(path):
    """What a file with a secret holds. Ends the program when there is nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            secret = file.read().strip()
    except OSError as error:
        sys.exit(str(error))
    return secret or sys.exit(f"{path} is empty")


class InternalClient:
    """`answer(message, reply)` is a coroutine function, called with each text of a user:
    message = {"content", "session_id", "metadata"?}. `await reply(text)` sends to that session, as often as wanted."""

    def __init__(self, url, token_file, answer):
        self._url = url
        self._headers = {"Authorization": f"Bearer {read_secret(token_file)}"} if token_file else {}
        self._answer = answer
        self._socket = None
        self._kept = collections.deque()  # replies made while there is no connection
        self._running = set()
        self._stopping = False

    async def _send(self, frame):
        if self._socket is not None:
            try:
                return await self._socket.send(frame)
            except websockets.ConnectionClosed:
                pass
        self._kept.append(frame)
        if len(self._kept) > MOST_KEPT_REPLIES:
            self._kept.popleft()
            log.error("too many replies wait for a connection: the oldest is lost")

    async def _on_text(self, data):
        try:
            message = json.loads(data)
            if not message.get("content"):
                log.info("session %s: empty content, ignored", message.get("session_id"))
                return

            async def reply(content):  # The same session and metadata, another content: that is a reply.
                await self._send(json.dumps({**message, "content": content}))

            await self._answer(message, reply)
        except Exception as error:  # pylint: disable=broad-except; one message must not end the others
            log.error("a message could not be answered: %s", error)

    async def _connection(self):
        """Until it is closed. True when it was open."""
        try:
            async with websockets.connect(self._url, extra_headers=self._headers) as socket:
                if self._stopping:  # a cancellation that comes just as the connection opens is lost
                    return True
                log.info("connected to %s", self._url)
                while self._kept:
                    await socket.send(self._kept.popleft())
                self._socket = socket
                try:
                    async for data in socket:  # pings are answered by the library
                        task = asyncio.create_task(self._on_text(data))
                        self._running.add(task)  # a task that nobody holds may be collected
                        task.add_done_callback(self._running.discard)
                except websockets.ConnectionClosed:
                    pass
                finally:
                    self._socket = None
                log.info('closed: code %s, reason "%s"', socket.close_code, socket.close_reason)
                return True
        except (OSError, websockets.WebSocketException, asyncio.TimeoutError) as error:
            log.error("error: %s", error)
            return False

    async def _for_ever(self):
        delay = FIRST_DELAY_S
        while not self._stopping:
            if await self._connection():
                delay = FIRST_DELAY_S
            await asyncio.sleep(delay * random.uniform(0.5, 1))
            delay = min(delay * 2, LONGEST_DELAY_S)

    async def _until_signal(self):
        work = asyncio.create_task(self._for_ever())

        def stop():
            self._stopping = True
            work.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        try:
            await work  # cancelled inside the connection, it is closed with 1000
        except asyncio.CancelledError:
            pass

    def run(self):
        """Until the process is told to end."""
        logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
        logging.getLogger("websockets").setLevel(logging.WARNING)
        asyncio.run(self._until_signal())
