import { setMaxListeners } from "node:events";
import type {
  $Command,
  SecretsManagerClient,
  SecretsManagerClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from "@aws-sdk/client-secrets-manager";
import pLimit from "p-limit";
import { isThrottling, mayBeDone, storeError } from "./aws-errors.ts";
import { proofsOf } from "./aws-proofs.ts";
import type { OnOutcome } from "./tencent-client.ts";

/** What paces the calls that change something: Secrets Manager takes 50 a second of all of them together. */
export interface Pace {
  readonly limiter: (key: string) => Promise<void>;
  readonly onThrottled: (key: string) => void;
}

/** The key of those calls. */
export const CHANGES = "secretsmanager/changes";

/** As many connections as the SDK opens. */
const MOST_AT_ONCE = 50;

/**
 * Sends a command. `what` names it in errors, its action first; `changes`: it may have an effect; `confidential`: no message may show it.
 *
 * @throws RotationError
 */
export type SecretsManagerCall = <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  what: string,
  command: $Command<Input, Output, SecretsManagerClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>,
  options?: { readonly changes?: boolean; readonly confidential?: readonly string[] },
) => Promise<Output>;

/** One call of AWS Secrets Manager, with its effect told where it fails. */
export function secretsManagerCalls({
  client,
  signal,
  onAnswer,
  onOutcome,
  pace,
}: {
  readonly client: SecretsManagerClient;
  readonly signal?: AbortSignal;
  readonly pace?: Pace | undefined;
  readonly onAnswer?: ((requestId: string) => void) | undefined;
  /** Told of how each call ended. */
  readonly onOutcome?: OnOutcome | undefined;
}): SecretsManagerCall {
  // Every call that is under way listens; more than ten look like a leak to Node, which would print a warning.
  if (signal !== undefined) setMaxListeners(0, signal);
  const places = pLimit(MOST_AT_ONCE);

  return async (what, command, { changes = false, confidential = [] } = {}) => {
    if (signal?.aborted) {
      throw storeError(signal.reason, { what, effect: "none", confidential, aborted: true });
    }
    // The SDK tries again by itself and shows the last failure only. An earlier attempt may have been carried out.
    let effect: "none" | "unknown" = "none";
    const proofs: string[] = [];
    command.middlewareStack.add(
      (next) => async (args) => {
        proofs.push(...proofsOf(args.request));
        try {
          return await next(args);
        } catch (error) {
          if (changes && mayBeDone(error)) effect = "unknown";
          if (changes && isThrottling(error)) pace?.onThrottled(CHANGES);
          throw error;
        }
      },
      { step: "deserialize", priority: "high" },
    );
    if (changes) await pace?.limiter(CHANGES);
    const name = `secretsmanager:${what.replace(/ .*/s, "")}`;
    try {
      const output = await places(() =>
        client.send(command, signal === undefined ? {} : { abortSignal: signal }),
      );
      const requestId = output.$metadata?.requestId;
      if (requestId !== undefined) onAnswer?.(requestId);
      onOutcome?.(name);
      return output;
    } catch (error) {
      const secrets = [...confidential, ...proofs];
      const failure = storeError(error, {
        what,
        effect,
        confidential: secrets,
        aborted: signal?.aborted ?? false,
      });
      onOutcome?.(name, failure);
      throw failure;
    }
  };
}
