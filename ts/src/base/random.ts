// Randomness as a parameter, so that tests can repeat it.
// Layer base.

/** Fills an array with random bytes; throws when the system has none. */
export type RandomSource = (into: Uint8Array) => void;

/** The platform's generator, in portions it accepts. */
export const systemRandom: RandomSource = (into) => {
  for (let at = 0; at < into.length; at += 65_536) {
    crypto.getRandomValues(into.subarray(at, at + 65_536) as Uint8Array<ArrayBuffer>);
  }
};

/** n fresh random bytes. */
export function randomBytes(n: number, random: RandomSource = systemRandom): Uint8Array {
  const bytes = new Uint8Array(n);
  random(bytes);
  return bytes;
}
