// An AbortSignal that knows how many listeners it has.

/** A controller whose signal counts its listeners. One that was added `once` is gone when it has been called. */
export class CountedAbort extends AbortController {
  private readonly held = new Set<unknown>();
  constructor() {
    super();
    const { signal, held } = this;
    const add = signal.addEventListener.bind(signal) as (...args: unknown[]) => void;
    const remove = signal.removeEventListener.bind(signal) as (...args: unknown[]) => void;
    const once = new Set<unknown>();
    add("abort", () => once.forEach((listener) => held.delete(listener)), { once: true });
    signal.addEventListener = (...args: unknown[]) => {
      held.add(args[1]);
      if ((args[2] as { once?: boolean } | undefined)?.once === true) once.add(args[1]);
      add(...args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      held.delete(args[1]);
      remove(...args);
    };
  }

  get listeners(): number {
    return this.held.size;
  }
}
