import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import { createTencentDb } from "../cloud/tencentdb/model.ts";
import { describeProbeContract } from "../contracts/probe.contract.ts";
import { describeSecretStoreContract } from "../contracts/secret-store.contract.ts";
import { createVirtualClock } from "../fakes/clock.ts";
import { createFakeControlPlane } from "../fakes/control-plane.ts";
import { createFakeRedis } from "../fakes/probe.ts";
import { ACCOUNT, FIRST_PASSWORD, INSTANCE } from "../rotation/rig.ts";
import { assemble, runExploration } from "./explore.ts";
import type { Body } from "./explore-execution.ts";
import { createPorts, type ExploredPorts } from "./explore-ports.ts";
import { createProgram } from "./explore-program.ts";
import { explore } from "./explore-search.ts";
import { setByHand, taskSteps } from "./explore-tasks.ts";
import { carryOut, firstWorld, type Laws, type World } from "./explore-world.ts";

const LAWS: Laws = { whileBusy: "refuse", stepMs: 3_600_000 };

/** The ports over worlds that each call replaces: one for each secret, by its name. */
function portsOver(worlds: Map<string, World>): ExploredPorts {
  return createPorts(async (call, secretId) => {
    const world = worlds.get(secretId);
    if (world === undefined) throw new RotationError("SecretNotFound", "no such world", { effect: "none" });
    const [next, reply] = carryOut(world, call, LAWS);
    worlds.set(secretId, next);
    return reply;
  });
}

describeSecretStoreContract("the explored store", async () => {
  const worlds = new Map<string, World>();
  const change = (secretId: string, make: (world: World) => World) =>
    worlds.set(secretId, make(worlds.get(secretId) ?? firstWorld("")));
  return {
    store: portsOver(worlds).store,
    async create(text) {
      const secretId = `secret-${worlds.size}`;
      worlds.set(secretId, firstWorld(text));
      return { secretId, currentId: "v0" };
    },
    async startRotation(secretId, versionId) {
      change(secretId, (world) => carryOut(world, { op: "rotateSecret", versionId }, LAWS)[0]);
    },
    async promoteByHalf(secretId, versionId, from) {
      change(secretId, (world) => carryOut(world, { op: "moveCurrent", versionId, from }, LAWS)[0]);
    },
  };
});

describeProbeContract("the explored probe", async () => {
  const password = "First-password-0";
  const worlds = new Map([["", firstWorld(password)]]);
  const { probe } = portsOver(worlds);
  const target = { host: "10.0.0.5", port: 6379, ssl: false, username: "default", password };
  return {
    target,
    nowhere: { host: "10.0.0.99", port: 6379 },
    probe: (asked) =>
      asked.host === target.host
        ? probe(asked)
        : Promise.resolve({ answer: "unknown", reason: "Not explored here." }),
    async changePassword(next) {
      worlds.set("", setByHand(worlds.get("") ?? firstWorld(password), next, LAWS));
    },
  };
});

