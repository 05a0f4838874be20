import { RotationError } from "../errors.ts";
import type { Context } from "./context.ts";
import { requireTime } from "./deadline.ts";
import { requireSameAccount, type Version } from "./versions.ts";
import type { Watch } from "./watch.ts";

/** Each proof asks on this many fresh connections: several proxies may stand before one instance. */
const PROOF_CONNECTIONS = 3;
const PROOF_PAUSE_MS = 250;
/** How long a proof may stay open when no task is running any more. */
const PROOF_PATIENCE_MS = 10_000;

/** testSecret: proves on fresh connections that the new password opens the account and the old one does not. */
export async function testSecret(
  context: Context,
  request: {
    readonly secretId: string;
    readonly current: Version;
    readonly pending: Version;
    readonly watch: Watch;
  },
): Promise<void> {
  const { secretId, current, pending, watch } = request;
  const { tasks } = watch;
  requireSameAccount(current, pending, secretId);
  const { clock } = context;
  let patientUntil = clock.now() + PROOF_PATIENCE_MS;
  for (;;) {
    const flaw = await findFlaw(context, current, pending, watch);
    if (flaw === undefined) return;
    // While the task runs, some proxies may have the new password and some the old one.
    if (tasks.due) await tasks.poll();
    if (tasks.task === "running") patientUntil = clock.now() + PROOF_PATIENCE_MS;
    if (clock.now() >= patientUntil) {
      if (flaw.bearable) return;
      throw flaw.error;
    }
    requireTime(context, 0, "during the proof of the new password", "applied");
    await clock.sleep(PROOF_PAUSE_MS);
  }
}

interface Flaw {
  readonly error: RotationError;
  /** The new password is proven; only the old one could not be asked about. */
  readonly bearable: boolean;
}

async function findFlaw(
  { probe, verify }: Context,
  current: Version,
  pending: Version,
  watch: Watch,
): Promise<Flaw | undefined> {
  const target = await watch.target();
  const news = await Promise.all(Array.from({ length: PROOF_CONNECTIONS }, () => probe(target)));
  const name = `instance ${pending.value.instanceId} in ${pending.value.region}`;
  if (news.some(({ answer }) => answer === "rejected")) {
    const message = `The new password does not open ${name}`;
    return {
      error: new RotationError("NewPasswordRejected", message, { effect: "unknown" }),
      bearable: false,
    };
  }
  const blind = news.find((verdict) => verdict.answer === "unknown");
  if (blind !== undefined) {
    return verify === "task" ? undefined : { error: notVerified(pending, blind.reason), bearable: false };
  }
  if (current.value.password === pending.value.password) return undefined;
  // Of alternating users the old one stays good, but for its own account alone.
  const old = await probe({ ...target, password: current.value.password });
  if (old.answer === "rejected") return undefined;
  if (old.answer === "unknown") return { error: notVerified(pending, old.reason), bearable: true };
  const message = `The new password opens ${name}, and so does the old one`;
  return { error: new RotationError("OldPasswordAccepted", message, { effect: "applied" }), bearable: false };
}

export function notVerified(pending: Version, reason: string): RotationError {
  const { instanceId, region } = pending.value;
  return new RotationError(
    "NotVerified",
    `The task for instance ${instanceId} in ${region} succeeded, but the new password could not be proven: ${reason}`,
    { effect: "applied" },
  );
}
