import { isDeepStrictEqual as same } from "node:util";
import * as v from "valibot";
import type { TencentClient } from "../../lib/drivers/tencent-client.ts";
import type { Clock } from "../../lib/ports.ts";
import type { CodeZip } from "./code-zip.ts";
import { type Params, type ReportedCall, secretsIn, withoutContent } from "./reported-call.ts";
import { DeployFailure, isBusyFunction } from "./scf-errors.ts";
import { type FunctionState, scfFunctions } from "./scf-functions.ts";
import { checkVariables, fromEnvironment, toEnvironment, type Variables, withThese } from "./variables.ts";

/** What is wanted. What is left out stays as it is; for a new function it gets its default. */
export interface Wanted {
  readonly functionName: string;
  readonly code: CodeZip;
  /** Default for a new function: {@link RUNTIME}. SCF changes the runtime of none. */
  readonly runtime?: string | undefined;
  /** Name of the CAM role. A new function needs one. */
  readonly role?: string | undefined;
  readonly vpc?: { readonly VpcId: string; readonly SubnetId: string } | undefined;
  /** Added to those that the function has, but for a fleet that is now named in another way. */
  readonly variables: Variables;
  /** Seven fields, seconds first, in UTC+8. Default: each full hour. */
  readonly schedule?: string | undefined;
}

export interface DeployOptions {
  /** For the service `scf`, version 2018-04-16, in the function's region. */
  readonly client: TencentClient;
  readonly clock: Clock;
  /** Reads, and tells what it would change. */
  readonly dryRun: boolean;
  /** Told of each change before it is made. */
  readonly onCall: (call: ReportedCall) => void;
}

export const HANDLER = "index.main_handler";
export const RUNTIME = "Nodejs20.19";
export const MEMORY_MEGABYTES = 256;
export const TIMEOUT_SECONDS = 900;
export const TIMER = "rotation";
export const SCHEDULE = "0 0 * * * * *";
/** SCF's own defaults, set all the same: an interrupted rotation is carried on by a retry, a minute later. */
export const RETRY_POLICY = { RetryConfig: [{ RetryNum: 2 }], MsgTTL: 21_600 } as const;

const POLL_MS = 1_000;
const PATIENCE_MS = 300_000;
const BUSY_TRIES = 5;

/**
 * Makes the function, or makes of the one that is there what is wanted: looks, and changes only what differs. It stops at
 * the first error and leaves nothing that the next run does not find and carry on.
 *
 * @throws DeployFailure; RotationError, and as its kind ApiRefusal what SCF refuses
 */
