import type { Effect, ErrorCode } from "../../lib/errors.ts";
import type { Instance, Stage } from "../../lib/ports.ts";
import { isBusy, taskAnswer } from "./explore-tasks.ts";

/** One secret and one instance, as a value: a call makes another world and leaves this one as it is. */
export interface World {
  readonly versions: readonly WorldVersion[];
  readonly rotationEnabled: boolean;
  /** The version that was stored last by a run, and not released: it may become pending. */
  readonly staged?: string;
  /** The password that opens Redis. */
  readonly live: string;
  /** Every password that has opened Redis so far, sorted. */
  readonly accepted: readonly string[];
  /** Oldest first. At most one runs at a time; the others wait for it. */
  readonly tasks: readonly WorldTask[];
  /** Passwords that the API refuses for good. */
  readonly refused: readonly string[];
}

export interface WorldVersion {
  readonly id: string;
  readonly text?: string;
  readonly password?: string;
  readonly stages: readonly Stage[];
  readonly createdAtMs: number;
}

export interface WorldTask {
  readonly password: string;
  /** `changed`: Redis has the password already, the task still runs. */
  readonly state: "waiting" | "running" | "changed" | "succeeded" | "failed";
  readonly startedAtMs: number;
}

export interface Laws {
  /** What ResetPassword does while a task runs: nobody documents it, so both are explored. */
  readonly whileBusy: "refuse" | "queue";
  /** Between two things made (versions, tasks). 0: each task counts as newer than each version. */
  readonly stepMs: number;
}

/** What leaves a run: a call to the far end, or a sleep. */
export type Call =
  | { readonly op: "describe" | "describeInstance" | "sleep" }
  | { readonly op: "read" | "release" | "unstage" | "label"; readonly versionId: string }
  | {
      readonly op: "stage";
      readonly versionId: string;
      readonly text: string;
      readonly isPending: boolean;
    }
  | { readonly op: "moveCurrent"; readonly versionId: string; readonly from: string }
  | { readonly op: "changePassword" | "probe"; readonly password: string }
  | { readonly op: "describeTask"; readonly taskId: number }
  | { readonly op: "newestTask"; readonly sinceMs: number }
  /** What Secrets Manager does itself around a managed run. */
  | { readonly op: "rotateSecret" | "isOver"; readonly versionId: string };

export type Reply =
  | { readonly value: unknown }
  | { readonly error: { readonly code: ErrorCode; readonly effect: Effect } };

export const START_MS = Date.UTC(2026, 0, 2);

/** A secret with one version that opens Redis, and `withPrevious` another one that no longer does. */
export function firstWorld(text: string, withPrevious = false): World {
  const password = passwordIn(text);
  const previous = text.replace(password, `${password}-before`);
  const current: WorldVersion = { id: "v0", text, password, stages: ["current"], createdAtMs: START_MS };
  const before: WorldVersion = {
    id: "v-1",
    text: previous,
    password: passwordIn(previous),
    stages: ["previous"],
    createdAtMs: START_MS,
  };
  return {
    versions: withPrevious ? [before, current] : [current],
    rotationEnabled: false,
    live: password,
    accepted: withPrevious ? [password, passwordIn(previous)] : [password],
    tasks: [],
    refused: [],
  };
}

export function versionAt(world: World, stage: Stage): WorldVersion | undefined {
  return world.versions.find(({ stages }) => stages.includes(stage));
}

