// Handshake and records over a transport: from an open transport and a credential to a SecureChannel.
// Layer e2ee. Carries out what the machines of handshake ask for. Source: PROTOCOL, "Handshake flow".

import {
  AbortError, systemClock, systemRandom, throwIfAborted, transportDefaults, withDeadline,
  type BinaryTransport, type Clock, type RandomSource,
} from "../base/index.js";
import { defaultCrypto, type CryptoProvider, type SuiteId } from "../crypto/index.js";
import {
  ClientHandshake, HandshakeError, ServerHandshake, ServerHandshakeCache, wipeKeys,
  type HandshakeOptions, type HandshakeTools, type TrafficKeys,
} from "../handshake/index.js";
import {
  checkedLimits, clientToServer, Opener, recordPing, Sealer, SecureChannel, serverToClient,
  type Direction, type RecordLimits,
} from "../record/index.js";

export * from "../handshake/error.js";
export { peekInit, type InitPeek } from "../handshake/init_peek.js";
export { ServerHandshakeCache, type ServerHandshakeCacheOptions } from "../handshake/response_cache.js";
export { RecordError, SecureChannel, type RecordErrorCode, type RecordLimits } from "../record/index.js";

interface EitherOptions extends RecordLimits {
  /** Normalised; 1 to 256 bytes of UTF-8. */
  channelId: string;
  /** 1 is X25519, 2 is P-256; the same on both sides. */
  suite: SuiteId;
  /** 32 bytes. A copy is used, and wiped at the end. */
  psk: Uint8Array;
  /** Largest JSON payload of a handshake message, in bytes. Left out or 0: 8192. */
  maxHandshakePayload?: number | undefined;
  /** Gives the handshake up. */
  signal?: AbortSignal | undefined;
  /** For all of the handshake, in milliseconds. Left out: 10 000; 0: no limit. */
  timeoutMs?: number | undefined;
  /** For tests: the primitives, and time. */
  crypto?: CryptoProvider | undefined;
  clock?: Clock | undefined;
  random?: RandomSource | undefined;
}

/** What clientHandshake is given. */
export interface ClientHandshakeOptions extends EitherOptions {
  /** Feature bits to offer, a u32. Default 0. */
  clientFeatures?: number | undefined;
}

/** What serverHandshake is given. */
export interface ServerHandshakeOptions extends EitherOptions {
  /** Feature bits to offer, a u32. Default 0. */
  serverFeatures?: number | undefined;
  /** End of the channel's init window, Unix seconds; positive. */
  initExpireAtUnixS: number;
  /** How far the client's clock may be away, whole seconds. 0 is exact. */
  clockSkewSeconds: number;
}

/**
 * The client's handshake. The channel is authenticated when this resolves. Every failure closes the transport: AbortError
 * (cause: the signal's reason), TimeoutError, HandshakeError, RecordError, or what ended the transport.
 */
export function clientHandshake(transport: BinaryTransport, options: ClientHandshakeOptions): Promise<SecureChannel> {
  return establish(transport, options, async (io, tools) => {
    const machine = await ClientHandshake.begin(machineOptions(options, options.clientFeatures), tools);
    io.onEnd(() => machine.abandon());
    await io.write(machine.initFrame);
    const { ackFrame, keys } = await machine.onFrame(await io.read(), io.clock.unixSeconds());
    io.onEnd(() => wipeKeys(keys));
    await io.write(ackFrame);
    const ends = await makeEnds(tools.crypto, keys, clientToServer, options);
    await ends.opener.openServerFinished(await io.read());
    return ends;
  });
}

/**
 * The server's handshake. `cache` undefined: a private one. The channel is authenticated, and the client told so, when this
 * resolves. Errors as clientHandshake.
 */
export function serverHandshake(
  transport: BinaryTransport,
  cache: ServerHandshakeCache | undefined,
  options: ServerHandshakeOptions,
): Promise<SecureChannel> {
  return establish(transport, options, async (io, tools) => {
    const { initExpireAtUnixS, clockSkewSeconds } = options;
    const own = { ...machineOptions(options, options.serverFeatures), initExpireAtUnixS, clockSkewSeconds };
    const machine = new ServerHandshake(own, tools, cache);
    io.onEnd(() => machine.abandon());
    for (;;) {
      const frame = await io.read();
      const step = await machine.onFrame(frame, { monoMs: io.clock.monoMs(), unixSeconds: io.clock.unixSeconds() });
      if ("respond" in step) {
        await io.write(step.respond);
        continue;
      }
      const keys = step.finished;
      io.onEnd(() => wipeKeys(keys));
      const ends = await makeEnds(tools.crypto, keys, serverToClient, options);
      // Record 1 proves that we derived the keys; the client waits for it.
      await io.write(await ends.sealer.seal(recordPing, new Uint8Array(0)));
      return ends;
    }
  });
}

/** Reads, writes and clean-up of one handshake. */
interface HandshakeIo {
  readonly clock: Clock;
  read(): Promise<Uint8Array>;
  write(frame: Uint8Array): Promise<void>;
  /** Runs when the handshake fails. */
  onEnd(then: () => void): void;
}

interface Ends {
  sealer: Sealer;
  opener: Opener;
  commonFeatures: number;
}

async function establish(
  transport: BinaryTransport,
  options: EitherOptions,
  steps: (io: HandshakeIo, tools: HandshakeTools) => Promise<Ends>,
): Promise<SecureChannel> {
  const { signal, clock = systemClock, random = systemRandom } = options;
  const timeoutMs = options.timeoutMs ?? transportDefaults.handshakeTimeoutMs;
  const cleanUps: (() => void)[] = [];
  let isGivenUp = false;
  const io: HandshakeIo = {
    clock,
    read: () => transport.readBinary(),
    write: async (frame) => await transport.writeBinary(frame),
    onEnd: (then) => void cleanUps.push(then),
  };
  const work = async () => {
    try {
      throwIfAborted(signal);
      if (!(Number.isFinite(timeoutMs) && timeoutMs >= 0)) throw new HandshakeError("bad_limits");
      checkedLimits(options);
      const ends = await steps(io, { crypto: options.crypto ?? (await defaultCrypto()), random });
      io.onEnd(() => (ends.opener.close(), ends.sealer.close()));
      // Too late is never a session.
      if (isGivenUp) throw new AbortError();
      return new SecureChannel({ ...options, ...ends, transport });
    } catch (error) {
      for (const cleanUp of cleanUps) cleanUp();
      transport.close();
      throw error;
    }
  };
  // Closing ends whatever read or write the steps are in, and with it the steps.
  return withDeadline(work(), { signal, timeoutMs, clock }, () => {
    isGivenUp = true;
    transport.close();
  });
}

function machineOptions(options: EitherOptions, features: number | undefined): HandshakeOptions {
  return { ...options, features, maxPayloadBytes: options.maxHandshakePayload };
}

async function makeEnds(crypto: CryptoProvider, keys: TrafficKeys, send: Direction, limits: RecordLimits): Promise<Ends> {
  const { transcriptHash, commonFeatures } = keys;
  const direction = (way: Direction) => ({ way, ...(way === clientToServer ? keys.clientToServer : keys.serverToClient), transcriptHash });
  const sealer = await Sealer.create(crypto, direction(send));
  const receive = send === clientToServer ? serverToClient : clientToServer;
  const opener = await Opener.create(crypto, direction(receive), checkedLimits(limits).maxRecordBytes);
  return { sealer, opener, commonFeatures };
}
