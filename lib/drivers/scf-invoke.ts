import * as v from "valibot";
import { asRotationError } from "../errors.ts";
import type { HandOver } from "../ports.ts";
import { object } from "../schemas.ts";
import { withGrant } from "./grant.ts";
import { handOverGroups } from "./hand-over.ts";
import { createTencentClient, type TencentConnection } from "./tencent-client.ts";
import { type ApiErrorTable, COMMON_API_ERRORS } from "./tencent-errors.ts";

export interface ScfInvokeOptions extends TencentConnection {
  /** Region of the function. */
  readonly region: string;
  readonly functionName: string;
  readonly namespace: string;
  /** Version or alias. Default: `$LATEST`. */
  readonly qualifier?: string | undefined;
  /** Secrets of one invocation, at most. With names of 128 characters some 900 fit into the event. */
  readonly size: number;
  /** Calls under way at the same time. Default 10. */
  readonly concurrency?: number;
}

const invoked = object({ Result: object({ FunctionRequestId: v.string() }) });

/** What SCF refuses in its own words, such as `ResourceNotFound.Function`, it refuses for good. */
const INVOKE_ERRORS: ApiErrorTable = new Map(COMMON_API_ERRORS);

/**
 * Hands secrets over to asynchronous invocations of a function on Tencent Cloud SCF (API version 2018-04-16, Invoke: document
 * 583/17243). Each gets a timer's event, so that the function throws where a secret fails, and SCF repeats it. An invocation
 * that may have been taken is sent again as well: a second one finds the secrets rotated, or joins their rotations.
 *
 * @throws RotationError `ConfigurationInvalid` where the region or the endpoint URL is not acceptable; what is called then
 *   throws `AccessDenied`, `CredentialsMissing`, `CredentialsRejected`, `RequestRefused`, `Throttled`, `CloudUnavailable`,
 *   `CloudUnreachable`, `NoAnswer`, `InProgress`, saying how many secrets were not taken; the effect is always `none`
 */
export function scfInvoke(options: ScfInvokeOptions): HandOver {
  const { clock, functionName, namespace, qualifier, size, concurrency = 10 } = options;
  const client = createTencentClient({
    ...options,
    service: "scf",
    version: "2018-04-16",
    errors: INVOKE_ERRORS,
  });

  const grant = `the role scf:InvokeFunction and scf:Invoke on the function ${functionName}`;

  const invoke = (secrets: readonly string[]) =>
    client({
      action: "Invoke",
      params: {
        FunctionName: functionName,
        Namespace: namespace,
        InvocationType: "Event",
        ...(qualifier !== undefined && { Qualifier: qualifier }),
        ClientContext: JSON.stringify({
          Type: "Timer",
          TriggerName: "fan-out",
          Time: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z"),
          Message: JSON.stringify({ action: "rotate", secrets }),
        }),
      },
      answer: invoked,
      // It does, but nothing that must not happen twice.
      change: false,
    });

  return (secretIds) =>
    handOverGroups({
      secretIds,
      size,
      concurrency,
      settle: (left) =>
        invoke(left).then(
          () => undefined,
          (thrown: unknown) => {
            const error = asRotationError(thrown);
            return { left, error: error.code === "AccessDenied" ? withGrant(error, grant) : error };
          },
        ),
    });
}
