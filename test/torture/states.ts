import type { ProbeVerdict } from "../../lib/ports.ts";
import type { TaskPlan } from "../cloud/tencentdb/tasks.ts";
import { INSTANCE } from "../rotation/rig.ts";
import type { World } from "./world.ts";

/** What the world may be like for a while, whichever calls are made meanwhile. */
export interface State {
  readonly name: string;
  /** Whether it may begin at any call, or is so from the start. */
  readonly begins: "anywhere" | "first";
  begin(world: World): void;
  /** How each AUTH ends meanwhile, where that is not Redis's own answer. */
  readonly auth?: ProbeVerdict;
  /** A run that meets it gets to its end nevertheless. */
  readonly isEndured?: boolean;
  /** Where the task's word is taken for the truth, nothing helps against one that lies. */
  readonly deceives?: boolean;
  end(world: World): Promise<void>;
}

const HOUR_MS = 3_600_000;
const UNREACHABLE: ProbeVerdict = { answer: "unknown", reason: "no answer in time" };

const instanceOf = ({ rig }: World) => rig.tencentDb.instance(INSTANCE.instanceId);
const waits = (durationMs: number) => (world: World) => world.rig.clock.sleep(durationMs);

export const STATES: readonly State[] = [
  {
    name: "another flow holds the instance for a minute",
    begins: "anywhere",
    begin: ({ rig }) => rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 60_000),
    isEndured: true,
    end: waits(60_000),
  },
  ...([-2, -3] as const).map((status) => instanceState(status === -2 ? "isolated" : "to be deleted", status)),
  instanceState("in a flow that no task tells of", 1),
  passwordFree("takes any password", { answer: "accepted" }),
  passwordFree("rejects any password", { answer: "rejected" }),
  ...[500, 1_500, 5_000, 60_000].map(lag),
  tasks("an unknown status until its end", { statusUntilEnd: "converging", durationMs: 20_000 }, true),
  ...[1, 2, 3].flatMap((count) => [
    tasks("fails and changes nothing", { ending: "failed" }, count < 3, count),
    tasks("ends with error and changes nothing", { ending: "error" }, count < 3, count),
    tasks("fails after the change", { ending: "failed", changes: true }, false, count),
    { ...tasks("succeeds and changes nothing", { changes: false }, count < 3, count), deceives: true },
  ]),
  tasks("does not end within any run", { durationMs: 2 * HOUR_MS }, false),
  tasks(
    "changes the password at once and does not end within any run",
    { durationMs: 2 * HOUR_MS, tailMs: 2 * HOUR_MS - 2_000 },
    false,
  ),
  tasks("hangs and fails in the end", { durationMs: 2 * HOUR_MS, ending: "failed" }, false),
];

function instanceState(name: string, status: 1 | -2 | -3): State {
  return {
    name: `the instance is ${name}`,
    begins: "anywhere",
    begin(world) {
      instanceOf(world).status = status;
    },
    ...(status < 0 && { auth: UNREACHABLE }),
    async end(world) {
      instanceOf(world).status = 2;
    },
  };
}

function passwordFree(name: string, auth: ProbeVerdict): State {
  return {
    name: `password-free access: Redis ${name}`,
    begins: "anywhere",
    begin(world) {
      instanceOf(world).noAuth = true;
    },
    auth,
    async end(world) {
      instanceOf(world).noAuth = false;
    },
  };
}

function lag(lagMs: number): State {
  return {
    name: `values can be read ${lagMs} ms after their writing`,
    begins: "anywhere",
    begin: ({ rig }) => rig.secretsManager.setLag(lagMs),
    isEndured: lagMs < 2_000,
    async end({ rig }) {
      rig.secretsManager.setLag(0);
      await rig.clock.sleep(lagMs);
    },
  };
}

function tasks(name: string, plan: TaskPlan, isEndured: boolean, count = 1): State {
  return {
    name: `${count === 1 ? "the task" : `${count} tasks in a row`}: ${name}`,
    begins: "first",
    begin({ rig }) {
      for (let planned = 0; planned < count; planned += 1) rig.tencentDb.planNextTask(plan);
    },
    isEndured,
    end: waits(3 * HOUR_MS),
  };
}
