import { describe, expect, it } from "vitest";
import type { SecretStore, StoredVersion } from "../../lib/ports.ts";
import { id, inMemory, SECRET, stagesIn } from "./local-ssm.ts";

const A = id("a");
const B = id("b");
const C = id("c");
const FIRST = "by-hand-1";

type World = ReturnType<typeof inMemory>;
type Stages = Readonly<Record<string, readonly string[]>>;

/** Texts by version, as they were first stored. */
const TEXT_OF: Readonly<Record<string, string>> = {
  [FIRST]: "old",
  "by-hand-2": "edited",
  [A]: "text a",
  [B]: "text b",
  [C]: "text c",
};

interface Scenario {
  readonly prepare: (world: World) => Promise<unknown>;
  readonly act: (store: SecretStore) => Promise<unknown>;
  /** The states that a crash may leave, in order. */
  readonly states: readonly Stages[];
}

const stage = (store: SecretStore, versionId: string) =>
  store.stage(SECRET, { versionId, text: TEXT_OF[versionId] ?? "" });

const rotate = async (store: SecretStore, versionId: string, from: string) => {
  await stage(store, versionId);
  await store.promote(SECRET, versionId, from);
};

const IDLE: Stages = { [FIRST]: ["current"] };
const STAGED: Stages = { [FIRST]: ["current"], [A]: ["pending"] };
const HALF: Stages = { [FIRST]: ["previous"], [A]: ["current", "pending"] };
const DONE: Stages = { [FIRST]: ["previous"], [A]: ["current"] };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "the first version being staged": {
    prepare: async () => {},
    act: (store) => stage(store, A),
    states: [IDLE, STAGED],
  },
  "the next version being staged, and old ones collected": {
    async prepare({ store }) {
      // Four are released, one more than are kept.
      for (const digit of ["1", "2", "3", "4"]) {
        await store.stage(SECRET, { versionId: id(digit), text: digit });
        await store.release(SECRET, id(digit));
      }
      await rotate(store, A, FIRST);
    },
    act: (store) => stage(store, B),
    states: [DONE, { ...DONE, [B]: ["pending"] }],
  },
  "the first promotion": {
    prepare: ({ store }) => stage(store, A),
    act: (store) => store.promote(SECRET, A, FIRST),
    states: [STAGED, HALF, DONE],
  },
  "the second promotion": {
    async prepare({ store }) {
      await rotate(store, A, FIRST);
      await stage(store, B);
    },
    act: (store) => store.promote(SECRET, B, A),
    states: [
      { ...DONE, [B]: ["pending"] },
      { [A]: ["previous"], [B]: ["current", "pending"] },
      { [A]: ["previous"], [B]: ["current"] },
    ],
  },
  "a promotion over a value that was set by hand meanwhile": {
    async prepare({ store, setByHand }) {
      await stage(store, A);
      setByHand("edited");
    },
    act: (store) => store.promote(SECRET, A, "by-hand-2"),
    states: [
      { [FIRST]: ["previous"], "by-hand-2": ["current"], [A]: ["pending"] },
      { "by-hand-2": ["previous"], [A]: ["current", "pending"] },
      { "by-hand-2": ["previous"], [A]: ["current"] },
    ],
  },
  "the promotion of a released version": {
    async prepare({ store }) {
      await stage(store, A);
      await store.release(SECRET, A);
    },
    act: (store) => store.promote(SECRET, A, FIRST),
    states: [IDLE, DONE],
  },
  "a rollback to the text of an older version": {
    async prepare({ store }) {
      await rotate(store, A, FIRST);
      await store.stage(SECRET, { versionId: B, text: "old" });
    },
    act: (store) => store.promote(SECRET, B, A),
    states: [
      { ...DONE, [B]: ["pending"] },
      { [A]: ["previous"], [B]: ["current", "pending"] },
      { [A]: ["previous"], [B]: ["current"] },
    ],
  },
  "a release": {
    prepare: ({ store }) => stage(store, A),
    act: (store) => store.release(SECRET, A),
    states: [STAGED, IDLE],
  },
  "the release of a version that was promoted by half": {
    async prepare({ store, setByHand }) {
      await stage(store, A);
      setByHand(TEXT_OF[A] ?? "");
    },
    act: (store) => store.release(SECRET, A),
    states: [HALF, DONE],
  },
};

