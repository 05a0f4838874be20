import { type Live, type Move, plan, type Verify, type View } from "../lib/rotation/plan.ts";

export type Language = "en" | "zh";
export type Words = Readonly<Record<Language, string>>;

/** Views that look the same to the plan, in words. */
export interface State {
  readonly name: string;
  readonly seen: Words;
  readonly isSeen: (view: View, verify: Verify) => boolean;
  readonly move: Move;
  readonly next: Words;
  /** What the move, or the time that it takes, may bring. */
  readonly brings: readonly { readonly says: Words; readonly view: View }[];
}

const LOOK: View = { current: "v1", pending: "v2", live: "other", instance: "running" };
const TAKES: Words = { en: "Redis takes the password", zh: "Redis 接受新密码" };

/** The table of the plan: the first state that is seen decides. `requireSameAsPlan` holds it against the plan itself. */
export const STATES: readonly State[] = [
  {
    name: "current",
    seen: { en: "the pending version is current", zh: "待定版本已经是当前版本" },
    isSeen: ({ current, pending }) => pending !== undefined && pending === current,
    move: "done",
    next: { en: "done: take the label pending off", zh: "完成：取消它的待定状态" },
    brings: [],
  },
  {
    name: "gone",
    seen: { en: "the instance is isolated or to be deleted", zh: "实例已隔离或待删除" },
    isSeen: ({ instance }) => instance === "gone",
    move: "fail",
    next: { en: "fail, with the code and what to do", zh: "失败，给出错误码和处理办法" },
    brings: [],
  },
  {
    name: "nothing",
    seen: { en: "no pending version, or one without a value", zh: "没有待定版本，或者待定版本没有值" },
    isSeen: ({ pending }) => pending === undefined,
    move: "createSecret",
    next: {
      en: "createSecret: store a new password as pending",
      zh: "createSecret：存入新密码，作为待定版本",
    },
    brings: [{ says: { en: "it is stored", zh: "已存入" }, view: LOOK }],
  },
  {
    name: "taken",
    seen: { en: "Redis takes the pending password", zh: "Redis 接受待定密码" },
    isSeen: ({ live }) => live === "pending",
    move: "testSecret",
    next: {
      en: "testSecret, then finishSecret: prove it, and make it current",
      zh: "testSecret，然后 finishSecret：证明它，设为当前版本",
    },
    brings: [
      { says: { en: "proven, and made current", zh: "已证明，设为当前" }, view: { ...LOOK, current: "v2" } },
    ],
  },
  {
    name: "changing",
    seen: { en: "a password task is running, or the instance is busy", zh: "改密任务正在运行，或实例正忙" },
    isSeen: ({ task, instance }) => task === "running" || instance === "busy",
    move: "wait",
    next: { en: "wait: ask Redis and the task again", zh: "等待：再查询 Redis 和任务" },
    brings: [
      { says: TAKES, view: { ...LOOK, live: "pending", task: "running" } },
      { says: { en: "the task failed", zh: "任务失败" }, view: { ...LOOK, task: "failed" } },
      {
        says: { en: "the task succeeded, Redis lags behind", zh: "任务成功，Redis 尚未生效" },
        view: { ...LOOK, task: "succeeded" },
      },
      {
        says: { en: "no path to Redis", zh: "连不上 Redis" },
        view: { ...LOOK, live: "unknown", task: "succeeded" },
      },
      { says: { en: "the instance is lost", zh: "实例失效" }, view: { ...LOOK, instance: "gone" } },
    ],
  },
  {
    name: "blind",
    seen: { en: "Redis cannot be asked (VERIFY=auth)", zh: "连不上 Redis（VERIFY=auth）" },
    isSeen: ({ live }, verify) => live === "unknown" && verify === "auth",
    move: "hold",
    next: { en: "hold, and fail after 30 s: nothing is sent", zh: "暂停，30 秒后失败：不发送密码" },
    brings: [
      { says: TAKES, view: { ...LOOK, live: "pending" } },
      { says: { en: "Redis does not take it", zh: "Redis 不接受新密码" }, view: LOOK },
    ],
  },
  {
    name: "told",
    seen: {
      en: "the task succeeded, Redis cannot be asked (VERIFY=task)",
      zh: "任务成功，连不上 Redis（VERIFY=task）",
    },
    isSeen: ({ live, task }) => live === "unknown" && task === "succeeded",
    move: "finishSecret",
    next: {
      en: "finishSecret, on the word of the task that this run has started",
      zh: "finishSecret：以本次运行发起的任务为准",
    },
    brings: [{ says: { en: "made current", zh: "设为当前" }, view: { ...LOOK, current: "v2" } }],
  },
  {
    name: "lagging",
    seen: {
      en: "the task succeeded, Redis does not take the password yet",
      zh: "任务成功，Redis 还不接受新密码",
    },
    isSeen: ({ task }) => task === "succeeded",
    move: "hold",
    next: { en: "hold: after 10 s the task counts for nothing", zh: "暂停：10 秒后不再采信这个任务" },
    brings: [
      { says: TAKES, view: { ...LOOK, live: "pending", task: "succeeded" } },
      { says: { en: "10 s are over", zh: "满 10 秒" }, view: LOOK },
    ],
  },
  {
    name: "unsent",
    seen: { en: "the pending password has yet to be sent", zh: "待定密码还需要发送" },
    isSeen: () => true,
    move: "setSecret",
    next: {
      en: "setSecret: send the pending password, once, then look",
      zh: "setSecret：发送一次待定密码，再观察",
    },
    brings: [
      {
        says: { en: "a task is started, or the reply is lost", zh: "任务开始，或响应丢失" },
        view: { ...LOOK, task: "running" },
      },
    ],
  },
];

/** The state that decides. */
export function stateOf(view: View, verify: Verify): State {
  const state = STATES.find(({ isSeen }) => isSeen(view, verify));
  if (state === undefined) throw new Error("The table has no row for what is seen");
  return state;
}

/** Everything that can be seen, with both ways to verify. */
export function allViews(): readonly (readonly [View, Verify])[] {
  const lives: readonly Live[] = ["pending", "other", "unknown"];
  const tasks = [undefined, "running", "succeeded", "failed"] as const;
  const instances = ["running", "busy", "gone"] as const;
  const versions = [{ current: "v1" }, { current: "v1", pending: "v2" }, { current: "v2", pending: "v2" }];
  const verifies: readonly Verify[] = ["auth", "task"];
  return versions.flatMap((ids) =>
    lives.flatMap((live) =>
      tasks.flatMap((task) =>
        instances.flatMap((instance) =>
          verifies.map((verify) => [{ ...ids, live, instance, ...(task && { task }) }, verify] as const),
        ),
      ),
    ),
  );
}

/**
 * Asks the plan about everything that can be seen.
 *
 * @throws Error where the table says something else, or has a row that never decides
 */
export function requireSameAsPlan(ask: typeof plan = plan): void {
  const deciding = new Set<State>();
  for (const [view, verify] of allViews()) {
    const state = stateOf(view, verify);
    deciding.add(state);
    const move = ask(view, verify);
    if (move === state.move) continue;
    const seen = JSON.stringify({ ...view, verify });
    throw new Error(`The plan's move is ${move} where the table says ${state.move} (${state.name}): ${seen}`);
  }
  const idle = STATES.filter((state) => !deciding.has(state)).map(({ name }) => name);
  if (idle.length > 0) throw new Error(`No view is in the table's rows ${idle.join(", ")}`);
}
