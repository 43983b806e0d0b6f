// An AbortSignal that knows how many listeners it has.

/** A controller whose signal counts its listeners. */
export class CountedAbort extends AbortController {
  listeners = 0;
  constructor() {
    super();
    const { signal } = this;
    const add = signal.addEventListener.bind(signal) as (...args: unknown[]) => void;
    const remove = signal.removeEventListener.bind(signal) as (...args: unknown[]) => void;
    signal.addEventListener = (...args: unknown[]) => {
      this.listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      this.listeners--;
      remove(...args);
    };
  }
}
