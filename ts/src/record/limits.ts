// The numbers an application may tune in the record layer.
// Layer record. Source: PROTOCOL, "Sending records" and "Record buffers".

import { e2eeDefaults, orDefault } from "../base/index.js";
import { RecordError } from "./error.js";
import { recordOverheadBytes } from "./frame.js";

/** All in bytes. Left out, or 0: the default; for the chunk only left out. */
export interface RecordLimits {
  /** Largest record accepted or sent, header and tag included; at least 35. Default 1 048 576. */
  maxRecordBytes?: number | undefined;
  /** Most plaintext of one record sent: 1 to maxRecordBytes - 34. Default 65 536, or what fits a record. */
  outboundRecordChunkBytes?: number | undefined;
  /** Plaintext received and not yet read, nothing else counted. One byte more ends the channel. Default 4 194 304. */
  maxBufferedBytes?: number | undefined;
  /** Writes accepted and not yet finished. One byte more refuses the write. Default 4 194 304. */
  maxOutboundBufferedBytes?: number | undefined;
}

/** Most records received and not yet read, for even an empty one costs some 512 bytes: 8 MiB more. One more ends the channel. */
export const maxUnreadRecords = 16_384;

/** Most plaintext of one record. */
export function maxPlaintextBytes(maxRecordBytes: number): number {
  return maxRecordBytes - recordOverheadBytes;
}

/** The limits with defaults filled in. Throws RecordError bad_limits. */
export function checkedLimits(limits: RecordLimits): { readonly [name in keyof RecordLimits]-?: number } {
  const maxRecordBytes = orDefault(limits.maxRecordBytes, e2eeDefaults.maxRecordBytes);
  const most = maxPlaintextBytes(maxRecordBytes);
  const checked = {
    maxRecordBytes,
    // A given 0 is an error, unlike the others: a record that carries nothing cannot be meant.
    outboundRecordChunkBytes: limits.outboundRecordChunkBytes ?? Math.min(e2eeDefaults.outboundRecordChunkBytes, most),
    maxBufferedBytes: orDefault(limits.maxBufferedBytes, e2eeDefaults.maxBufferedBytes),
    maxOutboundBufferedBytes: orDefault(limits.maxOutboundBufferedBytes, e2eeDefaults.maxOutboundBufferedBytes),
  };
  const good = Object.values(checked).every((value) => Number.isSafeInteger(value) && value > 0);
  if (!good || checked.outboundRecordChunkBytes > most) throw new RecordError("bad_limits");
  return checked;
}
