import { describe, expect, it } from "vitest";
import type { Composition } from "../../handler/compose.ts";
import type { DrivenRequest } from "../../handler/events.ts";
import { FleetFailed, invoke } from "../../handler/invoke.ts";
import { parseConfig } from "../../lib/config.ts";
import { RotationError } from "../../lib/errors.ts";
import type { Action, Answer, SecretResult, Selection, Status } from "../../lib/ports.ts";
import { createFleetWorld } from "../fakes/fleet-world.ts";
import { createRig, DAY_MS, FIRST_PASSWORD, NAME, type Rig } from "../rotation/rig.ts";

const PENDING = { password: "pending-password-1" };

function composed(rig: Rig, environment: Record<string, string> = {}) {
  const logged: [string, SecretResult][] = [];
  const composition: Composition = {
    config: parseConfig({ ROTATION_SECRETS: NAME, ...environment }, "aws"),
    context: rig.context,
    log: {
      observe: () => {},
      error: () => {},
      result: (...line) => void logged.push(line),
      notification: () => {},
      answeredBy: () => () => {},
      apart: (act) => act(),
    },
    apart: (act) => act(),
    findSecrets: async () => [],
    handOver: undefined,
    connection: {
      credentials: async () => ({ secretId: "", secretKey: "" }),
      signal: new AbortController().signal,
      clock: rig.context.clock,
      limiter: async () => {},
    },
  };
  return { composition, logged };
}

const driven = (request: Partial<DrivenRequest> = {}) =>
  ({
    kind: "driven",
    action: "rotate",
    secretIds: undefined,
    force: false,
    scheduled: false,
    ...request,
  }) as const;

async function answerTo(rig: Rig, request: Partial<DrivenRequest>, environment = {}): Promise<Answer> {
  const answer = await invoke(composed(rig, environment).composition, driven(request));
  if (answer === undefined) throw new Error("There is no answer");
  return answer;
}