export async function deploy(wanted: Wanted, options: DeployOptions): Promise<void> {
  const { client, clock, dryRun, onCall } = options;
  const { functionName: FunctionName, code, runtime, role, vpc, schedule } = wanted;
  const functions = scfFunctions(client, FunctionName);

  async function change(action: string, params: Params): Promise<void> {
    const all = { FunctionName, ...params };
    onCall({ action, params: withoutContent(all) });
    if (dryRun) return;
    const call = { action, params: all, answer: v.unknown(), change: true, secrets: secretsIn(all) };
    for (let tried = 1; ; tried++) {
      try {
        await client(call);
        return;
      } catch (error) {
        if (!isBusyFunction(error) || tried === BUSY_TRIES) throw error;
        await clock.sleep(POLL_MS);
        await settled();
      }
    }
  }

  /** The function when no change of it is under way, or undefined where there is none. */
  async function settled(): Promise<FunctionState | undefined> {
    const untilMs = clock.now() + PATIENCE_MS;
    for (;;) {
      const state = await functions.describe();
      if (state === undefined || !/^(Creating|Updating|Publishing|Deleting)$/.test(state.Status))
        return state;
      if (clock.now() >= untilMs)
        throw failure(
          `it has been ${state.Status} for ${PATIENCE_MS / 1_000} s, run this again when it is done`,
        );
      await clock.sleep(POLL_MS);
    }
  }

  async function changeAndWait(action: string, params: Params): Promise<void> {
    await change(action, params);
    if (dryRun) return;
    const state = await settled();
    if (state?.Status === "Active") return;
    const reason = state?.StatusReasons?.[0]?.ErrorMessage ?? "no reason given";
    throw failure(`after ${action} it is ${state?.Status ?? "gone"} (${reason}), run this again`);
  }

  async function create(): Promise<void> {
    if (role === undefined) throw failure("it is new and needs a role, give one with --role");
    checkVariables(wanted.variables);
    await changeAndWait("CreateFunction", {
      Type: "Event",
      Runtime: runtime ?? RUNTIME,
      Handler: HANDLER,
      Code: { ZipFile: base64(code) },
      Description: "Rotates the passwords of TencentDB for Redis",
      MemorySize: MEMORY_MEGABYTES,
      Timeout: TIMEOUT_SECONDS,
      Role: role,
      // The API of TencentDB is on the public network. With a VPC alone, a function has no way there.
      PublicNetConfig: { PublicNetStatus: "ENABLE", EipConfig: { EipStatus: "DISABLE" } },
      ...(vpc && { VpcConfig: vpc }),
      ...(Object.keys(wanted.variables).length > 0 && { Environment: toEnvironment(wanted.variables) }),
    });
  }

  async function update(found: FunctionState): Promise<void> {
    if (found.Runtime !== (runtime ?? found.Runtime) || !runsBundle(found.Runtime)) {
      throw failure(
        `its runtime is ${found.Runtime} and SCF changes none, delete it or deploy under another name`,
      );
    }
    const variables = withThese(fromEnvironment(found.Environment), wanted.variables);
    checkVariables(variables);
    // Nobody knows what a failed update has left.
    const all = found.Status === "UpdateFailed";
    if (all || found.Handler !== HANDLER || !isCode(await functions.codeSha256(), code)) {
      await changeAndWait("UpdateFunctionCode", { Handler: HANDLER, Code: { ZipFile: base64(code) } });
    }
    const differences = {
      ...((found.MemorySize ?? 0) < MEMORY_MEGABYTES && { MemorySize: MEMORY_MEGABYTES }),
      ...(found.Timeout !== TIMEOUT_SECONDS && { Timeout: TIMEOUT_SECONDS }),
      ...(role !== undefined && found.Role !== role && { Role: role }),
      ...(vpc && !same(vpc, found.VpcConfig) && { VpcConfig: vpc }),
      ...(!same(variables, fromEnvironment(found.Environment)) && { Environment: toEnvironment(variables) }),
    };
    const again = all ? { Timeout: TIMEOUT_SECONDS } : {};
    if (Object.keys({ ...differences, ...again }).length > 0) {
      await changeAndWait("UpdateFunctionConfiguration", { ...again, ...differences });
    }
  }

  const fields = schedule?.trim().split(/\s+/).length ?? 7;
  if (fields !== 7)
    throw failure(`its schedule has ${fields} fields and SCF takes seven, give seconds first`);

  let found = await settled();
  if (found?.Status === "CreateFailed") {
    await change("DeleteFunction", {});
    if (!dryRun && (await settled()) !== undefined)
      throw failure("it could not be made and cannot be deleted, do it in the console");
    found = undefined;
  }
  if (found === undefined) await create();
  else await update(found);

  // Where it is only said what would be done, a new function is not there to be asked. It will have the defaults.
  const isThere = found !== undefined || !dryRun;
  if (isThere && !same(await functions.retryPolicy(), RETRY_POLICY)) {
    await change("UpdateFunctionEventInvokeConfig", { AsyncTriggerConfig: RETRY_POLICY });
  }
  const timer = isThere ? await functions.timer(TIMER) : undefined;
  const wish = { TriggerName: TIMER, Type: "timer", TriggerDesc: schedule ?? SCHEDULE, Enable: "OPEN" };
  if (timer === undefined) {
    await change("CreateTrigger", { ...wish, Qualifier: "$DEFAULT" });
  } else if (schedule !== undefined && !(timer.cron === schedule && timer.enabled)) {
    // In one step: no moment is without a timer.
    await change("UpdateTrigger", { ...wish, Qualifier: timer.qualifier });
  }

  function failure(problem: string): DeployFailure {
    return new DeployFailure(`Function ${FunctionName}: ${problem}.`);
  }
}

/** The bundle needs Node.js 20.19. */
function runsBundle(runtime: string | null | undefined): boolean {
  const [, major, minor] = /^Nodejs(\d+)\.(\d+)$/.exec(runtime ?? "") ?? [];
  return Number(major) > 20 || (major === "20" && Number(minor) >= 19);
}

function base64({ bytes }: CodeZip): string {
  return Buffer.from(bytes).toString("base64");
}

/** The documents do not say how the digest is written. */
function isCode(told: string | undefined, { sha256 }: CodeZip): boolean {
  return told?.toLowerCase() === sha256 || told === Buffer.from(sha256, "hex").toString("base64");
}
