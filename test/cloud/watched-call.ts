/** A call that has reached the cloud, as its watcher is told of it twice: before its effect, and after it. */
export interface CallMoment {
  /** The same at both moments of a call. */
  readonly callId: string;
  /** The API's action, or `AUTH` for a connection to a Redis. */
  readonly action: string;
  readonly when: "before" | "after";
}

/** Holds the call for as long as it takes, and says whether it goes on. If not, nothing more comes of it: no answer. */
export type CallWatcher = (moment: CallMoment) => Promise<boolean>;

/** Thrown in place of an answer: the front drops the connection. */
export class DroppedCall extends Error {
  override readonly name = "DroppedCall";
}

/** Carries a call out under the eyes of its watcher. A refusal is an effect, too. @throws DroppedCall, and what `effect` throws */
export async function underWatch<T>(
  watcher: CallWatcher | undefined,
  call: Omit<CallMoment, "when">,
  effect: () => T | Promise<T>,
): Promise<T> {
  if (watcher === undefined) return effect();
  const goOn = async (when: CallMoment["when"]) => {
    if (!(await watcher({ ...call, when }))) throw new DroppedCall(`${call.action} is dropped on purpose`);
  };
  await goOn("before");
  const [outcome] = await Promise.allSettled([(async () => effect())()]);
  await goOn("after");
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}
