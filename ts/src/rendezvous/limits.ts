// Bounds of registrations, calls and messages, as both sides have them.
// Layer rendezvous. Source: docs/LIMITS.md. Sizes are bytes of UTF-8, times are milliseconds unless the name says otherwise.

/** Constants of the format; nobody may tune them. */
export const rendezvousVersion = 1;
export const registryStreamKind = "rv/registry";
export const messagesStreamKind = "rv/messages";
export const textPath = "/rv/v1/ws";
export const sealedPath = "/rv/v1/sealed";
/** JSON text of one frame between client and registry: what either can make the other hold. */
export const maxRegistryFrameBytes = 16_384;
/** JSON text of one frame of messages. */
export const maxMessageFrameBytes = 1_048_576;
export const maxRegistryKeys = 8;
export const maxNoteBytes = 256;
export const maxWatchedKeys = 64;
export const instanceBytes = 16;
export const conversationBytes = 16;
/** Names that a registry gives to calls and sessions. */
export const maxIdBytes = 64;

/** From an open connection to `registered`, unless the options say otherwise. */
export const registrationTimeoutMs = 10_000;
/** Between pings; either side drops the connection after so much silence. */
export const keepAliveMs = 25_000;
export const silenceMs = 60_000;
export const challengeLifetimeS = 10;
export const challengeLifetimeWithWorkS = 30;
export const defaultWorkBits = 16;
/** Texts that a client says behind its registration while a registry judges it. */
export const maxEarlyTextBytes = 16_384;
/** Absent, blocked, declining, silent: all are answered so long after `call`. */
export const unavailableMs = 20_000;
/** A registry that has not answered a call after so long will not. */
export const callTimeoutMs = 25_000;
/** From the grant to a session: attach, and the handshake. */
export const channelTimeoutMs = 20_000;
/** A channel without messages and streams ends. */
export const channelIdleMs = 600_000;
/** Both sides say hello at once when the stream is there. */
export const helloTimeoutMs = 10_000;
/** Whoever was called leaves the next call to the caller; after so long it calls itself. */
export const calleeWaitMs = 10_000;
/** A contact who came while it was called, and was rung all the same, answers by then; who was not is called anew. */
export const arrivalWaitMs = 1_000;
/** Between probes of a channel, by both ends, and how long an answer may take. */
export const probeIntervalMs = 25_000;
export const probeTimeoutMs = 10_000;
/** A channel that lasted so long begins a new round of attempts when it is lost. */
export const settledChannelMs = 10_000;
/** When both call, the smaller key wins; a call that lost is still there after so long because the other side has not heard of the winner. */
export const glareWaitMs = 2_000;
/** A message that the peer says nothing about for so long, once it has left, went into a dead channel. */
export const ackTimeoutMs = 30_000;
/** Clocks of browsers are often wrong; fresh keys and nonces of the callee stop replays already. */
export const channelClockSkewMs = 86_400_000;

/** Messages of one contact that are not acknowledged: what an application can make us hold. */
export const maxQueuedMessages = 100;
export const maxQueuedMessageBytes = 1_048_576;
/** Calls of unknown people that the application has not answered, one of each, and how long each can be. */
export const maxOpenQuestions = 16;
export const questionMs = 20_000;
/** Handshakes of channels at once: what a registry can make us do. */
export const maxAttaching = 64;

/** What a registry allows. RegistryServer takes others than the defaults. */
export interface RegistryLimits {
  /** Registrations of one address: in a second (4), and at once (4). */
  readonly registrationsPerSecond: number;
  readonly registrationBurst: number;
  /** Connections that are not registered: of one address (8; one more is refused), and of all (4096; the oldest makes room). */
  readonly maxUnregisteredPerAddress: number;
  readonly maxUnregistered: number;
  /** Calls of one key: at once, and as many again in a minute (20). */
  readonly callsPerMinute: number;
  /** Calls of one key that are not answered (8). */
  readonly maxOpenCalls: number;
  /** Calls to one key that ring; one more silences the oldest (64). */
  readonly maxRingingCalls: number;
  /** Registered keys (100 000). */
  readonly maxKeys: number;
}

export const registryDefaults: RegistryLimits = {
  registrationsPerSecond: 4,
  registrationBurst: 4,
  maxUnregisteredPerAddress: 8,
  maxUnregistered: 4_096,
  callsPerMinute: 20,
  maxOpenCalls: 8,
  maxRingingCalls: 64,
  maxKeys: 100_000,
};
