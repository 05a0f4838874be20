import { RotationError } from "../errors.ts";
import type { ControlPlane, Instance, ProbeTarget, SecretValue } from "../ports.ts";

/** Where Redis listens and who asks, as far as the secret and the instance tell. */
export function probeTarget(value: SecretValue, instance?: Instance): ProbeTarget | undefined {
  const host = value.host ?? instance?.host;
  const port = value.port ?? instance?.port;
  if (host === undefined || port === undefined) return undefined;
  return { host, port, ssl: value.ssl, username: value.username, password: value.password };
}

/** The same, asking the control plane only where the secret does not tell. */
export async function findTarget(controlPlane: ControlPlane, value: SecretValue): Promise<ProbeTarget> {
  const target = probeTarget(value) ?? probeTarget(value, await controlPlane.describeInstance(value));
  if (target !== undefined) return target;
  throw new RotationError(
    "SecretInvalid",
    `Neither the secret nor instance ${value.instanceId} tells where Redis listens: add host and port to the secret`,
    { effect: "none" },
  );
}

export function unreachable({ instanceId, region }: SecretValue, reason: string): RotationError {
  return new RotationError(
    "RedisUnreachable",
    `Instance ${instanceId} in ${region} cannot be asked, so a new password could not be proven: ${reason}`,
    { effect: "none" },
  );
}
