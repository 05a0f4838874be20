import { RotationError } from "../errors.ts";
import { type EffectivePolicy, generatePassword, passwordPolicy } from "../password.ts";
import type { ControlPlane, Instance, ProbeTarget, ProbeVerdict, SecretValue } from "../ports.ts";
import { requireAccount } from "./account.ts";
import type { Context } from "./context.ts";
import { asksForOldPassword, findOldPassword } from "./old-password.ts";
import { findTarget, probeTarget, unreachable } from "./target.ts";

export interface Preflight {
  readonly instance: Instance;
  readonly policy: EffectivePolicy;
  /** What Redis says of the secret's current password. */
  readonly current: ProbeVerdict["answer"];
}

/**
 * Looks at everything that could stop a rotation half-way, before anything is touched: the instance's state, the
 * password rules, the account, the path to Redis, the old password where the API asks for it, and whether Redis tells a
 * right password from a wrong one, since both proofs of a rotation stand on that.
 */
export async function preflight(context: Context, secretId: string, value: SecretValue): Promise<Preflight> {
  const { controlPlane } = context;
  const instance = await requireInstance(controlPlane, value);
  await requireAccount(controlPlane, value);
  const policy = await requirePolicy(context, value, instance);
  const target = probeTarget(value, instance) ?? (await findTarget(controlPlane, value));
  await requirePath(context, value, target, policy);
  const current = await askCurrent(context, secretId, value, target);
  return { instance, policy, current };
}

/** @throws RotationError `InstanceNotFound`, `InstanceGone`, `InstancePasswordFree` */
export async function requireInstance(controlPlane: ControlPlane, value: SecretValue): Promise<Instance> {
  const instance = await controlPlane.describeInstance(value);
  if (instance.state === "gone") throw refuse(value, "InstanceGone", "is isolated or deleted");
  // Custom accounts keep their passwords where the default account has none.
  const isFree = instance.passwordFree && value.username === "default";
  if (isFree) throw refuse(value, "InstancePasswordFree", "answers without a password");
  return instance;
}

/** @throws RotationError `PolicyContradiction` */
export async function requirePolicy(
  { controlPlane, passwordLength }: Pick<Context, "controlPlane" | "passwordLength">,
  value: SecretValue,
  { edition }: Pick<Instance, "edition">,
): Promise<EffectivePolicy> {
  const instancePolicy = await controlPlane.describePasswordPolicy(value);
  return passwordPolicy({
    api: value.api,
    edition,
    ...(instancePolicy && { instancePolicy }),
    ...(passwordLength !== undefined && { length: passwordLength }),
  });
}

/**
 * Whether Redis can be asked and rejects a password that nobody has. The answer is `unknown` only where a rotation goes
 * without a path.
 *
 * @throws RotationError `InstancePasswordFree`, `RedisUnreachable`
 */
export async function requirePath(
  { probe, verify, randomBytes }: Pick<Context, "probe" | "verify" | "randomBytes">,
  value: SecretValue,
  target: ProbeTarget,
  policy: EffectivePolicy,
): Promise<ProbeVerdict> {
  const wrong = await probe({ ...target, password: generatePassword(policy, randomBytes) });
  if (wrong.answer === "accepted") throw refuse(value, "InstancePasswordFree", "takes any password");
  const needsPath = verify === "auth" || asksForOldPassword(value.api);
  if (wrong.answer === "unknown" && needsPath) throw unreachable(value, wrong.reason);
  return wrong;
}

/**
 * What Redis says of the current password. An API that asks for the old one needs one that opens Redis.
 *
 * @throws RotationError `OldPasswordError`, `RedisUnreachable`
 */
export async function askCurrent(
  context: Context,
  secretId: string,
  value: SecretValue,
  target: ProbeTarget,
): Promise<ProbeVerdict["answer"]> {
  const { answer } = await context.probe(target);
  if (answer !== "accepted" && asksForOldPassword(value.api)) {
    await findOldPassword(context, { secretId, value, target, effect: "none" });
  }
  return answer;
}

/**
 * A rejected password at an address that is not the instance's own may be another Redis: then a new password would
 * lock the clients out and could never be proven. An operator who knows better forces it.
 */
export function requireOwnAddress(
  value: SecretValue,
  { instance, current }: Pick<Preflight, "instance" | "current">,
): void {
  const { host: ownHost = "", port: ownPort = 0 } = instance;
  const { host = ownHost, port = ownPort } = value;
  if (current !== "rejected" || (host === ownHost && port === ownPort)) return;
  throw new RotationError(
    "CurrentPasswordRejected",
    `The current password is rejected at ${host}:${port}, and instance ${value.instanceId} in ` +
      `${value.region} listens at ${ownHost}:${ownPort}: the secret may name another Redis`,
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
