import { randomBytes, randomUUID } from "node:crypto";
import type { Clock, ControlPlane, SecretStore } from "../lib/ports.ts";
import { parseSecretValue, withCredentials } from "../lib/secret-value.ts";

const POLL_MS = 2_000;

export interface PlainPorts {
  readonly store: SecretStore;
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
}

/** One rotation as one writes it in an hour: wait until the task has succeeded, then make the new version current. */
export async function plainRotation(
  { store, controlPlane, clock }: PlainPorts,
  secretId: string,
): Promise<void> {
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
}
