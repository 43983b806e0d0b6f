// Sends every text to a language model and the model's answer back to the session. `node internal_ws_client.mjs --help`
import { readFlags } from "./flags.mjs";
import { log, readSecret, serve } from "./internal_ws.mjs";

const answerTimeoutMs = 60_000;
const mostRemembered = 20; // messages of one conversation
const mostConversations = 1000; // the one not used for longest is forgotten first

const flags = readFlags(
  `Usage: node internal_ws_client.mjs --openai-api-key-fn FILE [flags]
  --openai-api-key-fn FILE     file with the API key
  --base-url URL               of any service with chat completions (https://api.openai.com/v1)
  --model NAME                 (gpt-4o-mini)
  --system-prompt TEXT         what the model is told first
  --url URL                    internal WebSocket (ws://127.0.0.1:8081/ws)
  --internal-token-file FILE   the gateway's token, where it wants one`,
  {
    "openai-api-key-fn": "",
    "base-url": "https://api.openai.com/v1",
    model: "gpt-4o-mini",
    "system-prompt": "You answer visitors of a web site, in a few sentences.",
    url: "ws://127.0.0.1:8081/ws",
    "internal-token-file": "",
  },
);
if (!flags["openai-api-key-fn"]) {
  console.error("--openai-api-key-fn is needed; --help shows all flags");
  process.exit(2);
}
const apiKey = readSecret(flags["openai-api-key-fn"]);
const endpoint = `${flags["base-url"].replace(/\/+$/, "")}/chat/completions`;
const conversations = new Map(); // session id → {messages, turn}, least recently used first

function conversationOf(sessionId) {
  const found = conversations.get(sessionId) ?? { messages: [], turn: Promise.resolve() };
  conversations.delete(sessionId);
  conversations.set(sessionId, found);
  if (conversations.size > mostConversations) conversations.delete(conversations.keys().next().value);
  return found;
}

async function complete(messages) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model: flags.model, messages: [{ role: "system", content: flags["system-prompt"] }, ...messages] }),
    signal: AbortSignal.timeout(answerTimeoutMs),
  });
  if (!response.ok) throw new Error(`${endpoint} answered ${response.status}`);
  const text = (await response.json()).choices[0].message.content;
  if (!text) throw new Error("the model answered nothing");
  return text;
}

/** One turn at a time in each conversation: the answers come in the order of the questions. */
function takeTurn(conversation, work) {
  const turn = conversation.turn.then(work);
  conversation.turn = turn.catch(() => {});
  return turn;
}

serve({
  url: flags.url,
  token: flags["internal-token-file"] && readSecret(flags["internal-token-file"]),
  answer: ({ content, session_id }, reply) => {
    const conversation = conversationOf(session_id);
    return takeTurn(conversation, async () => {
      const question = { role: "user", content };
      try {
        const text = await complete([...conversation.messages, question]);
        conversation.messages.push(question, { role: "assistant", content: text });
        conversation.messages.splice(0, conversation.messages.length - mostRemembered);
        log(`session ${session_id}: answered with ${text.length} characters`);
        reply(text);
      } catch (error) {
        reply("Sorry, I cannot answer right now. Please try again later.");
        throw error;
      }
    });
  },
});
