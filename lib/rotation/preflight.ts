import { RotationError } from "../errors.ts";
import { type EffectivePolicy, generatePassword, passwordPolicy } from "../password.ts";
import type { ControlPlane, Instance, ProbeTarget, ProbeVerdict, SecretValue } from "../ports.ts";
import type { Context } from "./context.ts";

export interface Preflight {
  readonly instance: Instance;
  readonly policy: EffectivePolicy;
  /** What Redis says of the secret's current password. */
  readonly current: ProbeVerdict["answer"];
}

/**
 * Looks at everything that could stop a rotation half-way, before anything is touched: the instance's state, the
 * password rules, the path to Redis, and whether Redis tells a right password from a wrong one, since both proofs
 * of a rotation stand on that.
 */
export async function preflight(context: Context, value: SecretValue): Promise<Preflight> {
  const { controlPlane, probe, verify, passwordLength } = context;
  const instance = await controlPlane.describeInstance(value);
  if (instance.state === "gone") throw refuse(value, "InstanceGone", "is isolated or deleted");
  if (instance.passwordFree) throw refuse(value, "InstancePasswordFree", "answers without a password");

  const instancePolicy = await controlPlane.describePasswordPolicy(value);
  const policy = passwordPolicy({
    api: value.api,
    edition: instance.edition,
    ...(instancePolicy && { instancePolicy }),
    ...(passwordLength !== undefined && { length: passwordLength }),
  });

  const target = probeTarget(value, instance) ?? (await findTarget(controlPlane, value));
  const wrong = await probe({ ...target, password: generatePassword(policy, context.randomBytes) });
  if (wrong.answer === "accepted") throw refuse(value, "InstancePasswordFree", "takes any password");
  if (wrong.answer === "unknown" && verify === "auth") throw unreachable(value, wrong.reason);
  const { answer } = await probe(target);
  return { instance, policy, current: answer };
}

/**
 * A rejected password at an address that is not the instance's own may be another Redis: then a new password would
 * lock the clients out and could never be proven. An operator who knows better forces it.
 */
export function requireOwnAddress(value: SecretValue, { instance, current }: Preflight): void {
  const own = probeTarget({ ...value, host: instance.host ?? "", port: instance.port ?? 0 });
  const asked = probeTarget(value, instance);
  if (current !== "rejected" || (asked?.host === own?.host && asked?.port === own?.port)) return;
  throw new RotationError(
    "CurrentPasswordRejected",
    `The current password is rejected at ${asked?.host}:${asked?.port}, and instance ${value.instanceId} in ` +
      `${value.region} listens at ${own?.host}:${own?.port}: the secret may name another Redis`,
    { effect: "none" },
  );
}

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

function refuse(
  { instanceId, region }: SecretValue,
  code: "InstanceGone" | "InstancePasswordFree",
  what: string,
): RotationError {
  return new RotationError(code, `Instance ${instanceId} in ${region} ${what}`, { effect: "none" });
}
