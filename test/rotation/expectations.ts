import { expect } from "vitest";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

export const DUE = { intervalDays: 30, force: false };

/** One more run, which ends well. */
export async function rotated(rig: Rig): Promise<void> {
  expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "rotated" });
  expectRotated(rig);
}

export function expectRotated(rig: Rig): void {
  expect(rig.at("AWSPENDING")).toBeUndefined();
  expect(rig.passwordAt("AWSPREVIOUS")).toBe(FIRST_PASSWORD);
  expect(rig.passwordAt("AWSCURRENT")).not.toBe(FIRST_PASSWORD);
  expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  expect(rig.opens(FIRST_PASSWORD)).toBe(false);
  expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId).distinct).toBe(1);
}
