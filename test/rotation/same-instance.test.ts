import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withoutRivals } from "../../lib/rotation/rivals.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, type Rig } from "./rig.ts";

const FORCED = { intervalDays: 30, force: true };

function addSecret(rig: Rig, name: string, fields: Readonly<Record<string, unknown>> = {}): void {
  rig.secretsManager.call("CreateSecret", {
    Name: name,
    SecretString: JSON.stringify({ ...JSON.parse(rig.textAt("AWSCURRENT") ?? "{}"), ...fields }),
    ClientRequestToken: randomUUID(),
  });
}

function current(rig: Rig, name: string): { readonly username?: string; readonly password: string } {
  const { versions } = rig.secretsManager.inspect(name);
  const version = versions.find(({ stages }) => stages.includes("AWSCURRENT"));
  return JSON.parse(version?.content?.SecretString ?? "{}");
}

const opens = (rig: Rig, name: string) => {
  const { username, password } = current(rig, name);
  return rig.opens(password, username === "" ? undefined : username);
};

describe("several accounts of one instance, each with a secret, in one fleet run", () => {
  it.each([
    [2, "auth"],
    [2, "task"],
    [15, "auth"],
    [15, "task"],
  ] as const)("%i of them all end well, VERIFY=%s", async (count, verify) => {
    const names = Array.from({ length: count }, (_, index) => `app_${index}`);
    const accounts = names.map((name) => ({ name, password: `first-${name}-Passw0rd` }));
    const rig = createRig({ instance: { accounts }, context: { verify } });
    for (const name of names) {
      addSecret(rig, `redis/${name}`, { username: name, password: `first-${name}-Passw0rd` });
    }
    if (verify === "task") rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    const results = await withoutRivals(
      names.map((name) => `redis/${name}`),
      (name) => rotateSecret(rig.run(), name, FORCED),
    );
    rig.redis.unknownNext(0);
    const bad = results.filter(({ status }) => status !== "rotated");
    expect(bad.map(({ status, error }) => `${status} ${error?.code}`)).toEqual([]);
    expect(names.filter((name) => !opens(rig, `redis/${name}`))).toEqual([]);
  });
});
