import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import type { ControlPlane, SecretResult } from "../../lib/ports.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { type FleetOptions, rotateFleet } from "../../lib/rotation/fleet.ts";
import { withoutRivals } from "../../lib/rotation/rivals.ts";
import { createFleetWorld, type FleetWorld } from "../fakes/fleet-world.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const rotate = (world: FleetWorld, context: Context, options: Partial<FleetOptions> = {}) =>
  rotateFleet(context, world.names, optionsOf(world, options));

function optionsOf(world: FleetWorld, options: Partial<FleetOptions> = {}): FleetOptions {
  return {
    intervalDays: 30,
    force: false,
    canary: 1,
    breaker: 5,
    concurrency: 300,
    perSecond: world.perSecond,
    apart: world.apart,
    onResult: () => {},
    ...options,
  };
}

/** How many ended how: `failed AccessDenied`. */
function tally(results: readonly SecretResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, error } of results) {
    const ended = error ? `${status} ${error.code}` : status;
    counts[ended] = (counts[ended] ?? 0) + 1;
  }
  return counts;
}

const sent = ({ tencentDb }: FleetWorld) =>
  tencentDb.calls
    .filter(({ action }) => action === "ResetPassword")
    .map(({ instanceId }) => instanceId ?? "");

/** The API refuses, for these instances, to change a password. */
function refusing(controlPlane: ControlPlane, isRefused: (instanceId: string) => boolean): ControlPlane {
  return {
    ...controlPlane,
    async changePassword(account, change) {
      if (!isRefused(account.instanceId)) return controlPlane.changePassword(account, change);
      throw new RotationError("AccessDenied", "ResetPassword: not authorised", { effect: "none" });
    },
  };
}

describe("a fleet of a thousand", () => {
  it("is rotated as fast as the clouds allow, and asks for no call too many", async () => {
    const world = createFleetWorld({
      size: 1_000,
      taskDurationMs: () => 8_000 + (world.clock.now() % 2_000),
    });
    const startedAt = world.clock.now();
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ rotated: 1_000 });
    expect(results.map(({ secretId }) => secretId)).toEqual(world.names);
    expect(world.rotated()).toHaveLength(1_000);
    expect(sent(world)).toHaveLength(1_000);
    expect(world.throttled).toBe(0);
    // Four changes of labels and values for each at fifty a second, a canary's task, and the last one's.
    expect((world.clock.now() - startedAt) / 1_000).toBeLessThan(1.1 * ((4 * 1_000) / 50 + 2 * 10));
    // Clients wait for a promotion, so it waits for nothing that has just begun.
    const windows = results.map(({ exposureMs }) => exposureMs ?? Number.NaN).sort((a, b) => a - b);
    expect(windows[500]).toBeLessThan(1_500);
    expect(windows[999]).toBeLessThan(3_000);
  }, 60_000);

  it("gets through where others use up three quarters of the account's calls", async () => {
    const world = createFleetWorld({ size: 1_000, cloudCallsPerSecond: 5 });
    expect(tally(await rotate(world, world.run()))).toEqual({ rotated: 1_000 });
    expect(world.rotated()).toHaveLength(1_000);
    const refused = world.throttled / world.tencentDb.calls.length;
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(0.2);
  }, 60_000);

  it("goes on past secrets that fail for reasons of their own", async () => {
    const isBad = (index: number) => index % 10 === 3;
    const world = createFleetWorld({
      size: 1_000,
      fields: (index) => (isBad(index) ? { password: "not-the-one-1", host: "10.9.9.9" } : {}),
    });
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ rotated: 900, "failed RedisUnreachable": 100 });
    expect(results.every(({ status }, index) => (status === "failed") === isBad(index))).toBe(true);
  }, 60_000);

  it("is begun by one and not gone on with where a policy forbids it for all", async () => {
    const world = createFleetWorld({ size: 1_000 });
    const context = world.run();
    const controlPlane = refusing(context.controlPlane, () => true);
    const results = await rotate(world, { ...context, controlPlane });
    expect(tally(results)).toEqual({ "failed AccessDenied": 4, "planned FleetStopped": 996 });
    expect(results.find(({ error }) => error?.code === "FleetStopped")?.error).toMatchObject({
      effect: "none",
      message: expect.stringMatching(
        /AccessDenied: ResetPassword: not authorised.*the next run begins with/s,
      ),
    });
    expect(sent(world)).toEqual([]);
    // Nothing is left behind that the next run would have to clear up.
    expect(tally(await rotate(world, world.run()))).toEqual({ rotated: 1_000 });
  }, 60_000);

  it("is given up in the middle where the reason comes up then", async () => {
    const world = createFleetWorld({ size: 1_000 });
    const context = world.run();
    const controlPlane = refusing(context.controlPlane, () => sent(world).length >= 300);
    const results = await rotate(world, { ...context, controlPlane }, { concurrency: 50 });
    const { rotated = 0, "failed AccessDenied": failed = 0, "planned FleetStopped": left } = tally(results);
    expect(rotated).toBe(sent(world).length);
    expect(world.rotated()).toHaveLength(rotated);
    // Those that were under way, and three more that were tried one after the other.
    expect(failed).toBeLessThanOrEqual(50 + 3);
    expect(left).toBe(1_000 - rotated - failed);
    expect(tally(await rotate(world, world.run())).rotated).toBe(1_000 - rotated);
  }, 60_000);

  it("is rotated in three runs where the time of one is too short, the oldest first, each once", async () => {
    const world = createFleetWorld({ size: 1_000, ageMs: (index) => (40 + ((index * 7) % 1_000)) * DAY_MS });
    const age = new Map(world.names.map((name, index) => [name, (index * 7) % 1_000]));
    const runs: SecretResult[][] = [];
    while (runs.length < 3) runs.push(await rotate(world, world.run(90_000)));
    const done = runs.map((results) => results.filter(({ status }) => status === "rotated"));
    expect(done.reduce((sum, { length }) => sum + length, 0)).toBe(1_000);
    expect(tally(runs[0] ?? [])["in-progress InProgress"]).toBeGreaterThan(0);
    expect(world.rotated()).toHaveLength(1_000);
    expect(new Set(sent(world)).size).toBe(sent(world).length);
    const ages = done.map((results) => results.map(({ secretId }) => age.get(secretId) ?? Number.NaN));
    expect(Math.min(...(ages[0] ?? []))).toBeGreaterThan(Math.max(...(ages[2] ?? [])));
    // What has no turn any more is not begun: nothing waits half done for the next run.
    expect(runs.flat().filter(({ error }) => error && error.effect !== "none")).toEqual([]);
  }, 60_000);
});

