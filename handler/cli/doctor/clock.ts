/** This machine's clock against the clouds', by which they judge signatures. */
import { type Check, type Finding, good, told } from "./checks.ts";

export type Cloud = "Tencent Cloud" | "AWS";

/** How far this machine's clock is ahead of each cloud's, in milliseconds, as far as an answer has told. */
export type Clocks = Partial<Record<Cloud, number>>;

/** Both clouds refuse a signature that is older or newer than this: TC3, and Secrets Manager. */
const REFUSED_MS = 300_000;
const WARN_MS = 60_000;
/** Of less nobody can be sure: the answer's date has whole seconds, and an answer takes a while. */
const UNSURE_MS = 2_000;

export function clockCheck(cloud: Cloud, aheadMs: number | undefined): Check {
  return told("clock", cloud, clockFinding(cloud, aheadMs));
}

function clockFinding(cloud: Cloud, aheadMs: number | undefined): Finding {
  if (aheadMs === undefined) return { status: "unknown", found: "no endpoint has answered with its time" };
  const offMs = Math.abs(aheadMs);
  if (offMs < UNSURE_MS) return good(`this machine's clock is right, to ${UNSURE_MS / 1000} s`);
  const off = `this machine's clock is ${Math.round(offMs / 1000)} s ${aheadMs > 0 ? "ahead" : "behind"}`;
  if (offMs < WARN_MS) return good(off);
  const limit = offMs < REFUSED_MS ? `from ${REFUSED_MS / 1000} s on` : "that far off";
  const then = cloud === "AWS" ? ", and the SDK has to sign each first one anew" : "";
  return {
    status: "bad",
    found: `${off}; ${limit} ${cloud} refuses its signatures${then}`,
    fix: "Set it by the network's time, such as with timedatectl set-ntp true or chronyc makestep.",
  };
}
