// flowersec/streamhello: the first frame on every stream.
export { readStreamHello, writeStreamHello, type StreamHelloError } from "../streamhello/stream_hello.js";
export type { StreamHello } from "../gen/flowersec/rpc/v1.gen.js";
