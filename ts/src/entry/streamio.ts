// The door `flowersec/streamio`: exact reads and JSON frames on streams.
export * from "../streamio/index.js";
