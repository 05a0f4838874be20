import { RotationError } from "../../lib/errors.ts";
import type { SecretResult, Step } from "../../lib/ports.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { FIRST_PASSWORD, NAME } from "../rotation/rig.ts";
import { ssmVault } from "./vaults.ts";
import { createWorld, type Life, type World, type WorldOptions } from "./world.ts";

const DUE = { intervalDays: 30, force: false };
export const FORCED = { intervalDays: 30, force: true };
const STEPS: readonly Step[] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/** How a run ended: a driven run's result, or a managed run's error, undefined where its four steps passed. */
export type Ending = Pick<SecretResult, "status" | "error" | "versionId">;

/** A way to rotate one secret: how the world is before, what a run is, and which run comes after one that did not end well. */
export interface Flow {
  readonly name: string;
  begin(): Promise<World>;
  run(world: World, life: Life): Promise<Ending>;
  /** The next run by itself: the schedule, or Secrets Manager's retry. */
  next(world: World, life: Life): Promise<Ending>;
  /** Redis cannot be asked, and the task's word is enough. */
  readonly isBlind: boolean;
  /** How many invocations one run is, each with its own time to live. */
  readonly invocations: number;
  readonly api: string;
  /** Different passwords that may be sent from beginning to end. */
  readonly passwords: number;
  /** What else must be so in the end; undefined where it is. */
  outcome(world: World): string | undefined;
}

// Long enough that a poll sees the task run, short enough that a run has few calls that are all the same.
const TASK = { taskDurationMs: 1_200, taskTailMs: 300 };

export const driven = async ({ secretId }: World, { context }: Life): Promise<Ending> =>
  rotateSecret(context, secretId, DUE);

export const rollback = async ({ secretId }: World, { context }: Life): Promise<Ending> =>
  rollbackSecret(context, secretId);

/** The four steps as Secrets Manager calls them: each an invocation of its own, no further one after a failure. */
export async function managed(world: World, { context }: Life, token = pendingToken(world)): Promise<Ending> {
  const remainingMs = context.deadline() - context.clock.now();
  for (const step of STEPS) {
    const deadlineAt = context.clock.now() + remainingMs;
    const fresh: Context = { ...context, deadline: () => deadlineAt };
    try {
      await runStep(fresh, { step, secretId: NAME, token, rotationToken: "a-rotation-token" });
    } catch (failure) {
      if (!(failure instanceof RotationError)) throw failure;
      const { code, message, effect } = failure;
      return { status: code === "InProgress" ? "in-progress" : "failed", error: { code, message, effect } };
    }
  }
  return { status: "rotated" };
}

/** Secrets Manager takes the pending version up again; where there is none, it starts a rotation. */
function pendingToken({ rig }: World): string {
  const pending = rig.at("AWSPENDING");
  if (pending !== undefined) return pending;
  return rig.passwordAt("AWSCURRENT") === FIRST_PASSWORD ? rig.startManaged() : (rig.at("AWSCURRENT") ?? "");
}

export interface FlowOptions extends WorldOptions {
  /** How long values cannot be read after their writing. */
  readonly lagMs?: number;
}

export async function begin({ lagMs = 0, ...options }: FlowOptions): Promise<World> {
  const world = createWorld({ ...TASK, ...options });
  world.rig.secretsManager.setLag(lagMs);
  return world;
}

export function hasRotated({ passwordAt }: World): string | undefined {
  if (passwordAt("AWSCURRENT") === FIRST_PASSWORD) return "the rotation did not take place";
  return passwordAt("AWSPREVIOUS") === FIRST_PASSWORD ? undefined : "previous is not the password before";
}

const rotations = (options: FlowOptions, suffix: string): readonly Flow[] =>
  waysToRotate(options).map((flow) => ({
    ...flow,
    name: `${flow.name}${suffix}`,
    isBlind: options.blind ?? false,
    api: String(options.secret?.api ?? "ResetPassword"),
  }));

