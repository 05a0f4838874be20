import { randomBytes, randomUUID } from "node:crypto";
import { parseSecretValue, withCredentials } from "../lib/secret-value.ts";
import type { FleetWorld } from "../test/fakes/fleet-world.ts";

const POLL_MS = 2_000;

/**
 * One rotation as one writes it in an hour: no pace, no look before a call, and a poll every two seconds. Returns how long the secret
 * held a password that did not open Redis, in milliseconds.
 */
export async function plainRotation(world: FleetWorld, index: number): Promise<number> {
  const { store, controlPlane, clock } = world.unpaced;
  const secretId = world.names[index] ?? "";
  const { versions } = await store.describe(secretId);
  const from = versions.find(({ stages }) => stages.includes("current"))?.versionId ?? "";
  const text = (await store.read(secretId, from))?.text ?? "";
  const password = randomBytes(15).toString("hex");
  const versionId = randomUUID();
  const account = parseSecretValue(text, secretId);
  await store.stage(secretId, { versionId, text: withCredentials(text, { ...account, password }) });
  const { taskId } = await controlPlane.changePassword(account, { password });
  do await clock.sleep(POLL_MS);
  while ((await controlPlane.describeTask(account, taskId)).state === "running");
  await store.promote(secretId, versionId, from);
  return clock.now() - world.changedAt(index);
}
