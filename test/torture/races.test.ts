import { describe, expect, it } from "vitest";
import { type Interleaving, RACES, type Race, raceAll, runRace, solo } from "./races.ts";

const race = (name: string): Race =>
  RACES.find((each) => each.name === name) ?? expect.fail(`no race ${name}`);

/** The number of the call with which a run of the race first does this. */
async function callOf(name: string, run: "first" | "second", action: string): Promise<number> {
  const calls = await solo(race(name), race(name)[run]);
  return calls.find((call) => call.action === action)?.index ?? expect.fail(`${action} is not called`);
}

describe("two runs at once", () => {
  it("leave one password, which opens Redis and is current", async () => {
    const { failures, runs } = await raceAll({ each: 101 });
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(200);
  }, 60_000);

  it.each([
    // A driven run takes AWSPENDING off the version that RotateSecret has made since it looked. That version's
    // password is sent all the same, and Redis has it when the driven run's version is current already.
    ["driven, RotateSecret", "PutSecretValue", "ResetPassword", 2],
    ["driven, RotateSecret, VERIFY=task", "PutSecretValue", "ResetPassword", 2],
    ["rollback, RotateSecret", "PutSecretValue", "ResetPassword", 3],
    // The version is abandoned between the last look and the request.
    ["managed, abandon", "ResetPassword", undefined, 1],
    ["managed, abandon, VERIFY=task", "ResetPassword", undefined, 1],
    ["forced rotation, abandon, VERIFY=task", "ResetPassword", undefined, 2],
  ])(
    "%s: a password that lost its label on its way becomes current",
    async (name, waitsAt, until, passwords) => {
      const second = until === undefined ? Number.POSITIVE_INFINITY : await callOf(name, "second", until);
      const how: Interleaving = { call: await callOf(name, "first", waitsAt), phase: "before", second };
      expect(await runRace({ ...race(name), passwords }, how)).toBeUndefined();
    },
  );

  it.each([
    ["managed, driven", "second"],
    ["driven, RotateSecret", "first"],
  ] as const)(
    "%s: the driven run does not rotate what was rotated while it looked at the instance",
    async (name, driven) => {
      const looks = await callOf(name, driven, "DescribeInstances");
      const how: Interleaving =
        driven === "first"
          ? { call: looks, phase: "before", second: Number.POSITIVE_INFINITY }
          : { call: 0, phase: "before", second: looks };
      expect(await runRace({ ...race(name), passwords: 1 }, how)).toBeUndefined();
    },
  );

  it("driven, driven at midnight: both stage the same version, though not on the same day", async () => {
    const name = "driven, driven at midnight";
    const call = await callOf(name, "first", "PutSecretValue");
    const second = await callOf(name, "second", "ResetPassword");
    expect(await runRace(race(name), { call, phase: "before", second })).toBeUndefined();
  });

  it("forced rotation, rollback: a rollback that finds another rotation's password does not call that done", async () => {
    const name = "forced rotation, rollback";
    const second = await callOf(name, "second", "PutSecretValue");
    expect(await runRace(race(name), { call: 0, phase: "before", second })).toBeUndefined();
  });
});
