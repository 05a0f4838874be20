import { type SecretsManagerClient, SecretsManagerServiceException } from "@aws-sdk/client-secrets-manager";
import type { Clock } from "../../lib/ports.ts";
import { AwsApiError } from "../cloud/secrets-manager/aws-api-error.ts";
import { BrokenAnswer } from "../cloud/secrets-manager/faults.ts";

/** One attempt of one API call. */
export type Transport = (action: string, request: object) => Promise<object>;

/** What the driver takes from a command of the SDK. */
interface Command {
  readonly input: object;
  readonly middlewareStack: {
    resolve(
      innermost: (args: { readonly input: object }) => Promise<{ readonly output: object }>,
      context: object,
    ): (args: { readonly input: object }) => Promise<{ readonly output: object }>;
  };
}

const ATTEMPTS = 3;
const TIMEOUT_MS = 5_000;

/**
 * The SDK's client for the real driver, in virtual time: each command goes straight to `transport`, and is tried as often as the
 * SDK tries it. Each attempt passes the middleware that the driver has added.
 */
export function inMemoryAws(transport: Transport, clock: Clock): SecretsManagerClient {
  async function send(command: Command): Promise<object> {
    const action = command.constructor.name.replace(/Command$/, "");
    const attempt = command.middlewareStack.resolve(async ({ input }) => {
      try {
        return { output: withDates(await transport(action, input)) };
      } catch (error) {
        if (error instanceof BrokenAnswer && error.fault.kind === "hang") await clock.sleep(TIMEOUT_MS);
        throw asSdkError(error);
      }
    }, {});
    for (let tried = 1; ; tried += 1) {
      try {
        return (await attempt({ input: command.input })).output;
      } catch (error) {
        if (tried === ATTEMPTS || !isTriedAgain(error)) throw error;
        await clock.sleep(100 * 2 ** tried);
      }
    }
  }
  return { send } as unknown as SecretsManagerClient;
}

function withDates(answer: object): object {
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [
      name,
      name.endsWith("Date") ? new Date(Number(value) * 1_000) : value,
    ]),
  );
}

function asSdkError(error: unknown): unknown {
  if (error instanceof AwsApiError) {
    const { name, message, status } = error;
    const $fault = status >= 500 ? "server" : "client";
    const $metadata = { httpStatusCode: status, requestId: "00000000-0000-4000-8000-000000000000" };
    return new SecretsManagerServiceException({ name, message, $fault, $metadata });
  }
  if (!(error instanceof BrokenAnswer)) return error;
  const { fault } = error;
  switch (fault.kind) {
    case "hang":
      return Object.assign(new Error("timed out"), { name: "TimeoutError" });
    case "reset":
      return Object.assign(new Error("reset"), { code: "ECONNRESET" });
    case "status":
      return Object.assign(new SyntaxError("not JSON"), { $metadata: { httpStatusCode: fault.status } });
  }
}

function isTriedAgain(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  if (($metadata?.httpStatusCode ?? 0) >= 500) return true;
  if (error instanceof SecretsManagerServiceException) return /^Throttling|^TooMany/.test(error.name);
  return error.name === "TimeoutError" || "code" in error;
}
