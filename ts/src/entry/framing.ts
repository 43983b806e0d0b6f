// The door `flowersec/framing`: JSON frames on a stream.
export {
  DEFAULT_MAX_JSON_FRAME_BYTES, type FrameReader, type FrameWriter, JsonFramingError, readJsonFrame, type ReadExactly, type Write,
  writeJsonFrame,
} from "../framing/index.js";
