import type { Context } from "../../lib/rotation/context.ts";
import { createPorts } from "./explore-ports.ts";
import type { Call, Reply } from "./explore-world.ts";

export type Body = (process: Process) => Promise<string>;

/** What a body may do: ask the service around the run, and call the code as a process that can be killed. */
export interface Process {
  ask(call: Call): Promise<unknown>;
  /** `phase` names the process: one after another may be started, and each knows nothing of those before. */
  invoke<T>(phase: string, code: (context: Context) => Promise<T>): Promise<T>;
}

const RUN_MS = 900_000;
const DIED = Symbol("the process was killed");

/** One call of the code, suspended at what it asks. */
export class Execution implements Process {
  /** How it ended, once it did. */
  outcome: string | undefined;
  phase = "";
  readonly #name: string;
  readonly #open: { readonly call: Call; readonly give: (reply: Reply) => void }[] = [];
  #kill: () => void = () => {};
  #drawn = 0;

  constructor(name: string, body: Body) {
    this.#name = name;
    body(this).then(
      (outcome) => {
        this.outcome = outcome;
      },
      (error: unknown) => {
        this.outcome = error === DIED ? "died" : `broken: ${String(error)}`;
      },
    );
  }

  /** The calls without an answer, oldest first. */
  get open(): readonly Call[] {
    return this.#open.map(({ call }) => call);
  }

  /** What can be seen of it from outside, as text. */
  get seen(): string {
    return JSON.stringify([this.open, this.outcome]);
  }

  /** Lets it run until it waits. Immediates come when no promise is left to settle. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Answers the oldest call, or kills the process, and lets it run until it waits again. */
  go(reply: Reply | "died"): Promise<void> {
    if (reply === "died") {
      this.#open.length = 0;
      this.#kill();
    } else this.#open.shift()?.give(reply);
    return this.settle();
  }

  async ask(call: Call): Promise<unknown> {
    const reply = await this.#ask(call);
    return "value" in reply ? reply.value : undefined;
  }

  invoke<T>(phase: string, code: (context: Context) => Promise<T>): Promise<T> {
    this.phase = phase;
    this.#drawn = 0;
    const ports = createPorts((call) => this.#ask(call));
    const died = new Promise<never>((_, reject) => {
      this.#kill = () => reject(DIED);
    });
    const deadlineAt = ports.clock.now() + RUN_MS;
    const context: Context = {
      ...ports,
      randomBytes: (size) => this.#bytes(size),
      digest: (text) => text,
      observe: () => {},
      verify: "auth",
      passwordLength: 8,
      deadline: () => deadlineAt,
    };
    return Promise.race([code(context), died]);
  }

  #ask(call: Call): Promise<Reply> {
    return new Promise((resolve) => {
      this.#open.push({ call, give: resolve });
    });
  }

  /** Different for each process and each draw, and the same when the code is called anew. */
  #bytes(size: number): Uint8Array {
    this.#drawn += 1;
    let seed = 1;
    for (const character of `${this.#name} ${this.phase} ${this.#drawn}`) {
      seed = Math.imul(seed ^ character.charCodeAt(0), 0x01000193);
    }
    return Uint8Array.from({ length: size }, () => {
      seed = Math.imul(seed, 0x41c64e6d) + 12_345;
      return seed >>> 16;
    });
  }
}
