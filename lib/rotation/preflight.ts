import { RotationError } from "../errors.ts";
import { type EffectivePolicy, generatePassword, passwordPolicy } from "../password.ts";
import type { Instance, ProbeVerdict, SecretValue } from "../ports.ts";
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
  const { controlPlane, probe, verify, passwordLength } = context;
  const instance = await controlPlane.describeInstance(value);
  if (instance.state === "gone") throw refuse(value, "InstanceGone", "is isolated or deleted");
  // Custom accounts keep their passwords where the default account has none.
  const isFree = instance.passwordFree && value.username === "default";
  if (isFree) throw refuse(value, "InstancePasswordFree", "answers without a password");

  await requireAccount(controlPlane, value);
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
  const needsPath = verify === "auth" || asksForOldPassword(value.api);
  if (wrong.answer === "unknown" && needsPath) throw unreachable(value, wrong.reason);
  const { answer } = await probe(target);
  if (answer !== "accepted" && asksForOldPassword(value.api)) {
    await findOldPassword(context, { secretId, value, target, effect: "none" });
  }
  return { instance, policy, current: answer };
}

/**
 * A rejected password at an address that is not the instance's own may be another Redis: then a new password would
 * lock the clients out and could never be proven. An operator who knows better forces it.
 */
export function requireOwnAddress(value: SecretValue, { instance, current }: Preflight): void {
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