describe("a fleet", () => {
  it("is spread over the stagger, each secret always at the same distance", async () => {
    const world = createFleetWorld({ size: 200, ageMs: () => 33 * DAY_MS });
    const due = tally(await rotate(world, world.run(), { staggerDays: 6 }));
    expect(due.rotated).toBeGreaterThan(60);
    expect(due["not-due"]).toBeGreaterThan(60);
    const later = await rotate(world, world.run(), { staggerDays: 6 });
    expect(tally(later)).toEqual({ "not-due": 200 });
  });

  it("is left alone outside of its window, but for what has begun, and for force", async () => {
    const world = createFleetWorld({ size: 3 });
    const names = world.names.slice(0, 1);
    const crash: ControlPlane["describeTask"] = () => Promise.reject(new Error("the process died"));
    const dying = world.run();
    await rotateFleet({ ...dying, controlPlane: { ...dying.controlPlane, describeTask: crash } }, names, {
      intervalDays: 30,
      force: false,
      canary: 0,
      breaker: 0,
      concurrency: 1,
      perSecond: world.perSecond,
      apart: world.apart,
      onResult: () => {},
    });
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

  it("carries on with what is half done before it begins anything", async () => {
    const world = createFleetWorld({ size: 30, ageMs: (index) => (60 - index) * DAY_MS });
    const short = world.run(70_000);
    const first = await rotate(world, short, { canary: 0, concurrency: 30 });
    expect(tally(first)).toEqual({ rotated: 30 });
    const order: string[] = [];
    const last = world.names[29] ?? "";
    world.secretsManager.call("PutSecretValue", {
      SecretId: last,
      ClientRequestToken: "0".repeat(32),
      SecretString: JSON.stringify({
        ...JSON.parse(world.secretsManager.call("GetSecretValue", { SecretId: last }).SecretString ?? "{}"),
        password: "pending-password-1",
      }),
      VersionStages: ["AWSPENDING"],
    });
    const onResult = ({ secretId }: SecretResult) => void order.push(secretId);
    await world.clock.sleep(2 * MINUTE_MS);
    await rotate(world, world.run(), { intervalDays: 0, canary: 0, concurrency: 1, onResult });
    expect(order[0]).toBe(last);
  });

  it("is not held up by what cannot end, run after run", async () => {
    const world = createFleetWorld({ size: 5, ageMs: (index) => (60 - index) * DAY_MS });
    world.tencentDb.planNextTask({ durationMs: Number.POSITIVE_INFINITY }, "crs-00000000");
    const [first, ...others] = await rotate(world, world.run(5 * MINUTE_MS));
    expect([first?.status, tally(others)]).toEqual(["in-progress", { rotated: 4 }]);
    const again = await rotate(world, world.run(5 * MINUTE_MS), { intervalDays: 0 });
    expect(tally(again)).toEqual({ "in-progress InProgress": 1, rotated: 4 });
  });

  it("gets on although more secrets are broken than are tried, and they are the oldest", async () => {
    const world = createFleetWorld({
      size: 12,
      ageMs: (index) => (60 - index) * DAY_MS,
      fields: (index) => (index < 10 ? { password: "not-the-one-1", host: "10.9.9.9" } : {}),
    });
    await rotate(world, world.run());
    expect(world.rotated()).toEqual(world.names.slice(10));
  });

  it("hands over nothing that is half done, and promotes it past canaries that fail", async () => {
    const world = createFleetWorld({ size: 20 });
    const dying = world.run();
    const crash = () => Promise.reject(new Error("the process died"));
    const cut = { ...dying, store: { ...dying.store, promote: crash } };
    await rotateFleet(cut, world.names.slice(0, 5), optionsOf(world, { canary: 0 }));
    expect(world.rotated()).toEqual([]);

    const context = world.run();
    const controlPlane = refusing(context.controlPlane, () => true);
    const handOver = () => Promise.reject(new Error("must not be called"));
    const results = await rotate(world, { ...context, controlPlane }, { handOver });
    expect(tally(results)).toEqual({ rotated: 5, "failed AccessDenied": 4, "planned FleetStopped": 11 });
    expect(world.rotated()).toEqual(world.names.slice(0, 5));
  });

  it("tells that what is half done and has no time left may have changed Redis", async () => {
    const world = createFleetWorld({ size: 3 });
    const dying = world.run();
    const crash = () => Promise.reject(new Error("the process died"));
    const cut = { ...dying, store: { ...dying.store, promote: crash } };
    await rotateFleet(cut, world.names.slice(0, 1), optionsOf(world, { canary: 0 }));
    const results = await rotate(world, world.run(30_000));
    expect(results.map(({ status, error }) => [status, error?.effect])).toEqual([
      ["in-progress", "unknown"],
      ["in-progress", "none"],
      ["in-progress", "none"],
    ]);
  });

  it("carries on with the half-done one of two secrets that are for the same account", async () => {
    const twin = { instanceId: "crs-00000000", host: "10.0.0.0" };
    const world = createFleetWorld({ size: 2, fields: (index) => (index === 1 ? twin : {}) });
    const dying = world.run();
    const crash = () => Promise.reject(new Error("the process died"));
    const cut = { ...dying, store: { ...dying.store, promote: crash } };
    await rotateFleet(cut, world.names.slice(0, 1), optionsOf(world, { canary: 0 }));
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ rotated: 1, "failed SecretInvalid": 1 });
    expect(world.rotated()).toEqual([world.names[0]]);
  });

  it("is handed over once the canaries have succeeded", async () => {
    const world = createFleetWorld({ size: 20 });
    const handed: string[] = [];
    const handOver = async (secretIds: readonly string[]) => void handed.push(...secretIds);
    const results = await rotate(world, world.run(), { canary: 2, handOver });
    expect(tally(results)).toEqual({ rotated: 2, planned: 18 });
    expect(handed).toHaveLength(18);
    expect(world.rotated()).toHaveLength(2);
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

  it("shares its calls: the more secrets, the fewer for each", async () => {
    const callsEach = async (size: number) => {
      const world = createFleetWorld({ size });
      await rotate(world, world.run(), { canary: 0 });
      return world.tencentDb.calls.length / size;
    };
    const [one, ten, hundred] = [await callsEach(1), await callsEach(10), await callsEach(100)];
    expect(ten).toBeLessThan(one);
    expect(hundred).toBeLessThan(ten);
    expect(hundred).toBeLessThan(5);
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
