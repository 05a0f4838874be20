import { RotationError } from "../errors.ts";
import { type EffectivePolicy, passwordPolicy } from "../password.ts";
import type { ControlPlane, Instance, ProbeTarget, SecretValue } from "../ports.ts";
import type { Context } from "./context.ts";

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

/**
 * Looks at everything that could stop a rotation half-way, before anything is touched: the instance's state, the
 * password rules, and the path to Redis, without which the new password could not be proven.
 */
export async function preflight(
  context: Context,
  value: SecretValue,
): Promise<{ readonly instance: Instance; readonly policy: EffectivePolicy; readonly accepted: boolean }> {
  const { controlPlane, verify, passwordLength } = context;
  const instance = await controlPlane.describeInstance(value);
  const refuse = (code: "InstanceGone" | "InstancePasswordFree", what: string) =>
    new RotationError(code, `Instance ${value.instanceId} in ${value.region} ${what}`, { effect: "none" });
  if (instance.state === "gone") throw refuse("InstanceGone", "is isolated or deleted");
  if (instance.passwordFree) throw refuse("InstancePasswordFree", "answers without a password");

  const instancePolicy = await controlPlane.describePasswordPolicy(value);
  const policy = passwordPolicy({
    api: value.api,
    edition: instance.edition,
    ...(instancePolicy && { instancePolicy }),
    ...(passwordLength !== undefined && { length: passwordLength }),
  });

  const target = probeTarget(value, instance) ?? (await findTarget(controlPlane, value));
  const verdict = await context.probe(target);
  if (verify === "auth" && verdict.answer === "unknown") {
    throw unreachable(value, verdict.reason);
  }
  return { instance, policy, accepted: verdict.answer === "accepted" };
}

export function unreachable({ instanceId, region }: SecretValue, reason: string): RotationError {
  return new RotationError(
    "RedisUnreachable",
    `Instance ${instanceId} in ${region} cannot be asked, so a new password could not be proven: ${reason}`,
    { effect: "none" },
  );
}
