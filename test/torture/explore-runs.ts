import type { SecretResult, Step } from "../../lib/ports.ts";
import { abandonSecret } from "../../lib/rotation/abandon.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import type { Body, Process } from "./explore-execution.ts";

export type Kind = "driven" | "managed" | "rollback" | "abandon";

const SECRET = "redis/orders";
const STEPS: readonly Step[] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/** Secrets Manager tries again more often than that. */
const ATTEMPTS = 2;

export function bodyOf(kind: Kind, name: string): Body {
  switch (kind) {
    case "driven":
      return driven;
    case "managed":
      return (process) => managed(process, `token-of-${name}`);
    case "rollback":
      return action((context) => rollbackSecret(context, SECRET));
    case "abandon":
      return action((context) => abandonSecret(context, SECRET, false));
  }
}

/** A rotation whatever the age of the secret. */
export const driven = action((context) => rotateSecret(context, SECRET, { intervalDays: 30, force: true }));

function action(act: (context: Context) => Promise<SecretResult>): Body {
  return (process) =>
    process.invoke("", async (context) => {
      const { status, error } = await act(context);
      return error === undefined ? status : `${status}: ${error.code}`;
    });
}

/** Secrets Manager calls the four steps, and once more from the first one where a step fails or its process dies. */
async function managed(process: Process, token: string): Promise<string> {
  const pending = String(await process.ask({ op: "rotateSecret", versionId: token }));
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1 && (await process.ask({ op: "isOver", versionId: pending }))) return "cancelled";
    if (await makeAllSteps(process, pending, attempt)) return "rotated";
  }
  return "failed";
}

async function makeAllSteps(process: Process, token: string, attempt: number): Promise<boolean> {
  for (const step of STEPS) {
    try {
      const request = { step, secretId: SECRET, token };
      await process.invoke(`${step} of ${token}, ${attempt}`, (context) => runStep(context, request));
    } catch {
      return false;
    }
  }
  return true;
}
