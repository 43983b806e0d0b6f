// The JSON line of a client peer.

/** Checks and figures in the order they were noted. */
export class ClientReport {
  private readonly checks: [name: string, why: string][] = [];
  private readonly figures: [name: string, value: number][] = [];

  passed(name: string): void {
    this.checks.push([name, ""]);
  }

  failed(name: string, why: string): void {
    this.checks.push([name, why]);
  }

  figure(name: string, value: number): void {
    this.figures.push([name, value]);
  }

  get ok(): boolean {
    return this.checks.length > 0 && this.checks.every(([, why]) => why === "");
  }

  line(path: string): string {
    const checks = Object.fromEntries(this.checks.map(([name, why]) => [name, why || "ok"]));
    const figures = this.figures.map(([name, value]) => `${JSON.stringify(name)}:${value.toFixed(1)}`).join(",");
    return `{"role":"client","path":${JSON.stringify(path)},"ok":${this.ok},"checks":${JSON.stringify(checks)},"figures":{${figures}}}`;
  }
}
