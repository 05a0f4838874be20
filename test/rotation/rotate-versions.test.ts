import { createHash, randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { statusOfSecret } from "../../lib/rotation/inspect.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import type { StoreMoment } from "../fakes/secret-store.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, DAY_MS, NAME, type Rig } from "./rig.ts";

const steps = (rig: Rig) => rig.events.flatMap((event) => (event.type === "step" ? [event.step] : []));

describe("a driven run tells only of what it did and saw", () => {
  it("no createSecret, no task and no exposure where it found the password pending and live", async () => {
    const rig = createRig();
    const versionId = rig.putPending({ password: "joined-password-1" });
    await rig.redis.setPassword("crs-5a4py64p", "default", "joined-password-1");
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(Object.keys(result).sort()).toEqual(
      ["secretId", "instanceId", "region", "versionId", "pendingSince", "status", "durationMs"].sort(),
    );
    expect(result).toMatchObject({ status: "rotated", versionId });
    expect(steps(rig)).toEqual(["testSecret", "finishSecret"]);
    expect(rig.tencentDb.calls).toEqual([]);
  });

  it("no testSecret where Redis cannot be asked and the task's word is enough", async () => {
    const rig = createRig({ secret: { host: "10.0.0.99" } });
    expect(await rotateSecret(rig.run({ verify: "task" }), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(steps(rig)).toEqual(["createSecret", "setSecret", "finishSecret"]);
  });
});

describe("a secret is due", () => {
  it.each([
    ["planned", "to the millisecond", 30 * DAY_MS],
    ["not-due", "and not a second before", 30 * DAY_MS - 1_000],
  ])("%s: when its current version has the age, %s", async (status, _, ageMs) => {
    expect(await statusOfSecret(createRig({ ageMs }).context, NAME, { intervalDays: 30 })).toMatchObject({
      status,
    });
  });
});

describe("a secret of one user", () => {
  it("is due at any age where the interval is no day", async () => {
    const rig = createRig({ ageMs: 60_000 });
    expect(await statusOfSecret(rig.context, NAME, { intervalDays: 0 })).toMatchObject({ status: "planned" });
  });
});

describe("the labels move between the first look and the version's storing", () => {
  /** Lets `meanwhile` happen once, right before the second look at the labels. */
  function rigWith(meanwhile: (rig: Rig) => Promise<void>): Rig {
    let looks = 0;
    const storeAt = async ({ call, phase }: StoreMoment) => {
      if (call !== "describe" || phase !== "before") return;
      looks += 1;
      if (looks === 2) await meanwhile(rig);
    };
    const rig: Rig = createRig({ storeAt });
    return rig;
  }

  it("another run has rotated from the same version: its rotation is taken for the own", async () => {
    const rig = rigWith(rotated);
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("somebody has stored another value: nothing is stored on top of it", async () => {
    const rig = rigWith(async () => {
      rig.secretsManager.call("PutSecretValue", {
        SecretId: NAME,
        ClientRequestToken: "written-by-hand-while-rotating-000",
        SecretString: rig.textAt("AWSCURRENT") ?? "",
      });
    });
    const { status, error } = await rotateSecret(rig.context, NAME, DUE);
    expect([status, error?.code, error?.effect]).toEqual(["failed", "StoreConflict", "none"]);
    expect(error?.message).toContain(`Secret ${NAME} was rotated while this run looked away`);
    expect([rig.at("AWSPENDING"), rig.calls("PutSecretValue")]).toEqual([undefined, 1]);
  });
});

describe("the ids of new versions", () => {
  it("follow from the secret and its current version, and change neither within a day nor with the run", async () => {
    const rig = createRig();
    const current = rig.at("AWSCURRENT") ?? "";
    /** What the ids of one more run are made from; the version that it stores is released. */
    async function seeds(): Promise<string[]> {
      const asked: string[] = [];
      const digest = (text: string) => {
        asked.push(text);
        return createHash("sha256").update(`${randomUUID()}${text}`).digest("hex");
      };
      await rotateSecret(rig.run({ digest }, 20_000), NAME, DUE);
      await rig.store.release(NAME, rig.at("AWSPENDING") ?? "");
      return asked;
    }
    const atMidnight = await seeds();
    await rig.clock.sleep(DAY_MS / 2);
    const atNoon = await seeds();
    await rig.clock.sleep(DAY_MS);
    const nextDay = await seeds();

    expect(new Set(atMidnight).size).toBe(100);
    expect(atMidnight.every((seed) => seed.includes(NAME) && seed.includes(current))).toBe(true);
    expect(atNoon).toEqual(atMidnight);
    expect(nextDay.slice(0, 50)).toEqual(atMidnight.slice(0, 50));
    expect(nextDay.slice(50).filter((seed) => atMidnight.includes(seed))).toEqual([]);
  });
});
