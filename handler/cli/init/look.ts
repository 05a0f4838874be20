/** What the control plane and Redis say of the instance before anything is written. */
import { RotationError } from "../../../lib/errors.ts";
import { type EffectivePolicy, generatePassword } from "../../../lib/password.ts";
import type { ProbeTarget, ProbeVerdict, SecretValue } from "../../../lib/ports.ts";
import { requireAccount } from "../../../lib/rotation/account.ts";
import type { Context } from "../../../lib/rotation/context.ts";
import { requireInstance, requirePolicy } from "../../../lib/rotation/preflight.ts";
import { findTarget, probeTarget } from "../../../lib/rotation/target.ts";

export interface Found {
  readonly address: { readonly host: string; readonly port: number };
  readonly policy: EffectivePolicy;
}

/** Asks what a rotation asks before it begins. @throws RotationError what would stop that */
export async function findInstance(
  { controlPlane, ...context }: Context,
  value: SecretValue,
): Promise<Found> {
  const instance = await requireInstance(controlPlane, value);
  await requireAccount(controlPlane, value);
  const policy = await requirePolicy({ controlPlane, ...context }, value, instance);
  const { host, port } = probeTarget(value, instance) ?? (await findTarget(controlPlane, value));
  return { address: { host, port }, policy };
}

/**
 * Proves the password by AUTH. Whether Redis speaks TLS is found out with a password that nobody has, so that the right one
 * never goes where it was not meant to.
 *
 * @throws RotationError `RedisUnreachable`, `InstancePasswordFree`, `CurrentPasswordRejected`
 */
export async function proveIt(
  { probe, randomBytes }: Pick<Context, "probe" | "randomBytes">,
  { username, password, instanceId }: SecretValue,
  { address, policy }: Found,
  ssl: boolean | undefined,
): Promise<Found["address"] & { readonly ssl: boolean }> {
  const wrong = { ...address, username, password: generatePassword(policy, randomBytes) };
  const ways = ssl === undefined ? [false, true] : [ssl];
  const verdicts: (ProbeVerdict & Pick<ProbeTarget, "ssl">)[] = [];
  for (const way of ways) {
    const verdict = await probe({ ...wrong, ssl: way });
    verdicts.push({ ...verdict, ssl: way });
    if (verdict.answer !== "unknown") break;
  }
  const at = `Redis at ${address.host}:${address.port}`;
  const last = verdicts.at(-1);
  if (last?.answer === "accepted") {
    throw refuse("InstancePasswordFree", `${at} takes any password of account ${username}`);
  }
  if (last?.answer !== "rejected")
    throw refuse("RedisUnreachable", `${at} cannot be asked: ${why(verdicts)}`);
  const verdict = await probe({ ...address, username, password, ssl: last.ssl });
  if (verdict.answer === "accepted") return { ...address, ssl: last.ssl };
  if (verdict.answer === "unknown")
    throw refuse("RedisUnreachable", `${at} cannot be asked: ${verdict.reason}`);
  throw refuse(
    "CurrentPasswordRejected",
    `${at} rejects the password of account ${username} of ${instanceId}, and nothing was written: give the one that Redis has now, or --username or --host of another`,
  );
}

/** A certificate is spoken of by TLS alone; of all else the first way tells more. */
function why(verdicts: readonly ProbeVerdict[]): string {
  const reasons = verdicts.flatMap((verdict) => ("reason" in verdict ? verdict.reason : []));
  const ofTls = reasons.find((reason) => reason.startsWith("the certificate"));
  return ofTls ?? reasons[0] ?? "it gives no answer";
}

function refuse(
  code: "RedisUnreachable" | "InstancePasswordFree" | "CurrentPasswordRejected",
  message: string,
): RotationError {
  return new RotationError(code, message, { effect: "none" });
}
