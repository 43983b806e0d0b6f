// What becomes of a handshake or a record in which one bit was flipped on the way, by the rules of PROTOCOL alone: "Handshake frame", "Handshake messages", "Handshake flow", "Records".
const failed = (code) => ({ ends: "1000", says: `direct: handshake/${code}` });
const keyBytes = { 1: 32, 2: 65 };
const fits = (value, most) => Number.isSafeInteger(value) && value >= 0 && value <= most;

/** Bytes of canonical base64url, of a certain number. */
function bytesIn(text, count) {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.length === count && bytes.toString("base64url") === text ? bytes : undefined;
}

/** The object of a frame of this type, or the code of the refusal. */
function read(frame, type) {
  if (frame.toString("latin1", 0, 4) !== "FSEH") return { refused: "handshake_failed" };
  if (frame[4] !== 1) return { refused: "invalid_version" };
  if (frame.readUInt32BE(6) !== frame.length - 10 || frame[5] !== type) return { refused: "handshake_failed" };
  try {
    const said = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(frame.subarray(10)));
    return typeof said === "object" && said !== null && !Array.isArray(said) ? { said } : { refused: "handshake_failed" };
  } catch {
    return { refused: "handshake_failed" };
  }
}

function ofInit(frame, { suite, info }) {
  const { refused, said } = read(frame, 1);
  if (refused) return failed(refused);
  const { channel_id, role, version, suite: asked, client_eph_pub_b64u, nonce_c_b64u, client_features } = said;
  if (typeof channel_id !== "string" || !fits(role, 255) || !fits(version, 255) || !fits(asked, 65_535) || !fits(client_features, 0xffff_ffff)) return failed("handshake_failed");
  if (typeof client_eph_pub_b64u !== "string" || typeof nonce_c_b64u !== "string") return failed("handshake_failed");
  if (version !== 1) return failed("invalid_version");
  if (role !== 1 || channel_id !== info.channel_id) return failed("handshake_failed");
  if (asked !== suite) return failed("invalid_suite");
  if (bytesIn(client_eph_pub_b64u, keyBytes[suite]) === undefined || bytesIn(nonce_c_b64u, 32) === undefined) return failed("handshake_failed");
  return failed("auth_tag_mismatch"); // of another transcript; whether a key is a point shows behind the tag
}

function ofAck(frame, { handshakeId }) {
  const { refused, said } = read(frame, 3);
  if (refused) return failed(refused);
  const { handshake_id, timestamp_unix_s, auth_tag_b64u } = said;
  if (!fits(timestamp_unix_s, Number.MAX_SAFE_INTEGER) || typeof auth_tag_b64u !== "string" || handshake_id !== handshakeId) return failed("handshake_failed");
  if (Math.abs(Date.now() / 1000 - timestamp_unix_s) > 30) return failed("timestamp_out_of_skew");
  return failed(bytesIn(auth_tag_b64u, 32) === undefined ? "handshake_failed" : "auth_tag_mismatch");
}

/** The other side goes on as if it had been understood. The handshake id is in no transcript: a client that was told another one shows that, and is let in by whoever does not look. */
function ofResp(frame, { suite, nonce, own }) {
  const { refused, said } = read(frame, 2);
  if (refused) return failed(refused);
  const { handshake_id, server_eph_pub_b64u, nonce_s_b64u, server_features } = said;
  if (typeof handshake_id !== "string" || handshake_id === "") return failed("handshake_failed");
  const key = bytesIn(server_eph_pub_b64u, keyBytes[suite]);
  const theirs = bytesIn(nonce_s_b64u, 32);
  if (key?.equals(own.bytes) && theirs?.equals(nonce) && server_features === 0) return { alive: true, says: "ok" };
  return failed("handshake_failed");
}

/** By the first rule of PROTOCOL, "Records", that a record breaks. */
function ofRecord(frame, { sent }) {
  const broken = (rule) => ({ ends: "1000", says: `direct: secure/invalid_input: ${rule}` });
  if (frame.length < 18) return broken("too_short");
  if (frame.toString("latin1", 0, 4) !== "FSEC") return broken("bad_magic");
  if (frame[4] !== 1) return broken("bad_version");
  if (frame[5] > 2) return broken("bad_flags");
  if (frame.readBigUInt64BE(6) !== sent) return broken("bad_sequence");
  return broken(frame.readUInt32BE(14) + 18 === frame.length ? "open_failed" : "size_mismatch");
}

export const oracles = { init: ofInit, resp: ofResp, ack: ofAck, record: ofRecord };
