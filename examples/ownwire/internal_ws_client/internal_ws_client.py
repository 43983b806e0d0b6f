"""Sends every text to a language model and the model's answer back to the session. `python3 internal_ws_client.py --help`"""
import asyncio
import collections
import json
import urllib.request

from internal_ws import InternalClient, flags, log, read_secret

ANSWER_TIMEOUT_S = 60
MOST_REMEMBERED = 20  # messages of one conversation
MOST_CONVERSATIONS = 1000  # the one not used for longest is forgotten first


class Conversation:
    def __init__(self):
        self.messages = collections.deque(maxlen=MOST_REMEMBERED)
        self.turn = asyncio.Lock()  # first come, first served: the answers come in the order of the questions


class Model:
    def __init__(self, given):
        self._endpoint = given.base_url.rstrip("/") + "/chat/completions"
        self._key = read_secret(given.openai_api_key_fn)
        self._name = given.model
        self._first = {"role": "system", "content": given.system_prompt}
        self._conversations = collections.OrderedDict()

    def _conversation(self, session_id):
        found = self._conversations.setdefault(session_id, Conversation())
        self._conversations.move_to_end(session_id)
        if len(self._conversations) > MOST_CONVERSATIONS:
            self._conversations.popitem(last=False)
        return found

    def _complete(self, messages):
        request = urllib.request.Request(
            self._endpoint,
            data=json.dumps({"model": self._name, "messages": [self._first, *messages]}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"},
        )
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as response:
            text = json.load(response)["choices"][0]["message"]["content"]
        if not text:
            raise ValueError("the model answered nothing")
        return text

    async def answer(self, message, reply):
        conversation = self._conversation(message["session_id"])
        question = {"role": "user", "content": message["content"]}
        async with conversation.turn:
            try:
                text = await asyncio.to_thread(self._complete, [*conversation.messages, question])
            except Exception:
                await reply("Sorry, I cannot answer right now. Please try again later.")
                raise
            conversation.messages += [question, {"role": "assistant", "content": text}]
            log.info("session %s: answered with %d characters", message["session_id"], len(text))
            await reply(text)


def main():
    parser = flags(__doc__.split("`")[0])
    parser.add_argument("--openai-api-key-fn", metavar="FILE", required=True, help="file with the API key")
    parser.add_argument(
        "--base-url", default="https://api.openai.com/v1", help="of any service with chat completions (%(default)s)"
    )
    parser.add_argument("--model", default="gpt-4o-mini", help="(%(default)s)")
    parser.add_argument(
        "--system-prompt",
        default="You answer visitors of a web site, in a few sentences.",
        help="what the model is told first",
    )
    given = parser.parse_args()
    model = Model(given)
    InternalClient(given.url, given.internal_token_file, model.answer).run()


if __name__ == "__main__":
    main()
