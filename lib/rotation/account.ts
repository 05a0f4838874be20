/** Which account a rotation changes, and what must be so before it may. */
import { RotationError } from "../errors.ts";
import type { AccountRights, ControlPlane, SecretDescription, SecretValue } from "../ports.ts";
import type { Context } from "./context.ts";
import { type Version, versionAt } from "./versions.ts";

const DEFAULT_INTERVAL_MS = 3_600_000;

/** A custom account that nobody has given other rights to. */
const DEFAULT_RIGHTS: AccountRights = { privilege: "rw", readonlyPolicy: ["master"] };

/** The account that the next version is for: of alternating users the idle one, else the one that is current. */
export function nextAccount(current: SecretValue): SecretValue {
  if (current.usernames === undefined) return current;
  const [first, second] = current.usernames;
  return { ...current, username: current.username === first ? second : first };
}

/** Whether the two are for different accounts, so that the old one's password goes on opening Redis. */
export function isAlternation(current: SecretValue, pending: SecretValue): boolean {
  return current.username !== pending.username;
}

/**
 * A custom account that the secret names must exist. Only the idle one of alternating users may be missing: the
 * rotation makes it.
 *
 * @throws RotationError `AccountNotFound`
 */
export async function requireAccount(controlPlane: ControlPlane, value: SecretValue): Promise<void> {
  const { username, instanceId, region } = value;
  if (username === "default") return;
  if ((await controlPlane.describeAccount(value)) !== undefined) return;
  throw new RotationError(
    "AccountNotFound",
    `Instance ${instanceId} in ${region} has no account ${username}`,
    {
      effect: "none",
    },
  );
}

export function alternationIntervalMs(context: Context): number {
  return context.alternationIntervalMs ?? DEFAULT_INTERVAL_MS;
}

/**
 * Clients may use the idle account until they have read the current version, so it is left alone until the active one's
 * password, and the version that names it as the current one, are old enough.
 *
 * @throws RotationError `AlternationTooSoon`
 */
export async function requireInterval(
  context: Context,
  description: SecretDescription,
  current: Version,
): Promise<void> {
  const { controlPlane, clock } = context;
  const { value } = current;
  if (value.usernames === undefined) return;
  const idle = nextAccount(value);
  if ((await controlPlane.describeAccount(idle)) === undefined) return;
  const active = await controlPlane.describeAccount(value);
  const changedAt = Math.max(currentSince(description, current), active?.passwordChangedAt?.getTime() ?? 0);
  const leftMs = changedAt + alternationIntervalMs(context) - clock.now();
  if (leftMs <= 0) return;
  throw new RotationError(
    "AlternationTooSoon",
    `Account ${idle.username} of instance ${value.instanceId} in ${value.region} must stay as it is for another ` +
      `${Math.ceil(leftMs / 60_000)} minutes: clients may still use it`,
    { effect: "none" },
  );
}

/**
 * Since when clients can have read the current version, in milliseconds since the epoch; rather too late than too early.
 * Where none was current before, what the store tells is about something else.
 */
export function currentSince(description: SecretDescription, current: Version): number {
  const isFirst = versionAt(description, "previous") === undefined;
  return Math.max(current.createdAt.getTime(), isFirst ? 0 : (description.currentSince?.getTime() ?? 0));
}

/** The rights that a missing idle account gets: those of the active one. */
export async function rightsLike(controlPlane: ControlPlane, active: SecretValue): Promise<AccountRights> {
  const { privilege, readonlyPolicy } = (await controlPlane.describeAccount(active)) ?? DEFAULT_RIGHTS;
  return { privilege, readonlyPolicy };
}
