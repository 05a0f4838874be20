import type { Clock } from "../ports.ts";
import type { SsmState } from "./ssm-versions.ts";

/** For how long a look stands for what a version's value is, which never changes, and for what is about to be looked at again. */
const RECENT_MS = 2_000;
const MOST_RECENT = 500;

/** The last look of each secret: it costs up to three calls, and SSM takes 40 a second of one of them. */
export function recentLooks(clock: Clock) {
  const looks = new Map<string, { readonly state: SsmState; readonly atMs: number }>();
  const find = (secretId: string): SsmState | undefined => {
    const look = looks.get(secretId);
    return look && clock.now() - look.atMs < RECENT_MS ? look.state : undefined;
  };
  return {
    find,
    keep(secretId: string, state: SsmState) {
      if (looks.size >= MOST_RECENT) looks.clear();
      looks.set(secretId, { state, atMs: clock.now() });
    },
    /** Before a change: what was seen must not be taken for what is there afterwards. */
    take(secretId: string): SsmState | undefined {
      const state = find(secretId);
      looks.delete(secretId);
      return state;
    },
  };
}