/** Acts, and dies at the n-th moment. Says whether it came so far. */
async function actUntil(world: World, scenario: Scenario, moments: number): Promise<boolean> {
  let seen = 0;
  const dying = world.run(() => {
    seen += 1;
    if (seen > moments) throw new Error("died");
  });
  await scenario.act(dying).catch((error: unknown) => {
    if (!(error instanceof Error && error.message === "died")) throw error;
  });
  return seen > moments;
}

async function prepared(scenario: Scenario): Promise<World> {
  const world = inMemory();
  await scenario.prepare(world);
  return world;
}

describe.each(Object.entries(SCENARIOS))("a run that dies at any moment of %s", (name, scenario) => {
  it("leaves one of the states that lie on the way, and the next run goes on to the last", async () => {
    const reached: Stages[] = [];
    for (let moment = 0; ; moment += 1) {
      const world = await prepared(scenario);
      const hasDied = await actUntil(world, scenario, moment);
      const left = await world.stages();
      expect(scenario.states).toContainEqual(left);
      if (reached.at(-1) === undefined || JSON.stringify(reached.at(-1)) !== JSON.stringify(left)) {
        reached.push(left);
      }
      for (const [versionId, stages] of Object.entries(left)) {
        const text = name.includes("rollback") && versionId === B ? "old" : TEXT_OF[versionId];
        expect(await world.store.read(SECRET, versionId)).toMatchObject({ text });
        if (stages.includes("current")) expect(world.currentText()).toBe(text);
      }
      await scenario.act(world.run());
      expect(await world.stages()).toEqual(scenario.states.at(-1));
      expect(world.stored().length).toBeLessThanOrEqual(10);
      if (!hasDied) break;
    }
    // Every state was left by some crash, and in this order: none was left by going back.
    expect(reached).toEqual(scenario.states);
  });

  it.each([
    { kind: "error", code: "RequestLimitExceeded" },
    { kind: "error", code: "InternalError", carriedOut: true },
    { kind: "reset" },
    { kind: "reset", carriedOut: true },
  ] as const)("comes through where any one change meets %j", async (fault) => {
    const count = await prepared(scenario);
    const before = count.ssm.calls.length;
    await scenario.act(count.run());
    const changes = count.ssm.calls
      .slice(before)
      .filter(({ action }) => !/^(Describe|List|Get)/.test(action));
    expect(changes.length).toBeGreaterThan(0);
    for (const [nth, { action }] of changes.entries()) {
      const world = await prepared(scenario);
      const earlier = changes.slice(0, nth).filter((change) => change.action === action).length;
      let seen = 0;
      const run = world.run((moment) => {
        if (moment.phase !== "before" || moment.action !== action) return;
        if (seen === earlier) world.ssm.failNext(action, fault);
        seen += 1;
      });
      await scenario.act(run);
      expect(await world.stages()).toEqual(scenario.states.at(-1));
    }
  });
});

/** Lets `other` happen at each moment of what a run does in turn, and looks at what comes of both. */
async function overtake<Outcome>(scene: {
  readonly prepare?: (world: World) => Promise<unknown>;
  readonly other: (store: SecretStore) => Promise<unknown>;
  readonly act: (store: SecretStore) => Promise<Outcome>;
  readonly check: (world: World, outcome: Outcome) => Promise<unknown>;
}): Promise<void> {
  for (let moment = 0; ; moment += 1) {
    const world = inMemory();
    await scene.prepare?.(world);
    let seen = 0;
    const run = world.run(async () => {
      seen += 1;
      if (seen === moment + 1) await scene.other(world.run());
    });
    const outcome = await scene.act(run);
    if (seen <= moment) return expect(moment).toBeGreaterThan(3);
    await scene.check(world, outcome);
  }
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    ({ code }: { code: string }) => code,
  );

