import { describe, expect, it } from "vitest";
import { SSM_API_ERRORS, ssmError } from "../../lib/drivers/ssm-errors.ts";
import { REDIS_API_ERRORS, toRotationError } from "../../lib/drivers/tencent-errors.ts";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import type { RotationError } from "../../lib/errors.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import { createSsmClient, type SsmMoment } from "../fakes/ssm-client.ts";
import { createRig, DAY_MS, type RigOptions } from "../rotation/rig.ts";
import { SECRET } from "./local-ssm.ts";

const NOW = { intervalDays: 30, force: true };

function createWorld(options: RigOptions = {}, updateRenewsTime = false) {
  const rig = createRig(options);
  const { clock } = rig;
  let ageMs = 40 * DAY_MS;
  const born = { now: () => clock.now() - ageMs, sleep: clock.sleep };
  const ssm = createSsm({ clock: born, updateRenewsTime });
  ssm.call("CreateSecret", { SecretName: SECRET, SecretString: rig.textAt("AWSCURRENT") ?? "" });
  ageMs = 0;
  const current = () => {
    const { versions } = ssm.inspect(SECRET);
    const found = versions.find(({ versionId }) => versionId === "SSM_Current");
    return JSON.parse(found?.content.SecretString ?? "{}");
  };
  return {
    rig,
    ssm,
    current,
    run: (at?: (moment: SsmMoment) => void | Promise<void>) =>
      rig.run({ store: ssmStore({ client: createSsmClient({ ssm, clock, ...(at && { at }) }), clock }) }),
    setByHand: (fields: Readonly<Record<string, unknown>>) =>
      ssm.call("UpdateSecret", {
        SecretName: SECRET,
        VersionId: "SSM_Current",
        SecretString: JSON.stringify({ ...current(), ...fields }),
      }),
    fill(): number {
      for (let others = 0; ; others += 1) {
        try {
          ssm.call("PutSecretValue", { SecretName: SECRET, VersionId: `tool-${others}`, SecretString: "x" });
        } catch {
          return others;
        }
      }
    },
  };
}

describe("another tool fills the ten versions while a password is on its way", () => {
  it.each([
    ["", false],
    [", and a field was edited by hand", true],
  ])("consumers get the password that opens Redis all the same%s", async (_, edited) => {
    const world = createWorld();
    await rotateSecret(world.run(), SECRET, NOW);
    let filled = 0;
    const rotation = rotateSecret(world.run(), SECRET, NOW);
    await world.rig.clock.sleep(3_000);
    if (edited) world.setByHand({ note: "by hand" });
    filled = world.fill();
    const { error } = await rotation;
    expect(filled).toBeGreaterThan(0);
    expect({ error: error?.code, opens: world.rig.opens(world.current().password) }).toMatchObject({
      opens: true,
    });
  });
});

describe("a pair whose account was switched by hand a minute ago", () => {
  const accounts = ["app_a", "app_b"].map((name) => ({ name, password: `first-${name}-Pw1` }));
  const secret = { username: "app_a", password: "first-app_a-Pw1", usernames: ["app_a", "app_b"] };

  // Where SSM does not renew the time of a version that is replaced, nothing tells of it.
  it("leaves the account alone that clients use", async () => {
    const world = createWorld({ instance: { accounts }, secret }, true);
    const client = world.current();
    await world.rig.clock.sleep(60_000);
    world.setByHand({ username: "app_b", password: "first-app_b-Pw1" });
    await world.rig.clock.sleep(60_000);
    await rotateSecret(world.run(), SECRET, NOW);
    expect(world.rig.opens(client.password, client.username)).toBe(true);
  });
});

describe("credentials that have expired", () => {
  it.each(["AuthFailure.TokenFailure", "AuthFailure.SecretIdNotFound", "AuthFailure.SignatureExpire"])(
    "%s is not told as a missing grant",
    (code) => {
      const call = { action: "ListSecretVersionIds", change: false, secrets: [] };
      const attempt = { sent: true, aborted: false, redirected: false, systemCode: undefined };
      const failed = { code, message: "The provided credentials are not valid.", requestId: "r" };
      const redis = toRotationError(failed, call, attempt, REDIS_API_ERRORS);
      const ssm = ssmError(
        toRotationError(failed, call, attempt, SSM_API_ERRORS),
        `Secret ${SECRET}`,
      ) as RotationError;
      expect([redis.next, ssm.next].filter((next) => /^Grant/.test(next))).toEqual([]);
    },
  );
});
