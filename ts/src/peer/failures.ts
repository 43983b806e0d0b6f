// What went wrong, in one line.
import { FlowersecError } from "../base/index.js";

export function explain(error: unknown): string {
  if (error instanceof FlowersecError) {
    const { path, stage, code, cause } = error;
    return `${path}: ${stage}/${code}${cause instanceof Error && cause.message !== "" ? ` (${cause.message})` : ""}`;
  }
  return error instanceof Error ? error.message : String(error);
}
