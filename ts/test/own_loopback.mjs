// Where a test listens that starts its server again in the same place.

/**
 * An address of 127.64.0.0/10 for each process. On 127.0.0.1 the port of a server that is gone for a moment is anybody's: the kernel may
 * give it to another test.
 */
export const ownLoopback = [127, 64 + ((process.pid >> 16) % 64), (process.pid >> 8) & 255, process.pid & 255].join(".");
