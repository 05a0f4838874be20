import type { Effect, ErrorCode } from "../../lib/errors.ts";
import { toKey } from "./explore-knowledge.ts";
import { HAND } from "./explore-rules.ts";
import { isBusy, setByHand, taskSteps } from "./explore-tasks.ts";
import { type Call, carryOut, type Laws, type Reply, type World } from "./explore-world.ts";

/** One way that a call can go. */
export interface Way {
  readonly name: string;
  /** What it takes from the disturbances that are left. */
  readonly kind?: "lostReplies" | "refusals" | "crashes";
  readonly worldId: number;
  readonly reply: Reply | "died";
  readonly key: string;
}

/** What can happen to a world without the runs, as numbers of the worlds that follow. */
export interface Events {
  readonly taskGoesOn?: number;
  readonly taskFails?: number;
  readonly setByHand?: number;
}

/** The worlds that were reached, each with a number, and what follows from them, worked out once. */
export interface Worlds {
  at(worldId: number): World;
  idOf(world: World): number;
  /** Every way that a call can go; the undisturbed one comes first. `callKey`: the call as text. */
  waysOf(worldId: number, call: Call, callKey: string): readonly Way[];
  eventsIn(worldId: number): Events;
}

export function createWorlds(laws: Laws): Worlds {
  const worlds: World[] = [];
  const ids = new Map<string, number>();
  const ways: Map<string, readonly Way[]>[] = [];
  const events: (Events | undefined)[] = [];

  const at = (worldId: number) => worlds[worldId] as World;

  function idOf(world: World): number {
    const key = JSON.stringify(world);
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, worlds.length);
    worlds.push(world);
    ways.push(new Map());
    return worlds.length - 1;
  }

  function* findWays(worldId: number, call: Call): Generator<Way> {
    const world = at(worldId);
    const [next, reply] = carryOut(world, call, laws);
    const nextId = idOf(next);
    yield { name: "", worldId: nextId, reply, key: toKey(reply) };
    if (call.op === "rotateSecret" || call.op === "isOver") return;
    yield { name: "(dies before it)", kind: "crashes", worldId, reply: "died", key: "died" };
    if (call.op === "sleep") return;

    const lost = { kind: "lostReplies", ...LOSSES[call.op] } as const;
    yield { name: "(lost before it arrives)", worldId, ...lost };
    if (next !== world) yield { name: "(carried out, its reply is lost)", worldId: nextId, ...lost };

    if (call.op !== "changePassword") return;
    const { password } = call;
    // The API's rules do not change meanwhile: what it has taken once, it does not refuse.
    if (world.tasks.some((task) => task.password === password) || world.refused.includes(password)) return;
    const refusing = { ...world, refused: [...world.refused, password].sort() };
    const [, refusal] = carryOut(refusing, call, laws);
    yield {
      name: "(refused for good)",
      kind: "refusals",
      worldId: idOf(refusing),
      reply: refusal,
      key: toKey(refusal),
    };
  }

  function findEvents(world: World): Events {
    const [onward, failing] = taskSteps(world);
    return {
      ...(onward && { taskGoesOn: idOf(onward) }),
      ...(failing && { taskFails: idOf(failing) }),
      ...(!isBusy(world) && { setByHand: idOf(setByHand(world, HAND, laws)) }),
    };
  }

  return {
    at,
    idOf,
    waysOf(worldId, call, callKey) {
      const known = ways[worldId]?.get(callKey);
      if (known !== undefined) return known;
      const found = [...findWays(worldId, call)];
      ways[worldId]?.set(callKey, found);
      return found;
    },
    eventsIn(worldId) {
      const found = events[worldId] ?? findEvents(at(worldId));
      events[worldId] = found;
      return found;
    },
  };
}

type Losable = Exclude<Call["op"], "sleep" | "rotateSecret" | "isOver">;

const loss = (code: ErrorCode, effect: Effect) => {
  const reply: Reply = { error: { code, effect } };
  return { reply, key: toKey(reply) };
};

/** What a call ends with whose reply is lost. */
const LOSSES: Readonly<Record<Losable, { readonly reply: Reply; readonly key: string }>> = {
  describe: loss("StoreUnavailable", "none"),
  read: loss("StoreUnavailable", "none"),
  stage: loss("StoreUnavailable", "unknown"),
  label: loss("StoreUnavailable", "unknown"),
  unstage: loss("StoreUnavailable", "unknown"),
  moveCurrent: loss("StoreUnavailable", "unknown"),
  release: loss("StoreUnavailable", "unknown"),
  describeInstance: loss("NoAnswer", "none"),
  describeTask: loss("NoAnswer", "none"),
  newestTask: loss("NoAnswer", "none"),
  probe: loss("NoAnswer", "none"),
  changePassword: loss("NoAnswer", "unknown"),
};
