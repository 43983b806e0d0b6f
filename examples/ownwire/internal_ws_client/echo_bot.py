"""Sends every text back to the session it came from. `python3 echo_bot.py --help`"""
from internal_ws import InternalClient, flags, log


async def answer(message, reply):
    log.info("session %s: %d characters", message["session_id"], len(message["content"]))
    await reply(message["content"])


if __name__ == "__main__":
    given = flags(__doc__.split("`")[0]).parse_args()
    InternalClient(given.url, given.internal_token_file, answer).run()