/** Carries one call out, at once and as a whole. */
export function carryOut(world: World, call: Call, laws: Laws): readonly [World, Reply] {
  const answer = (value: unknown, next = world) => [next, { value }] as const;
  const refuse = (code: ErrorCode) => [world, { error: { code, effect: "none" } }] as const;
  const now = nowIn(world, laws);
  switch (call.op) {
    case "describe": {
      const { rotationEnabled } = world;
      const versions = world.versions
        .filter(({ stages }) => stages.length > 0)
        .map(({ id, stages }) => ({ versionId: id, stages }));
      return answer({ rotationEnabled, versions });
    }
    case "read":
      return answer(stored(world, call.versionId));
    case "stage": {
      const { versionId, text, isPending } = call;
      const known = world.versions.find(({ id }) => id === versionId);
      if (known?.text !== undefined) return answer(stored(world, versionId));
      const made = {
        id: versionId,
        stages: [],
        createdAtMs: now,
        ...known,
        text,
        password: passwordIn(text),
      };
      const versions = known
        ? world.versions.map((version) => (version === known ? made : version))
        : [...world.versions, made];
      const next = isPending
        ? { ...world, versions: attach(versions, versionId, "pending") }
        : { ...world, versions, staged: versionId };
      return answer(stored(next, versionId), next);
    }
    case "label": {
      const { versionId } = call;
      const pending = versionAt(world, "pending");
      const isLeftOver = pending?.stages.includes("current");
      if (pending !== undefined && pending.id !== versionId && !isLeftOver) return refuse("StoreConflict");
      return answer(undefined, { ...world, versions: attach(world.versions, versionId, "pending") });
    }
    case "unstage": {
      const { staged, ...rest } = world;
      return answer(undefined, staged === call.versionId ? rest : world);
    }
    case "moveCurrent": {
      const { versionId, from } = call;
      if (!world.versions.some(({ id }) => id === versionId)) return refuse("StoreRefused");
      const current = versionAt(world, "current")?.id;
      if (current === versionId) return answer(undefined);
      if (current !== from) return refuse("StoreConflict");
      const moved = attach(world.versions, versionId, "current");
      return answer(undefined, { ...world, versions: attach(moved, from, "previous") });
    }
    case "release":
      return answer(undefined, { ...world, versions: detach(world.versions, call.versionId, "pending") });
    case "describeInstance": {
      const state: Instance["state"] = isBusy(world) ? "busy" : "running";
      return answer({ state, host: "10.0.0.5", port: 6379, passwordFree: false, edition: "redis" });
    }
    case "changePassword": {
      const { password } = call;
      if (world.refused.includes(password)) return refuse("PasswordRefused");
      if (isBusy(world) && laws.whileBusy === "refuse") return refuse("InstanceBusy");
      const task: WorldTask = { password, state: isBusy(world) ? "waiting" : "running", startedAtMs: now };
      return answer({ taskId: world.tasks.length }, { ...world, tasks: [...world.tasks, task] });
    }
    case "describeTask":
      return world.tasks[call.taskId] === undefined
        ? refuse("RequestRefused")
        : answer(taskAnswer(world, call.taskId));
    case "newestTask": {
      const newest = world.tasks.findLastIndex(({ startedAtMs }) => startedAtMs >= call.sinceMs);
      return answer(newest < 0 ? undefined : taskAnswer(world, newest));
    }
    case "probe":
      return answer({ answer: call.password === world.live ? "accepted" : "rejected" });
    case "sleep":
      return answer(undefined);
    case "rotateSecret": {
      const pending = versionAt(world, "pending");
      // A rotation that is not complete is tried again instead.
      if (pending !== undefined && !pending.stages.includes("current")) return answer(pending.id);
      const placeholder = { id: call.versionId, stages: [], createdAtMs: now };
      const versions = attach([...world.versions, placeholder], call.versionId, "pending");
      return answer(call.versionId, { ...world, versions, rotationEnabled: true });
    }
    case "isOver":
      return answer(versionAt(world, "pending")?.id !== call.versionId);
  }
}

/** Time goes on with each thing that is made. */
export function nowIn(world: World, laws: Laws): number {
  return START_MS + (world.versions.length + world.tasks.length) * laws.stepMs;
}

function stored(world: World, versionId: string) {
  const found = world.versions.find(({ id }) => id === versionId);
  if (found?.text === undefined) return undefined;
  const { stages, createdAtMs, text } = found;
  return { versionId, stages, createdAtMs, text, isStaged: world.staged === versionId };
}

function attach(versions: readonly WorldVersion[], versionId: string, stage: Stage): readonly WorldVersion[] {
  return versions.map((version) => {
    const others = version.stages.filter((label) => label !== stage);
    return { ...version, stages: version.id === versionId ? [...others, stage].sort() : others };
  });
}

function detach(versions: readonly WorldVersion[], versionId: string, stage: Stage): readonly WorldVersion[] {
  return versions.map((version) =>
    version.id === versionId
      ? { ...version, stages: version.stages.filter((label) => label !== stage) }
      : version,
  );
}

function passwordIn(text: string): string {
  try {
    return (JSON.parse(text) as { password: string }).password;
  } catch {
    return text;
  }
}
