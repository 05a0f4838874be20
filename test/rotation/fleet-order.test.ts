import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import type { ControlPlane, Probe, SecretResult } from "../../lib/ports.ts";
import { rotateFleet } from "../../lib/rotation/fleet.ts";
import { withoutRivals } from "../../lib/rotation/rivals.ts";
import { createFleetWorld, type FleetWorld } from "../fakes/fleet-world.ts";
import { optionsOf, refusing, rotate, sent, tally } from "./fleet-runs.ts";

const DAY_MS = 86_400_000;

/** As a run leaves a secret that dies right after createSecret. */
function leaveHalfDone({ secretsManager }: FleetWorld, name = ""): void {
  const { SecretString = "{}" } = secretsManager.call("GetSecretValue", { SecretId: name });
  secretsManager.call("PutSecretValue", {
    SecretId: name,
    ClientRequestToken: "0".repeat(32),
    SecretString: JSON.stringify({ ...JSON.parse(SecretString), password: "pending-password-1" }),
    VersionStages: ["AWSPENDING"],
  });
}

describe("a fleet", () => {
  it("is left alone outside of its window, but for what has begun, and for force", async () => {
    const world = createFleetWorld({ size: 3 });
    const names = world.names.slice(0, 1);
    const crash: ControlPlane["describeTask"] = () => Promise.reject(new Error("the process died"));
    const dying = world.run();
    await rotateFleet(
      { ...dying, controlPlane: { ...dying.controlPlane, describeTask: crash } },
      names,
      optionsOf(world, { canary: 0, concurrency: 1 }),
    );
    expect(world.rotated()).toEqual([]);
    const window = () => false;
    expect(tally(await rotate(world, world.run(), { window }))).toEqual({ rotated: 1, "not-due": 2 });
    expect(tally(await rotate(world, world.run(), { window, force: true })).rotated).toBe(3);
  });

  it("does not rotate secrets that are for the same account, and names them", async () => {
    const world = createFleetWorld({
      size: 3,
      fields: (index) =>
        index === 2 ? { instanceId: "crs-00000000", host: "10.0.0.0", username: "root" } : {},
    });
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ rotated: 1, "failed SecretInvalid": 2 });
    expect(results[0]?.error?.message).toContain(`${world.names[0]} and ${world.names[2]}`);
    expect(sent(world)).toEqual(["crs-00000001"]);
  });

  it("is rotated the oldest first, behind what is half done, and answered in the order of the names", async () => {
    const days = [50, 41, 44, 31, 47, 12];
    const world = createFleetWorld({ size: 6, ageMs: (index) => (days[index] ?? 0) * DAY_MS });
    leaveHalfDone(world, world.names[3]);
    const told: SecretResult[] = [];
    const onResult = (result: SecretResult) => void told.push(result);
    const results = await rotate(world, world.run(), { concurrency: 1, onResult });
    expect(told.map(({ secretId }) => world.names.indexOf(secretId))).toEqual([5, 3, 0, 4, 2, 1]);
    expect(results.map(({ secretId }) => secretId)).toEqual(world.names);
    expect(tally(results)).toEqual({ rotated: 5, "not-due": 1 });
    for (const result of results) expect(result).not.toHaveProperty("dueAt");
  });

  it("has no more rotations under way than it may, and begins the next as soon as one has ended", async () => {
    const world = createFleetWorld({ size: 7 });
    const context = world.run();
    let [underWay, most] = [0, 0];
    const controlPlane: ControlPlane = {
      ...context.controlPlane,
      changePassword(account, change) {
        underWay += 1;
        most = Math.max(most, underWay);
        return context.controlPlane.changePassword(account, change);
      },
    };
    const onResult = () => {
      underWay -= 1;
    };
    const startedAt = world.clock.now();
    const options = { canary: 0, concurrency: 3, onResult };
    expect(tally(await rotate(world, { ...context, controlPlane }, options))).toEqual({ rotated: 7 });
    expect(most).toBe(3);
    expect(world.clock.now() - startedAt).toBeLessThan(3 * 11_000);
  });

  it("is begun at its pace, also after the wait for the canary", async () => {
    const world = createFleetWorld({ size: 6 });
    await rotate(world, world.run(), { perSecond: 2 });
    const at = world.tencentDb.calls.flatMap((call) => (call.action === "ResetPassword" ? [call.at] : []));
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(gaps[0]).toBeGreaterThan(9_000);
    for (const gap of gaps.slice(1)) expect(Math.abs(gap - 500)).toBeLessThan(200);
  });

  it("probes less often each, the more rotations are under way", async () => {
    const probesEach = async (concurrency: number) => {
      const world = createFleetWorld({ size: 30 });
      const context = world.run();
      let probes = 0;
      const probe: Probe = (target) => {
        probes += 1;
        return context.probe(target);
      };
      await rotate(world, { ...context, probe }, { canary: 0, concurrency });
      return probes / 30;
    };
    // Of the nine seconds that a task takes: every 100 ms and, 30 times 5, every 150 ms.
    const [alone, together] = [await probesEach(1), await probesEach(300)];
    expect(alone).toBeGreaterThan(80);
    expect(together / alone).toBeGreaterThan(0.6);
    expect(together / alone).toBeLessThan(0.75);
  });

  it("begins nothing with less than forty seconds left, and says so", async () => {
    const world = createFleetWorld({ size: 2 });
    const results = await rotate(world, world.run(40_000));
    expect(tally(results)).toEqual({ "in-progress InProgress": 2 });
    expect(results[0]).toMatchObject({
      region: "ap-guangzhou",
      error: {
        effect: "none",
        message: expect.stringContaining("The time of this run ended before this secret's turn"),
      },
    });
    expect(sent(world)).toEqual([]);
    expect(tally(await rotate(world, world.run(60_000), { canary: 0 }))).toEqual({ rotated: 2 });
  });

  it("names the account of secrets that are for the same one, also where it takes turns with another", async () => {
    const world = createFleetWorld({
      size: 2,
      fields: (index) => ({
        instanceId: "crs-00000000",
        host: "10.0.0.0",
        ...(index === 0 ? { username: "app_b" } : { username: "app_a", usernames: ["app_a", "app_b"] }),
      }),
    });
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ "failed SecretInvalid": 2 });
    expect(results[1]?.error).toMatchObject({
      effect: "none",
      message: expect.stringContaining(
        `Secrets ${world.names[0]} and ${world.names[1]} are for the same account, ` +
          "app_b of instance crs-00000000 in ap-guangzhou: take all but one out of the fleet",
      ),
    });
  });

  it("is not handed over where nothing of it is due", async () => {
    const world = createFleetWorld({ size: 2, ageMs: () => DAY_MS });
    const handed: unknown[] = [];
    const handOver = async (secretIds: readonly string[]) => void handed.push(secretIds);
    expect(tally(await rotate(world, world.run(), { canary: 0, handOver }))).toEqual({ "not-due": 2 });
    expect(handed).toEqual([]);
  });

  it("is handed over once the canaries have succeeded", async () => {
    const world = createFleetWorld({ size: 20 });
    const handed: string[] = [];
    const handOver = async (secretIds: readonly string[]) => void handed.push(...secretIds);
    const results = await rotate(world, world.run(), { canary: 2, handOver });
    expect(tally(results)).toEqual({ rotated: 2, planned: 18 });
    const isRotated = new Set(world.rotated());
    expect(isRotated.size).toBe(2);
    expect(handed).toEqual(world.names.filter((name) => !isRotated.has(name)));
  });

  it("is not handed over where a canary fails", async () => {
    const world = createFleetWorld({ size: 20 });
    const context = world.run();
    const controlPlane = refusing(context.controlPlane, () => true);
    const handOver = () => Promise.reject(new Error("must not be called"));
    expect(tally(await rotate(world, { ...context, controlPlane }, { handOver }))).toEqual({
      "failed AccessDenied": 4,
      "planned FleetStopped": 16,
    });
  });

  it("fails where it cannot be handed over", async () => {
    const world = createFleetWorld({ size: 3 });
    const handOver = () =>
      Promise.reject(new RotationError("StoreDenied", "SendMessageBatch: denied", { effect: "none" }));
    const results = await rotate(world, world.run(), { canary: 0, handOver });
    expect(tally(results)).toEqual({ "failed StoreDenied": 3 });
  });

  it("is looked at again where the first look failed for a reason that may pass, and only there", async () => {
    const world = createFleetWorld({ size: 3 });
    const context = world.run();
    const [throttled = "", missing = ""] = world.names;
    const looks = new Map<string, number>();
    const describeSecret: typeof context.store.describe = async (secretId) => {
      looks.set(secretId, (looks.get(secretId) ?? 0) + 1);
      if (secretId === throttled && looks.get(secretId) === 1) {
        throw new RotationError("StoreThrottled", "DescribeSecret: too many", { effect: "none" });
      }
      if (secretId === missing) throw new RotationError("SecretNotFound", "none", { effect: "none" });
      return context.store.describe(secretId);
    };
    const handOver = () => Promise.resolve();
    const store = { ...context.store, describe: describeSecret };
    const results = await rotate(world, { ...context, store }, { canary: 0, handOver });
    expect(tally(results)).toEqual({ planned: 2, "failed SecretNotFound": 1 });
    expect([...looks]).toEqual([
      [throttled, 2],
      [missing, 1],
      [world.names[2], 1],
    ]);
  });

  it("asks for each task by itself where a policy forbids to ask for all", async () => {
    const world = createFleetWorld({ size: 10 });
    world.tencentDb.failNext("DescribeTaskList", { kind: "error", code: "UnauthorizedOperation" });
    expect(tally(await rotate(world, world.run(), { canary: 0 }))).toEqual({ rotated: 10 });
    const lists = world.tencentDb.calls.filter(({ action }) => action === "DescribeTaskList");
    expect(lists).toHaveLength(1);
  });
});

describe("a look at each of a fleet", () => {
  it("keeps the order of the secrets and is taken at 50 of them at a time", async () => {
    const { clock } = createFleetWorld({ size: 1 });
    let working = 0;
    let most = 0;
    const names = Array.from({ length: 120 }, (_, index) => `secret-${index}`);
    const results = await withoutRivals(names, async (secretId) => {
      working += 1;
      most = Math.max(most, working);
      await clock.sleep(200 - Number(secretId.slice(7)));
      working -= 1;
      return { secretId, status: "ok", durationMs: 0 };
    });
    expect(results.map(({ secretId }) => secretId)).toEqual(names);
    expect(most).toBe(50);
  });
});
