// How sessions ended, in words that both languages share: path, stage and code, and the rule behind it by the name that it has in the sources of either.

/** Names of errors by what the C++ library says of them: yamux_errc, record_errc, session_errc, ws_errc; and the names in C++ of two that TypeScript finds in its WebSocket. */
const names = {
  "websocket: unexpected_text_frame": "wrong_message",
  "websocket: send_buffer_timeout": "send_timeout",
  "the transport ended": "transport_closed",
  "the peer sent Go Away": "go_away",
  "a frame with an unknown version": "bad_version",
  "a frame of an unknown type": "bad_type",
  "a stream frame on stream id 0": "stream_zero",
  "the peer opened a stream that is alive": "stream_already_open",
  "a data frame above max_frame_bytes": "frame_too_large",
  "the peer granted more than the protocol's window": "credit_overflow",
  "unread bytes of all streams above max_session_receive_bytes": "session_memory_exceeded",
  "the peer does not read the answers it causes": "reply_queue_overflow",
  "record larger than max_record_bytes": "too_large",
  "record shorter than its header": "too_short",
  "record without the FSEC magic": "bad_magic",
  "unknown record version": "bad_version",
  "unknown record flags": "bad_flags",
  "record out of sequence": "bad_sequence",
  "record length does not match the message": "size_mismatch",
  "record did not open": "open_failed",
  "record sequence numbers are used up": "exhausted",
  "a message that has no place here": "wrong_message",
  "the transport was closed": "transport_closed",
  "the transport takes no more bytes": "send_timeout",
  "reserved bits are set": "reserved_bits",
  "unknown opcode": "unknown_opcode",
  "control frame is fragmented": "control_fragmented",
  "control frame is too long": "control_too_long",
  "length is not in its shortest form": "length_not_minimal",
  "frame is not masked": "mask_missing",
  "frame is masked": "mask_unexpected",
  "continuation without a message": "continuation_unexpected",
  "new message inside a fragmented one": "continuation_expected",
  "close payload is malformed": "close_payload_invalid",
  "close code must not be sent": "close_code_invalid",
  "message is too big": "message_too_big",
  "closed by the peer": "closed_by_peer",
  "connection ended without a close frame": "abrupt_end",
};

/** "direct: yamux/mux_failed: bad_type", of "direct: yamux/mux_failed" and why, as either language writes it. */
export function wordOf(text) {
  const [, error, why] = /^([a-z]+: [a-z_]+\/[a-z_]+)(?:: (.*))?$/s.exec(text) ?? [];
  if (error === undefined) return text;
  return why === undefined ? error : `${error}: ${names[why] ?? why.replace(/^(yamux|record): /, "")}`;
}

/** Words in the order in which they come, each for whoever asks next. */
export class Words {
  #kept = [];
  #waiting = [];
  say(word) {
    if (this.#waiting.length > 0) this.#waiting.shift()(word);
    else this.#kept.push(word);
  }
  next() {
    return this.#kept.length > 0 ? Promise.resolve(this.#kept.shift()) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Of a session whose peer went away, which is how one is supposed to end. */
export const left = "left";

/** What a serving flowersec-peer says: of each client one word, when it was refused or when its session was over. */
export function wordsOfPeer(program) {
  const words = new Words();
  const hear = async (line, wordIn) => {
    for (let text = await line(); text !== undefined; text = await line()) {
      const word = wordIn(text);
      if (word !== undefined) words.say(word);
    }
  };
  void hear(program.errLine, (text) => /^refused a client: ([^ ]+ [^ ]+)/.exec(text)?.[1]);
  void hear(program.outLine, (text) => {
    const { role, ok, error } = JSON.parse(text);
    if (role !== "server") return undefined;
    return ok ? left : wordOf(error);
  });
  return words;
}
