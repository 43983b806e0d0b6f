// Programs that answer in lines, and the testers built on them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** A program; `line()` is its next line, `tell()` gives it one. */
export class Program {
  #lines = [];
  #waiting = [];
  #said = "";
  constructor(file, ...args) {
    this.child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    running.add(this.child);
    this.child.stdin.on("error", () => {});
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.#said += text));
    this.ended = once(this.child, "close").then(([code]) => {
      running.delete(this.child);
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${file} ended with ${code}: ${this.#said.trim().slice(-600)}`));
      return code;
    });
    createInterface({ input: this.child.stdout }).on("line", (line) => (this.#waiting.length > 0 ? this.#waiting.shift().resolve(line) : this.#lines.push(line)));
  }

  line() {
    if (this.#lines.length > 0) return Promise.resolve(this.#lines.shift());
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no line for 90 s: ${this.#said.trim().slice(-600)}`)), 90_000)));
    const line = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return Promise.race([line, late]).finally(() => clearTimeout(timer));
  }

  tell(value) {
    this.child.stdin.write(`${JSON.stringify(value)}\n`);
  }

  async stop() {
    this.child.stdin.end();
    this.child.kill();
    await this.ended;
  }
}
