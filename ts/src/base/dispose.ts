/// <reference lib="esnext.disposable" preserve="true" />
// The symbol behind `await using`.
// Layer base.

/** Symbol.asyncDispose, also where the platform has none yet: compilers that lower `await using` look for the same one. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);
