import type { SecretResult } from "../../lib/ports.ts";
import { NAME, type Rig } from "../rotation/rig.ts";

/** Looks at a world again and again, and remembers what was not as it must be. */
export interface HistoryWatch {
  look(): void;
  /** The operator has set or stored this password by hand: what it does is theirs. */
  allow(password: string): void;
  /** A run has ended: with an action's result, or with nothing where its steps passed. */
  hear(result: unknown): void;
  /** A run has failed or died, or somebody else has had a hand in it: what is left may be unfinished. */
  worry(): void;
  /** Once every run has ended: where nobody had anything to say, current must open Redis. */
  lookAtEnd(): void;
  /** The password that opens Redis. */
  live(): string;
  /** Whether current opens Redis and nothing is pending. */
  isSettled(): boolean;
  /** Undefined where all was well until now, and the world is settled. Names no password. */
  complaint(): string | undefined;
}

export function createHistoryWatch(rig: Rig): HistoryWatch {
  const flaws = new Set<string>();
  const byHand = new Set<string>();
  const onceLive = new Set<string>();
  const texts = new Map<string, string>();
  let isContent = true;

  function versions() {
    return rig.secretsManager.inspect(NAME).versions.flatMap(({ versionId, content, stages }) => {
      const text = content?.SecretString;
      return text === undefined
        ? []
        : [{ versionId, text, stages, password: String(JSON.parse(text).password) }];
    });
  }

  function look(): void {
    const all = versions();
    const live = [...all.map(({ password }) => password), ...byHand].find((password) => rig.opens(password));
    if (live === undefined) flaws.add("the password that opens Redis is in no version");
    else onceLive.add(live);
    for (const { versionId, text, stages, password } of all) {
      const before = texts.get(versionId);
      if (before === undefined) texts.set(versionId, text);
      else if (before !== text) flaws.add("a version has got another value");
      if (stages.includes("AWSCURRENT") && !onceLive.has(password) && !byHand.has(password)) {
        flaws.add("current names a password that Redis has never accepted");
      }
      if (!text.includes('"pager":7')) flaws.add("a field of the secret was lost");
    }
  }

  const isSettled = () => rig.at("AWSPENDING") === undefined && rig.opens(rig.passwordAt("AWSCURRENT"));

  look();
  return {
    look,
    isSettled,
    allow(password) {
      byHand.add(password);
      isContent = false;
    },
    hear(result) {
      const { status = "ok" } = (result ?? {}) as Partial<SecretResult>;
      if (!["rotated", "not-due", "ok"].includes(status)) isContent = false;
    },
    worry() {
      isContent = false;
    },
    lookAtEnd() {
      look();
      if (isContent && !rig.opens(rig.passwordAt("AWSCURRENT"))) {
        flaws.add("every run says that all is well, and current does not open Redis");
      }
    },
    live: () => [...onceLive].find((password) => rig.opens(password)) ?? "",
    complaint() {
      look();
      const [flaw] = flaws;
      if (flaw !== undefined) return flaw;
      return isSettled()
        ? undefined
        : "two undisturbed runs do not reach current = live with nothing pending";
    },
  };
}
