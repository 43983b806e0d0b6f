// Texts with something changed in them, the same ones in every run: what a seed and a number of rounds name.

/** Numbers of 0 to below `n`, always the same for a seed of 1 to 2^31 - 2. */
export function seeded(seed: number): (n: number) => number {
  let state = seed;
  return (n) => (state = (state * 48_271) % 0x7fff_ffff) % n;
}

/** Calls `check` with `text` changed in one to four places: a few characters replaced, doubled or taken away, `pieces` put in. */
export async function mutated(text: string, pieces: readonly string[], { seed, rounds }: { seed: number; rounds: number }, check: (changed: string) => void | Promise<void>): Promise<void> {
  const random = seeded(seed);
  for (let i = 0; i < rounds; i++) {
    let changed = text;
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const at = random(changed.length + 1);
      const length = random(4);
      const put = [pieces[random(pieces.length)] ?? "", changed.slice(at, at + 12), String.fromCharCode(random(0x1_0000)), ""][random(4)] ?? "";
      changed = changed.slice(0, at) + put + changed.slice(at + length);
    }
    await check(changed);
  }
}
