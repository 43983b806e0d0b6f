// A progress bar on stderr, when a person is looking.

const width = 30;
const mib = 1_048_576;
const redrawMs = 50;

export class ProgressBar {
  private done = 0;
  private drawnAt = 0;
  private readonly startedAt = performance.now();
  private readonly visible: boolean;

  constructor(
    private readonly label: string,
    private readonly total: number,
    wanted: boolean,
  ) {
    this.visible = wanted && process.stderr.isTTY;
  }

  add(bytes: number): void {
    this.done += bytes;
    const now = performance.now();
    if (!this.visible || now - this.drawnAt < redrawMs) return;
    this.drawnAt = now;
    const part = Math.min(1, this.done / this.total);
    const filled = Math.floor(part * width);
    const rate = this.done / mib / ((now - this.startedAt) / 1000);
    const bar = "#".repeat(filled) + "-".repeat(width - filled);
    const text = `  ${this.label.padEnd(9)} [${bar}] ${String(Math.floor(part * 100)).padStart(3)} %  ${(this.done / mib).toFixed(1)} of ${(this.total / mib).toFixed(1)} MiB  ${rate.toFixed(0)} MiB/s`;
    process.stderr.write(`\r${text}\x1b[K`);
  }

  end(): void {
    if (this.visible) process.stderr.write("\r\x1b[K");
  }
}
