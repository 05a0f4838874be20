import type { CallMoment, CallWatcher } from "../cloud/watched-call.ts";

/** A moment in a run: the nth call of an action, before or after its effect. */
export interface CallPoint {
  readonly action: string;
  /** From 1. */
  readonly nth: number;
  readonly when: CallMoment["when"];
}

export const nameOf = ({ action, nth, when }: CallPoint): string => `${when} ${action} ${nth}`;

/** Reads `before ResetPassword 1`. */
export function pointNamed(name: string): CallPoint {
  const [when, action = "", nth] = name.split(" ");
  return { action, nth: Number(nth), when: when === "before" ? "before" : "after" };
}

interface PointWatcher {
  readonly onCall: CallWatcher;
  readonly reached: boolean;
}

/** Lets `act` decide what comes of the call at the point. All other calls go on, and none is counted afterwards. */
export function watchFor(point: CallPoint, act: () => Promise<boolean>): PointWatcher {
  let arrived = 0;
  let callId: string | undefined;
  let reached = false;
  return {
    get reached() {
      return reached;
    },
    async onCall(moment) {
      if (reached || moment.action !== point.action) return true;
      if (moment.when === "before") {
        arrived += 1;
        if (arrived === point.nth) callId = moment.callId;
      }
      if (moment.callId !== callId || moment.when !== point.when) return true;
      reached = true;
      return act();
    },
  };
}

/** Notes every call of a run, and tells both moments of each. */
export function recordPoints(): { readonly onCall: CallWatcher; points(): readonly CallPoint[] } {
  const points: CallPoint[] = [];
  const counts = new Map<string, number>();
  return {
    async onCall({ action, when }) {
      if (when === "after") return true;
      const nth = (counts.get(action) ?? 0) + 1;
      counts.set(action, nth);
      points.push({ action, nth, when: "before" }, { action, nth, when: "after" });
      return true;
    },
    points: () => points,
  };
}
