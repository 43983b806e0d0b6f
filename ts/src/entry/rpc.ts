// The door `flowersec/rpc`: calls and notifications over one stream.
export * from "../rpc/index.js";
