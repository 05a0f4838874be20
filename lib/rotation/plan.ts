import type { Instance, Task } from "../ports.ts";

/** Which password opens Redis, by probe. `other`: not the pending one. `unknown`: Redis could not be asked. */
export type Live = "pending" | "other" | "unknown";

/** Whether the new password must be proven by AUTH, or the word of a succeeded task is enough where AUTH has no path. */
export type Verify = "auth" | "task";

/** What is seen of one rotation. Nothing of it is stored beside the secret: it is looked up, each time anew. */
export interface View {
  /** The id of the current version, where the run has asked for it. */
  readonly current?: string;
  /** The id of the pending version; absent also where that has no value yet. */
  readonly pending?: string;
  readonly live: Live;
  /** The newest password task since the pending version was made. */
  readonly task?: Task["state"];
  readonly instance: Instance["state"];
}

export type Move =
  | "createSecret"
  | "setSecret"
  | "testSecret"
  | "finishSecret"
  | "wait"
  | "hold"
  | "done"
  | "fail";

/** What to do next, from what is seen and nothing else. The first row that fits decides. */
export function plan(view: View, verify: Verify): Move {
  const { current, pending, live, task, instance } = view;
  if (pending !== undefined && pending === current) return "done";
  if (instance === "gone") return "fail";
  if (pending === undefined) return "createSecret";
  if (live === "pending") return "testSecret";
  if (task === "running" || instance === "busy") return "wait";
  // A password that cannot be proven is not sent: clients would be locked out until somebody restores the path.
  if (live === "unknown" && verify === "auth") return "hold";
  if (task === "succeeded") return live === "unknown" ? "finishSecret" : "hold";
  return "setSecret";
}
