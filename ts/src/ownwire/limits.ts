// Bounds of a chat, as both sides have them.
// Layer ownwire. Source: PROTOCOL, "OwnWire, chat stream". Sizes are bytes of UTF-8, times are milliseconds.

/** Constants of the format; nobody may tune them. */
export const chatStreamKind = "ownwire/chat";
export const chatVersion = 1;
/** JSON text of one frame: what the gateway can make us hold of a frame that is not whole. */
export const maxChatFrameBytes = 262_144;
export const maxContentBytes = 65_536;
export const maxMetadataBytes = 4_096;
export const maxAuthBytes = 8_192;

/** Of the text that is taken for a resume token: a hello with it, and with metadata and auth at their limits, fits a frame. */
export const maxResumeTokenBytes = 256;

/** From the open stream to the welcome. */
export const welcomeTimeoutMs = 10_000;
/** A text that the gateway says nothing about for so long went into a dead connection. */
export const ackTimeoutMs = 10_000;
/** Between probes of a connection, and how long an answer may take. */
export const probeIntervalMs = 25_000;
export const probeTimeoutMs = 10_000;
/** For what was said before a goodbye, and for the gateway to end the connection behind it. */
export const leaveTimeoutMs = 2_000;
/**
 * The gateway takes 20 texts at once, then 2 a second; what comes faster is refused for good. So that a queue that has grown
 * while there was no connection arrives, it leaves a little slower than that, and half as many at once: on the way they crowd together.
 */
export const paceBurst = 10;
export const paceMs = 525;

/** Texts that are neither acknowledged nor failed, when the options say nothing: what an application can make us hold. */
export const defaultMaxQueue = 100;
