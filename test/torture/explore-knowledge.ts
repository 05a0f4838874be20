import type { Moment } from "./explore-program.ts";
import type { Call, Reply } from "./explore-world.ts";

export const toKey = (reply: Reply): string => JSON.stringify(reply);

interface Answered {
  readonly call: Call;
  readonly callKey: string;
  readonly reply: Reply;
}

/**
 * What a run can know by now, as text: what it has changed and how that was answered, what it has heard since, and how
 * often it has slept. Two moments with the same knowledge are taken for one; the audit holds that against the code.
 */
export function knowledgeAt(moment: Moment): string {
  const done: string[] = [];
  const probes: string[] = [];
  const labels = new Map<string, string>();
  const values = new Map<string, string>();
  let instance = "";
  let task = "";
  let taskless = "";
  // Whether it has slept since it looked at the tasks, or at the labels; and how often while no task was running.
  let isDue = true;
  let isStale = false;
  let idle = 0;
  let looks = 0;

  for (const { call, callKey, reply } of answeredUntil(moment)) {
    const text = toKey(reply);
    if (call.op === "read" || call.op === "stage") values.set(call.versionId, valueIn(reply));
    if (call.op === "sleep") {
      idle = task.endsWith("running") || instance.includes("busy") ? 0 : idle + 1;
      [isDue, isStale] = [true, true];
      probes.length = 0;
      continue;
    }
    if (call.op === "probe") {
      probes.push(callKey, text);
      continue;
    }
    if (call.op === "describeInstance") {
      instance = text;
      continue;
    }
    if (call.op === "describeTask" || call.op === "newestTask") {
      isDue = false;
      const learnt = taskIn(reply);
      if (learnt === undefined) taskless = callKey + text;
      else [task, taskless] = [learnt, ""];
      continue;
    }
    [idle, isStale] = [0, false];
    probes.length = 0;
    if (call.op === "describe" || call.op === "read") {
      labels.set(callKey, text);
      looks += 1;
      continue;
    }
    labels.clear();
    // What came before the version was stored, or before it became current, is of no use any more.
    if ((call.op === "stage" || call.op === "moveCurrent") && "value" in reply) done.length = 0;
    // Another run's version: how the instance was before says nothing of it.
    if (call.op === "stage" && !text.includes(JSON.stringify(call.text))) instance = "";
    done.push(`${looks} ${callKey}`, text);
    looks = 0;
    if (call.op === "changePassword") {
      isDue = false;
      [instance, task, taskless] = ["", taskIn(reply) ?? "", ""];
    }
  }
  const heard = [[...values].sort(), [...labels].sort(), probes, instance, task, taskless];
  return JSON.stringify([moment.phase, moment.seen, done, heard, isDue, isStale, idle, looks]);
}

/** A task that was started or found is followed from then on. */
function taskIn(reply: Reply): string | undefined {
  const value = ("value" in reply ? (reply.value ?? {}) : {}) as { taskId?: number; state?: string };
  return value.taskId === undefined ? undefined : `${value.taskId} ${value.state ?? "running"}`;
}

/** A version without its labels: that much of it never changes. */
function valueIn(reply: Reply): string {
  const value = ("value" in reply ? (reply.value ?? {}) : {}) as { createdAtMs?: number; text?: string };
  return `${value.createdAtMs} ${value.text}`;
}

/** The calls and answers of the moment's process, in order. */
function answeredUntil(moment: Moment): readonly Answered[] {
  const answered: Answered[] = [];
  for (let at = moment; at.parent?.call !== undefined; at = at.parent) {
    const { reply, parent } = at;
    if (reply === undefined || reply === "died" || parent.phase !== moment.phase) break;
    answered.push({ call: at.parent.call, callKey: parent.callKey, reply });
  }
  return answered.reverse();
}
