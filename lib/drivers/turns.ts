import { AsyncLocalStorage } from "node:async_hooks";

export interface Turns {
  /** Numbers whatever is done while `act` runs as later than all before it. */
  readonly next: <T>(act: () => Promise<T>) => Promise<T>;
  /** The number of what is being done. 0: of nothing that was numbered. */
  readonly current: () => number;
}

/** Tells the rotations of a run apart, wherever their calls are made. */
export function createTurns(): Turns {
  const storage = new AsyncLocalStorage<number>();
  let last = 0;
  return {
    next(act) {
      last += 1;
      return storage.run(last, act);
    },
    current: () => storage.getStore() ?? 0,
  };
}
