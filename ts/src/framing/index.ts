// What the layers above use of framing; the door `./framing` opens to less.
export * from "./json_frame.js";
