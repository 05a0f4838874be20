import { describe, expect, it } from "vitest";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import { createSsmClient, type SsmClientOptions } from "../fakes/ssm-client.ts";
import { createRig, DAY_MS, FIRST_PASSWORD, type RigOptions } from "../rotation/rig.ts";
import { SECRET } from "./local-ssm.ts";

const DUE = { intervalDays: 30, force: false };
const NOW = { intervalDays: 30, force: true };

/** The rig's world with its secret in SSM instead of Secrets Manager. */
function createWorld(options: RigOptions = {}) {
  const rig = createRig(options);
  const { clock } = rig;
  const ageMs = { value: 40 * DAY_MS };
  const ssm = createSsm({ clock: { now: () => clock.now() - ageMs.value, sleep: clock.sleep } });
  const text = rig.textAt("AWSCURRENT") ?? "";
  ssm.call("CreateSecret", { SecretName: SECRET, SecretString: text });
  ageMs.value = 0;
  const storeOf = (at?: SsmClientOptions["at"]) =>
    ssmStore({ client: createSsmClient({ ssm, clock, ...(at && { at }) }), clock });
  const store = storeOf();
  const current = () => {
    const { versions } = ssm.inspect(SECRET);
    return JSON.parse(
      versions.find(({ versionId }) => versionId === "SSM_Current")?.content.SecretString ?? "",
    );
  };
  return {
    rig,
    ssm,
    store,
    current,
    run: (at?: SsmClientOptions["at"]): Context => rig.run({ store: storeOf(at) }),
    async expectSettled() {
      const { versions } = await store.describe(SECRET);
      expect(versions.flatMap(({ stages }) => stages).sort()).toEqual(["current", "previous"]);
      expect(rig.opens(current().password)).toBe(true);
      expect(current()).toMatchObject({ team: { name: "orders", pager: 7 } });
    },
  };
}

describe("a rotation with its secret in SSM", () => {
  it("ends with the new password in Redis and under SSM_Current, and the old one previous", async () => {
    const world = createWorld();
    const result = await rotateSecret(world.run(), SECRET, DUE);
    expect(result).toMatchObject({ status: "rotated", versionId: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(result.exposureMs).toBeLessThanOrEqual(1_000);
    await world.expectSettled();
    expect(world.current().password).not.toBe(FIRST_PASSWORD);
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "not-due" });
  });

  it("can be done again and again, and rolled back", async () => {
    const world = createWorld();
    const passwords = [FIRST_PASSWORD];
    for (let turn = 0; turn < 6; turn += 1) {
      expect(await rotateSecret(world.run(), SECRET, NOW)).toMatchObject({ status: "rotated" });
      await world.expectSettled();
      passwords.push(world.current().password);
    }
    expect(new Set(passwords).size).toBe(7);
    for (const password of [passwords[5], passwords[6]]) {
      expect(await rollbackSecret(world.run(), SECRET)).toMatchObject({ status: "rotated" });
      await world.expectSettled();
      expect(world.current().password).toBe(password);
    }
  });

  it("is one rotation where two runs start together", async () => {
    const world = createWorld();
    const results = await Promise.all([
      rotateSecret(world.run(), SECRET, NOW),
      rotateSecret(world.run(), SECRET, NOW),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rotated", "rotated"]);
    expect(new Set(results.map(({ versionId }) => versionId)).size).toBe(1);
    await world.expectSettled();
  });

  it("draws another password where the first one was refused for good, and is still due", async () => {
    const world = createWorld();
    for (const _ of [1, 2, 3, 4, 5]) {
      world.rig.tencentDb.failNext("ResetPassword", {
        kind: "error",
        code: "InvalidParameterValue.PasswordRuleError",
      });
      const refused = await rotateSecret(world.run(), SECRET, DUE);
      expect(refused).toMatchObject({ status: "failed", error: { code: "PasswordRefused" } });
    }
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "rotated" });
    await world.expectSettled();
  });

  it("keeps what an operator writes meanwhile as the previous value", async () => {
    const world = createWorld();
    const edited = { ...world.current(), note: "by hand" };
    const rotation = rotateSecret(world.run(), SECRET, NOW);
    await world.rig.clock.sleep(3_000);
    world.ssm.call("UpdateSecret", {
      SecretName: SECRET,
      VersionId: "SSM_Current",
      SecretString: JSON.stringify(edited),
    });
    expect(await rotation).toMatchObject({ status: "rotated" });
    await world.expectSettled();
    const { versions } = await world.store.describe(SECRET);
    const previous = versions.find(({ stages }) => stages.includes("previous"))?.versionId ?? "";
    expect(JSON.parse((await world.store.read(SECRET, previous))?.text ?? "")).toEqual(edited);
  });

  it("comes to its end in the next run, wherever one dies at SSM, and sends one password", async () => {
    let deaths = 0;
    for (let moment = 0; ; moment += 1) {
      const world = createWorld();
      let seen = 0;
      const dying = world.run(() => {
        seen += 1;
        if (seen > moment) throw new Error("died");
      });
      await rotateSecret(dying, SECRET, DUE);
      const live = [world.current().password, ...(await passwordsIn(world))];
      expect(live.some((password) => world.rig.opens(password))).toBe(true);
      if (seen <= moment) break;
      deaths += 1;
      expect(["rotated", "not-due"]).toContain((await rotateSecret(world.run(), SECRET, DUE)).status);
      await world.expectSettled();
      expect(world.current().password).not.toBe(FIRST_PASSWORD);
      expect(world.rig.tencentDb.passwordsSent("crs-5a4py64p")).toMatchObject({ distinct: 1 });
    }
    expect(deaths).toBeGreaterThan(40);
  });
});

/** Every password that can be read through the store. */
async function passwordsIn({ store }: ReturnType<typeof createWorld>): Promise<string[]> {
  const { versions } = await store.describe(SECRET);
  const texts = await Promise.all(
    versions.map(async ({ versionId }) => (await store.read(SECRET, versionId))?.text),
  );
  return texts.map((text) => JSON.parse(text ?? "{}").password);
}