const asStages = ({ stages }: StoredVersion): string => stages.join() || "none";

describe("a run that is overtaken at any moment", () => {
  const withStaged = ({ store }: World) => stage(store, A);
  const promote = (store: SecretStore) => store.promote(SECRET, A, FIRST);
  const release = (store: SecretStore) => store.release(SECRET, A);

  it("stages the value that came first", () =>
    overtake({
      other: (store) => store.stage(SECRET, { versionId: A, text: "theirs" }),
      act: (store) => store.stage(SECRET, { versionId: A, text: "mine" }),
      async check({ store, stages }, answer) {
        expect(answer.stages).toEqual(["pending"]);
        expect(await store.read(SECRET, A)).toMatchObject({ text: answer.text });
        expect(await stages()).toEqual(STAGED);
      },
    }));

  it.each([
    ["promotes what another run promotes as well", promote, promote],
    ["makes current what another run releases", promote, release],
    ["releases nothing that another run has promoted", release, promote],
  ])("%s", (_, act, other) =>
    overtake({
      prepare: withStaged,
      act,
      other,
      check: async ({ stages }) => expect(await stages()).toEqual(DONE),
    }),
  );

  it("leaves a newer version current, also where it has just replaced it", async () => {
    const outcomes = new Set<string>();
    await overtake({
      prepare: withStaged,
      async other(store) {
        await promote(store);
        await rotate(store, B, A);
      },
      act: (store) => codeOf(promote(store)),
      async check({ stages, currentText }, outcome) {
        outcomes.add(outcome);
        expect(await stages()).toEqual({ [A]: ["previous"], [B]: ["current"] });
        expect(currentText()).toBe("text b");
      },
    });
    expect(outcomes).toEqual(new Set(["done", "StoreConflict"]));
  });

  it("describes what was or what is, while another run rotates", () =>
    overtake({
      prepare: ({ store }) => rotate(store, A, FIRST),
      other: (store) => rotate(store, B, A),
      act: stagesIn,
      check: async (_, seen) =>
        expect([
          DONE,
          { ...DONE, [B]: ["pending"] },
          { [A]: ["previous"], [B]: ["current", "pending"] },
          { [A]: ["previous"], [B]: ["current"] },
        ]).toContainEqual(seen),
    }));

  it("never takes a version that was promoted under its eyes for one that was set by hand", () =>
    overtake({
      other: (store) => rotate(store, A, FIRST),
      act: stagesIn,
      check: async (_, seen) => expect([IDLE, HALF, DONE]).toContainEqual(seen),
    }));

  it("takes no older version with the same text for the one that has just been rolled back to", () =>
    overtake({
      async prepare({ store }) {
        await rotate(store, A, FIRST);
        await store.stage(SECRET, { versionId: B, text: "old" });
      },
      async other(store) {
        await store.promote(SECRET, B, A);
        await stage(store, C);
      },
      act: stagesIn,
      check: async (_, seen) =>
        expect([
          { ...DONE, [B]: ["pending"] },
          { [A]: ["previous"], [B]: ["current", "pending"] },
          { [A]: ["previous"], [B]: ["current"], [C]: ["pending"] },
        ]).toContainEqual(seen),
    }));

  it("stages one version where another run stages another", () =>
    overtake({
      other: (store) => codeOf(stage(store, A)),
      act: (store) => stage(store, B).then(asStages, ({ code }) => code),
      async check({ stages, store }, outcome) {
        expect(["pending", "none", "StoreConflict"]).toContain(outcome);
        expect(await stages()).toEqual({ ...IDLE, [outcome === "pending" ? B : A]: ["pending"] });
        if (outcome === "pending") return;
        // Nor does it come up once the other one is done with.
        await promote(store);
        expect(await stages()).toEqual(DONE);
      },
    }));
});
