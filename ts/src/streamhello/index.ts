// What the layers above use of streamhello.
export * from "./stream_hello.js";
