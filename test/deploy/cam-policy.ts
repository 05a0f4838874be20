import { readFile } from "node:fs/promises";

/** A policy of Tencent Cloud's CAM, as JSON has it. */
export interface CamPolicy {
  readonly version: string;
  readonly statement: readonly CamStatement[];
}

export interface CamStatement {
  readonly effect: string;
  readonly action: string | readonly string[];
  readonly resource?: string | readonly string[];
  readonly principal?: unknown;
}

/** One of deploy/scf/policies, such as `function`. */
export async function readPolicy(name: string): Promise<CamPolicy> {
  return JSON.parse(await readFile(`deploy/scf/policies/${name}.json`, "utf8"));
}

export function actionsOf({ action }: CamStatement): string[] {
  return [action].flat().map((each) => each.replace(/^name\//, ""));
}

/** What a policy allows, each action once and in order: `redis:ResetPassword`. What it denies is taken away. */
export function actionsGranted({ statement }: CamPolicy): string[] {
  const of = (effect: string) => statement.filter((each) => each.effect === effect).flatMap(actionsOf);
  const denied = new Set(of("deny"));
  return [...new Set(of("allow"))].filter((action) => !denied.has(action)).sort();
}