describe("invoke", () => {
  it.each<[Action, boolean, number, Status]>([
    ["rotate", false, 40, "rotated"],
    ["rotate", false, 3, "not-due"],
    ["rotate", true, 3, "rotated"],
    ["plan", false, 3, "not-due"],
    ["plan", true, 3, "planned"],
    ["status", false, 40, "planned"],
    ["verify", false, 3, "ok"],
    ["abandon", false, 3, "ok"],
    ["rollback", false, 3, "failed"],
  ])("does %s (force: %s) to a secret of %i days: %s", async (action, force, days, status) => {
    const rig = createRig({ ageMs: days * DAY_MS });
    const answer = await answerTo(rig, { action, force });
    expect(answer).toMatchObject({ action, results: [{ secretId: NAME, status }] });
    expect(Object.values(answer.summary).reduce((sum, count) => sum + count)).toBe(1);
  });

  it("abandons by force where Redis cannot be asked, and not without", async () => {
    const rig = createRig();
    rig.putPending(PENDING);
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    expect((await answerTo(rig, { action: "abandon" })).summary.failed).toBe(1);
    expect((await answerTo(rig, { action: "abandon", force: true })).summary.ok).toBe(1);
  });

  it("asks the configuration how old a version must be", async () => {
    const rig = createRig({ ageMs: 3 * DAY_MS });
    const answer = await answerTo(rig, { action: "status" }, { ROTATION_INTERVAL_DAYS: "2" });
    expect(answer.results).toMatchObject([{ status: "planned" }]);
  });

  it("works on the payload's secrets in their order, on each once, and logs each result", async () => {
    const { composition, logged } = composed(createRig());
    const secretIds = ["redis/missing", NAME, "redis/missing", NAME];
    const answer = await invoke(composition, driven({ action: "status", secretIds }));
    expect(answer?.results.map(({ secretId, status }) => [secretId, status])).toEqual([
      ["redis/missing", "failed"],
      [NAME, "planned"],
    ]);
    expect(answer?.summary).toMatchObject({ failed: 1, planned: 1 });
    const byName = logged.map(([action, { secretId }]) => `${action} ${secretId}`).sort();
    expect(byName).toEqual(["status redis/missing", `status ${NAME}`].sort());
  });

  it.each([undefined, []])("says where to name the secrets where there are none: %j", async (secretIds) => {
    await expect(
      answerTo(createRig(), driven({ secretIds }), { ROTATION_SECRETS: " , " }),
    ).rejects.toMatchObject({
      code: "ConfigurationInvalid",
      message: expect.stringContaining("ROTATION_SECRETS"),
    });
  });

  it("throws for a failure that nobody would read, when all the others are done", async () => {
    const rig = createRig();
    const { composition, logged } = composed(rig, { ROTATION_SECRETS: `redis/missing,${NAME},redis/gone` });
    const run = invoke(composition, driven({ scheduled: true }));
    await expect(run).rejects.toThrow(/^2 of 3 secrets .*; the first: redis\/missing: .*Create the secret/);
    await expect(run).rejects.toBeInstanceOf(FleetFailed);
    expect(logged).toHaveLength(3);
    expect(rig.opens(FIRST_PASSWORD)).toBe(false);
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });

  it("throws for a rotation that the end of a scheduled run cut off, and carries on in the next one", async () => {
    const rig = createRig({ taskDurationMs: 100_000 });
    const hasty = { ...composed(rig).composition, context: rig.run({}, 60_000) };
    await expect(invoke(hasty, driven({ scheduled: true }))).rejects.toThrow(/redis\/orders: in-progress: /);
    expect(await answerTo({ ...rig, context: rig.run() }, { scheduled: true })).toMatchObject({
      summary: { rotated: 1 },
    });
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it.each(["rotate", "rollback"] as const)(
    "refuses to %s where no rotation fits into the time",
    async (action) => {
      const rig = createRig({ remainingMs: 30_000 });
      await expect(answerTo(rig, { action })).rejects.toThrow(/set the time-out to 900 s/);
      expect(rig.calls("DescribeSecret")).toBe(0);
    },
  );

  it("answers a scheduled run without a failure", async () => {
    expect(await answerTo(createRig(), { scheduled: true })).toMatchObject({ summary: { rotated: 1 } });
  });

  it("does a step of Secrets Manager, and answers nothing", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    const step = { kind: "step", step: "createSecret", secretId: NAME, token } as const;
    expect(await invoke(composed(rig).composition, step)).toBeUndefined();
    expect(rig.at("AWSPENDING")).toBe(token);
    expect(rig.passwordAt("AWSPENDING")).toBeDefined();
  });

  it("throws what stops a step", async () => {
    const step = { kind: "step", step: "createSecret", secretId: NAME, token: "none" } as const;
    await expect(invoke(composed(createRig()).composition, step)).rejects.toMatchObject({
      code: "RotationDisabled",
    });
  });

  it("works on every message of a batch, and names those that must come back", async () => {
    const rig = createRig();
    const { composition, logged } = composed(rig);
    const errors: RotationError[] = [];
    const bad = new RotationError("EventInvalid", "Event: body: it is not JSON", { effect: "none" });
    const message = (messageId: string, secretId: string) => {
      const { kind: _, ...request } = driven({ secretIds: [secretId], scheduled: true });
      return { messageId, request };
    };
    const messages = [message("1", "redis/missing"), { messageId: "2", request: bad }, message("3", NAME)];
    const log = { ...composition.log, error: (error: RotationError) => void errors.push(error) };
    expect(await invoke({ ...composition, log }, { kind: "queue", messages })).toEqual({
      batchItemFailures: [{ itemIdentifier: "1" }, { itemIdentifier: "2" }],
    });
    expect(errors).toEqual([bad]);
    expect(logged.map(([, { secretId, status }]) => `${secretId} ${status}`).sort()).toEqual(
      ["redis/missing failed", `${NAME} rotated`].sort(),
    );
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });

  it("has all messages come back where no rotation fits into the time, also those that are not begun", async () => {
    const { composition } = composed(createRig({ remainingMs: 30_000 }));
    const { kind: _, ...request } = driven({ secretIds: [NAME], scheduled: true });
    const messages = ["1", "2"].map((messageId) => ({ messageId, request }));
    expect(await invoke(composition, { kind: "queue", messages })).toEqual({
      batchItemFailures: [{ itemIdentifier: "1" }, { itemIdentifier: "2" }],
    });
  });
});

describe("a fleet", () => {
  function fleet(size: number, environment: Record<string, string>) {
    const world = createFleetWorld({ size });
    const asked: Selection[] = [];
    const handed: string[] = [];
    const { composition, logged } = composed(
      { ...createRig(), context: world.run() },
      { ROTATION_SECRETS: "", ...environment },
    );
    return {
      world,
      asked,
      handed,
      logged,
      composition: {
        ...composition,
        apart: world.apart,
        async findSecrets(selection: Selection) {
          asked.push(selection);
          return world.names;
        },
        handOver: async (secretIds: readonly string[]) => void handed.push(...secretIds),
      },
    };
  }

  it.each([
    [{ ROTATION_PREFIX: "redis-" }, { prefix: "redis-" }],
    [{ ROTATION_TAG: "rotate=yes" }, { tag: { key: "rotate", value: "yes" } }],
  ])("is found by %j, and rotated", async (environment, selection) => {
    const { composition, asked, world, logged } = fleet(3, environment);
    expect(await invoke(composition, driven())).toMatchObject({ summary: { rotated: 3 } });
    expect(asked).toEqual([selection]);
    expect(world.rotated()).toEqual(world.names);
    expect(logged.map(([, { status }]) => status)).toEqual(["rotated", "rotated", "rotated"]);
  });

  it("is not looked for where the payload names secrets", async () => {
    const { composition, asked, world } = fleet(3, { ROTATION_PREFIX: "redis-" });
    const answer = await invoke(composition, driven({ secretIds: world.names.slice(1) }));
    expect([answer.results.length, asked]).toEqual([2, []]);
  });

  it("may be empty where it is looked for", async () => {
    const { composition } = fleet(0, { ROTATION_PREFIX: "redis-" });
    expect(await invoke(composition, driven())).toMatchObject({ results: [] });
  });

  it.each([
    [{ scheduled: true }, 4],
    [{ scheduled: false }, 0],
    [{ scheduled: true, secretIds: "named" }, 0],
  ])(
    "is handed over in a scheduled run alone, and only as a whole: %j, %i secrets",
    async (request, count) => {
      const { composition, handed, world } = fleet(5, { ROTATION_PREFIX: "redis-" });
      const secretIds = "secretIds" in request ? world.names : undefined;
      const answer = await invoke(composition, driven({ ...request, secretIds }));
      expect(handed).toHaveLength(count);
      expect(answer.summary).toMatchObject({ rotated: 5 - count, planned: count });
    },
  );

  it("is planned with its pace, the time it takes, and secrets that are for one account", async () => {
    const { composition, world } = fleet(100, { ROTATION_PREFIX: "redis-" });
    const answer = await invoke(composition, driven({ action: "plan" }));
    expect(answer.summary.planned).toBe(100);
    // Secrets Manager takes four changes for each, fifty a second; a canary's task, and the last one's.
    expect(answer.forecast).toEqual({ rotations: 100, perMinute: 714, durationMs: 28_400 });
    const startedAt = world.clock.now();
    await invoke(composition, driven());
    expect((world.clock.now() - startedAt) / 28_400).toBeGreaterThan(0.8);
    expect((world.clock.now() - startedAt) / 28_400).toBeLessThan(1.1);
  });

  it("that has nothing due takes no time", async () => {
    const { composition } = fleet(3, { ROTATION_PREFIX: "redis-", ROTATION_INTERVAL_DAYS: "90" });
    const answer = await invoke(composition, driven({ action: "plan" }));
    expect(answer.forecast).toEqual({ rotations: 0, perMinute: 0, durationMs: 0 });
  });
});
