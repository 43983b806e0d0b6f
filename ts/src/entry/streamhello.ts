// The door `flowersec/streamhello`: the first frame on every stream.
export { readStreamHello, StreamHelloError, writeStreamHello } from "../streamhello/index.js";
