import { type Body, Execution } from "./explore-execution.ts";
import { knowledgeAt } from "./explore-knowledge.ts";
import type { Call, Reply } from "./explore-world.ts";

/**
 * A run at one moment: what it has been answered until now, in order, and what it asks next. Runs depend on nothing
 * else, so a moment is reached by calling the code anew and giving it the same answers.
 */
export interface Moment {
  /** Small, and different for each moment of any program. */
  readonly id: number;
  readonly parent: Moment | undefined;
  /** What led here from the parent; `died`: the process was killed instead. */
  readonly reply: Reply | "died" | undefined;
  /** The oldest call without an answer. */
  readonly call: Call | undefined;
  readonly callKey: string;
  /** All calls without an answer, and the outcome, as text. */
  readonly seen: string;
  readonly phase: string;
  /** How the run ended, where it did. */
  readonly outcome: string | undefined;
  readonly children: Map<string, Moment>;
}

export interface Program {
  readonly name: string;
  readonly first: Moment;
  /** The moment after `call` was answered; `key`: the reply as text. */
  after(moment: Moment, reply: Reply | "died", key: string): Promise<Moment>;
  /** The code itself, from its start. */
  start(): Promise<Execution>;
  /** Different moments so far. */
  readonly size: number;
}

let moments = 0;

export async function createProgram(name: string, body: Body): Promise<Program> {
  const suspended = new WeakMap<Moment, Execution>();
  const byKnowledge = new Map<string, Moment>();

  function keep(execution: Execution, parent: Moment | undefined, reply: Moment["reply"]): Moment {
    const { open, phase, outcome, seen } = execution;
    const [call] = open;
    const callKey = JSON.stringify(call) ?? "";
    const moment: Moment = {
      id: moments,
      parent,
      reply,
      phase,
      call,
      callKey,
      seen,
      outcome,
      children: new Map(),
    };
    const knowledge = knowledgeAt(moment);
    const known = byKnowledge.get(knowledge);
    if (known !== undefined) return known;
    moments += 1;
    byKnowledge.set(knowledge, moment);
    suspended.set(moment, execution);
    return moment;
  }

  async function start(): Promise<Execution> {
    const execution = new Execution(name, body);
    await execution.settle();
    return execution;
  }

  async function replay(moment: Moment): Promise<Execution> {
    const replies: (Reply | "died")[] = [];
    for (let at = moment; at.parent !== undefined; at = at.parent) replies.push(at.reply ?? "died");
    const execution = await start();
    for (const reply of replies.reverse()) await execution.go(reply);
    return execution;
  }

  return {
    name,
    first: keep(await start(), undefined, undefined),
    async after(moment, reply, key) {
      const known = moment.children.get(key);
      if (known !== undefined) return known;
      const execution = suspended.get(moment) ?? (await replay(moment));
      suspended.delete(moment);
      await execution.go(reply);
      const next = keep(execution, moment, reply);
      moment.children.set(key, next);
      return next;
    },
    start,
    get size() {
      return byKnowledge.size;
    },
  };
}
