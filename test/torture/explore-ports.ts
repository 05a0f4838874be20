import { RotationError } from "../../lib/errors.ts";
import type {
  Clock,
  ControlPlane,
  Instance,
  Probe,
  ProbeVerdict,
  SecretStore,
  Stage,
  StoredVersion,
  Task,
} from "../../lib/ports.ts";
import { type Call, type Reply, START_MS } from "./explore-world.ts";

export interface ExploredPorts {
  readonly store: SecretStore;
  readonly controlPlane: ControlPlane;
  readonly probe: Probe;
  readonly clock: Clock;
}

/**
 * Sleeps last at least this long, as on a machine that is slow to wake: so each look also polls, and the patience of
 * every wait is a handful of looks.
 */
const NAP_MS = 15_000;

/** The ports over single calls: stage, promote and release are the two that they are at the service, and may be cut between. */
export function createPorts(ask: (call: Call, secretId: string) => Promise<Reply>): ExploredPorts {
  let nowMs = START_MS;

  async function answer<T>(call: Call, secretId = ""): Promise<T> {
    const reply = await ask(call, secretId);
    if ("value" in reply) return reply.value as T;
    const { code, effect } = reply.error;
    throw new RotationError(code, `${call.op}: ${code}`, { effect });
  }
  type Stored = {
    versionId: string;
    stages: readonly Stage[];
    createdAtMs: number;
    text: string;
    isStaged: boolean;
  };
  const dated = ({ createdAtMs, isStaged: _, ...version }: Stored): StoredVersion => ({
    ...version,
    createdAt: new Date(createdAtMs),
  });

  return {
    store: {
      async describe(secretId) {
        const description = await answer<object>({ op: "describe" }, secretId);
        return { secretId, name: secretId, rotationEnabled: false, versions: [], ...description };
      },
      async read(secretId, versionId) {
        const found = await answer<Stored | undefined>({ op: "read", versionId }, secretId);
        return found && dated(found);
      },
      async stage(secretId, { versionId, text, isPending = false }) {
        const found = await answer<Stored>({ op: "stage", versionId, text, isPending }, secretId);
        if (found.stages.length > 0 || !found.isStaged) return dated(found);
        await answer({ op: "label", versionId }, secretId);
        return dated({ ...found, stages: ["pending"] });
      },
      async promote(secretId, versionId, from) {
        await answer({ op: "moveCurrent", versionId, from }, secretId);
        await answer({ op: "release", versionId }, secretId);
      },
      async release(secretId, versionId) {
        await answer({ op: "unstage", versionId }, secretId);
        await answer({ op: "release", versionId }, secretId);
      },
    },
    controlPlane: {
      describeInstance: () => answer<Instance>({ op: "describeInstance" }),
      // Its answer is always the same: when it is given cannot matter.
      describePasswordPolicy: () => Promise.resolve(undefined),
      // The default account alone is explored: no rotation of it asks for these two.
      describeAccount: () => Promise.resolve(undefined),
      createAccount: () => Promise.reject(new Error("The default account is never made")),
      changePassword: (_account, { password }) => answer({ op: "changePassword", password }),
      describeTask: (_instance, taskId) => answer<Task>({ op: "describeTask", taskId }),
      newestPasswordTask: (_instance, since) => answer({ op: "newestTask", sinceMs: since.getTime() }),
    },
    async probe({ password }) {
      const reply = await ask({ op: "probe", password }, "");
      if ("value" in reply) return reply.value as ProbeVerdict;
      return { answer: "unknown", reason: "The connection timed out." };
    },
    clock: {
      now: () => nowMs,
      async sleep(durationMs) {
        await answer({ op: "sleep" });
        nowMs += Math.max(durationMs, NAP_MS);
      },
    },
  };
}