const waysToRotate = (options: FlowOptions): readonly Omit<Flow, "isBlind" | "api">[] => [
  {
    name: `driven`,
    begin: () => begin(options),
    invocations: 1,
    run: driven,
    next: driven,
    passwords: 1,
    outcome: hasRotated,
  },
  {
    name: `managed`,
    begin: () => startedBySecretsManager(options),
    invocations: 4,
    run: managed,
    next: managed,
    passwords: 1,
    outcome: hasRotated,
  },
  {
    name: `driven over a placeholder`,
    begin: () => startedBySecretsManager(options),
    invocations: 1,
    run: driven,
    next: managed,
    passwords: 1,
    outcome: hasRotated,
  },
  {
    name: `managed, then driven`,
    begin: () => startedBySecretsManager(options),
    invocations: 4,
    run: managed,
    next: driven,
    passwords: 1,
    outcome: hasRotated,
  },
  {
    name: `rollback`,
    begin: () => rotatedBefore(options),
    invocations: 1,
    run: rollback,
    next: driven,
    passwords: 2,
    // A rollback that stops before anything is pending has not begun.
    outcome: () => undefined,
  },
];

export async function startedBySecretsManager(options: FlowOptions): Promise<World> {
  const world = await begin(options);
  world.rig.startManaged();
  return world;
}

/** A minute after a rotation. */
export async function rotatedBefore(options: FlowOptions): Promise<World> {
  const world = await begin(options);
  await rotateSecret(world.life().context, world.secretId, FORCED);
  await world.rig.clock.sleep(60_000);
  return world;
}

/** The other ways to change a password. */
const APIS: Readonly<Record<string, FlowOptions>> = {
  ModifyInstancePassword: { secret: { api: "ModifyInstancePassword" } },
  ModfiyRedisPassword: { secret: { api: "ModfiyRedisPassword" } },
  "custom account": {
    instance: { accounts: [{ name: "app", password: FIRST_PASSWORD }] },
    secret: { api: "ModifyInstanceAccount", username: "app" },
  },
  "alternating users": {
    instance: { accounts: [{ name: "app_a", password: FIRST_PASSWORD }] },
    secret: { api: "ModifyInstanceAccount", username: "app_a", usernames: ["app_a", "app_b"] },
  },
};

const NO_ADDRESS = { secret: { host: undefined, port: undefined } };

export const FLOWS: readonly Flow[] = [
  ...rotations({}, ""),
  ...rotations({ blind: true }, ", VERIFY=task"),
  ...rotations(NO_ADDRESS, ", address by DescribeInstances").slice(0, 2),
  ...Object.entries(APIS).flatMap(([name, options]) =>
    rotations(options, `, ${name}`).filter((flow) => !/over|then/.test(flow.name)),
  ),
  ...rotations({ lagMs: 1_500 }, ", reads that lag").filter(({ name }) => !name.includes("then")),
];

/** The same with the secret in SSM, which knows no managed runs. */
export const SSM_FLOWS: readonly Flow[] = Object.entries({ ResetPassword: {}, ...APIS }).flatMap(
  ([name, options]) =>
    rotations({ ...options, vault: ssmVault }, `, ${name}`)
      .filter(({ name }) => /^(driven|rollback)/.test(name) && !/over|then/.test(name))
      .map((flow) => ({ ...flow, name: `${flow.name}, SSM` })),
);

/** Runs without any fault until all is well, two at most. What is not well even then, or nothing. */
export async function converge(
  flow: Pick<Flow, "next" | "outcome" | "passwords">,
  world: World,
  passwords = flow.passwords,
): Promise<string | undefined> {
  const { clock } = world.rig;
  const complaint = () => world.unrest()[0] ?? flow.outcome(world);
  for (let runs = 0; runs < 2 && complaint() !== undefined; runs += 1) {
    await flow.next(world, world.life());
  }
  // A task that is still on its way may change Redis once more.
  await clock.sleep(600_000);
  const sent = world.sent.size;
  return complaint() ?? (sent > passwords ? `${sent} different passwords were sent` : undefined);
}