describe("the explored control plane", () => {
  const question = fc.oneof(
    fc
      .constantFrom("Password-One-1", "Password-Two-2")
      .map((password) => ({ op: "send", password }) as const),
    fc.constant({ op: "finish" } as const),
    fc.constant({ op: "instance" } as const),
    fc.integer({ min: 0, max: 2 }).map((nth) => ({ op: "task", nth }) as const),
    fc.boolean().map((all) => ({ op: "newest", all }) as const),
  );
  const outcome = (promise: Promise<unknown>) =>
    promise.catch((error: unknown) =>
      error instanceof RotationError ? { code: error.code, effect: error.effect } : error,
    );

  it("answers any questions in any order as the local TencentDB does", async () => {
    const questions = fc.array(question, { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(questions, async (asked) => {
        const clock = createVirtualClock();
        const redis = createFakeRedis([{ ...INSTANCE, password: FIRST_PASSWORD }]);
        const model = createTencentDb({ clock, instances: [INSTANCE], setPassword: redis.setPassword });
        const local = createFakeControlPlane({ model, clock });
        const worlds = new Map([["", firstWorld(FIRST_PASSWORD)]]);
        const explored = portsOver(worlds).controlPlane;
        const both = async (ask: (ports: typeof explored, firstTaskId: number) => Promise<unknown>) => {
          const answers = await Promise.all([outcome(ask(explored, 0)), outcome(ask(local, 16_657))]);
          const [ours, theirs] = answers.map((answer) => {
            const { taskId, message: _, ...rest } = (answer ?? {}) as { taskId?: number; message?: string };
            return { ...rest, ...(taskId !== undefined && { taskId: taskId % 16_657 }) };
          });
          expect(ours).toEqual(theirs);
        };
        for (const each of asked) {
          await clock.advance(1);
          switch (each.op) {
            case "send":
              await both((ports) => ports.changePassword(ACCOUNT, { password: each.password }));
              break;
            case "finish": {
              await clock.advance(20_000);
              let world = worlds.get("") as World;
              for (let next = taskSteps(world)[0]; next !== undefined; [next] = taskSteps(world))
                world = next;
              worlds.set("", world);
              break;
            }
            case "instance":
              await both((ports) => ports.describeInstance(INSTANCE));
              break;
            case "task":
              await both((ports, first) => ports.describeTask(ACCOUNT, first + each.nth));
              break;
            case "newest":
              await both((ports) =>
                ports.newestPasswordTask(ACCOUNT, new Date(each.all ? "2025-12-31" : "2030-01-01")),
              );
          }
          expect(redis.opens(INSTANCE.instanceId, (worlds.get("") as World).live)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("every interleaving of two runs of the code", () => {
  it.each([
    ["driven + driven, 2 deaths", 50_000],
    ["driven + managed, 2 deaths", 200_000],
    ["abandon", 10_000],
  ])(
    "%s: the live password can always be read, and two undisturbed runs make it current",
    async (only, atLeast) => {
      const report = await runExploration({ only });
      expect(report).toMatchObject({ failures: [], stranded: 0, isComplete: true });
      expect(report.converged).toBe(report.runs);
      expect(report.states).toBeGreaterThan(atLeast);
    },
    120_000,
  );
});

describe("the exploration of code that is not well made", () => {
  async function find(...bodies: Body[]): Promise<string[]> {
    const programs = await Promise.all(bodies.map((body, i) => createProgram(`run ${i + 1}`, body)));
    const disturbances = {
      crashes: 1,
      lostReplies: 0,
      handChanges: 0,
      failedTasks: 0,
      refusals: 0,
      total: 1,
    };
    const { violations } = await explore({
      ...(await assemble([], LAWS)),
      programs,
      disturbances,
      maxStates: 100_000,
    });
    return violations.map(({ rule, history }) => `${rule} | ${history.join(", ")}`);
  }
  const secretId = "redis/orders";
  const text = (password: string) => JSON.stringify({ password });

  it("finds a password that is sent before it is stored", async () => {
    const found = await find((process) =>
      process.invoke("", async ({ store, controlPlane }) => {
        await controlPlane.changePassword(ACCOUNT, { password: "Sent-too-early-1" });
        await store.stage(secretId, { versionId: "v1", text: text("Sent-too-early-1") });
        return "rotated";
      }),
    );
    expect(found).toContain(
      "a password is stored before it is sent | run 1: changePassword of no version yet",
    );
    expect(found.find((each) => each.startsWith("the live password can be read"))).toMatch(
      /the task goes on$/,
    );
  });

  it("finds a version that is made current without proof", async () => {
    const found = await find((process) =>
      process.invoke("", async ({ store }) => {
        await store.stage(secretId, { versionId: "v1", text: text("Never-sent-pass-1") });
        await store.promote(secretId, "v1", "v0");
        return "rotated";
      }),
    );
    expect(found).toContain(
      "current names a password that Redis has accepted once | run 1: stage of no version yet, run 1: label of version 1, run 1: moveCurrent of version 1",
    );
  });

  it("finds two runs that are both content, with each other's password", async () => {
    const careless =
      (versionId: string): Body =>
      (process) =>
        process.invoke("", async ({ store, controlPlane, probe, clock }) => {
          const password = `Password-of-${versionId}`;
          await store.stage(secretId, { versionId, text: text(password), isPending: true });
          await controlPlane.changePassword(ACCOUNT, { password });
          const target = { host: "10.0.0.5", port: 6379, ssl: false, username: "default", password };
          while ((await probe(target)).answer !== "accepted") await clock.sleep(100);
          const { versions } = await store.describe(secretId);
          const from = versions.find(({ stages }) => stages.includes("current"))?.versionId ?? "";
          await store.promote(secretId, versionId, from);
          return "rotated";
        });
    const found = await find(careless("v1"), careless("v2"));
    expect(found.map((each) => each.split(" | ")[0])).toContain(
      "where every run says that all is well, current is live and nothing is pending",
    );
  });
});
