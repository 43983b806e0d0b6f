// What the layers above use of streamio; the door `./streamio` opens to the same.
export * from "./stream_io.js";
