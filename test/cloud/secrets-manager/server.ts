/** The local Secrets Manager over HTTP, as the AWS SDK speaks to it: JSON 1.1, Signature Version 4. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../lib/ports.ts";
import { type CallWatcher, DroppedCall, underWatch } from "../watched-call.ts";
import { AwsApiError } from "./aws-api-error.ts";
import { BrokenAnswer } from "./faults.ts";
import type { SecretsManager } from "./model.ts";
import { type Key, verifySigV4 } from "./sigv4.ts";
import type { Action } from "./wire.ts";

export interface SecretsManagerServerOptions {
  /** Judges how old a signature is: callers with the SDK sign by the real time. */
  readonly clock: Clock;
  /** Makes request ids. */
  readonly newId: () => string;
  /** By access key id. */
  readonly keys: Readonly<Record<string, Key>>;
  /** The store of a region, or undefined where the service is not offered there. */
  readonly inRegion: (region: string) => SecretsManager | undefined;
  /** On 127.0.0.1. Default: a free one. */
  readonly port?: number;
  readonly onCall?: CallWatcher | undefined;
}

export interface SecretsManagerServer {
  /** For the SDK's `endpoint` or AWS_ENDPOINT_URL_SECRETS_MANAGER. */
  readonly url: string;
  close(): Promise<void>;
}

const ACTIONS: Readonly<Record<Action, true>> = {
  CreateSecret: true,
  DescribeSecret: true,
  GetSecretValue: true,
  PutSecretValue: true,
  UpdateSecretVersionStage: true,
  RotateSecret: true,
  CancelRotateSecret: true,
  ListSecretVersionIds: true,
  ListSecrets: true,
  TagResource: true,
  DeleteSecret: true,
};

/** The service makes no token up: the SDK does. The value is the error's name where there is none. */
const NEEDS_TOKEN: Readonly<Record<string, string>> = {
  CreateSecret: "InvalidRequestException",
  PutSecretValue: "InvalidRequestException",
  RotateSecret: "InvalidParameterException",
};

export async function startSecretsManager(
  options: SecretsManagerServerOptions,
): Promise<SecretsManagerServer> {
  const { clock, newId, keys } = options;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = newId();
    const reply = (status: number, body: object, errorType?: string) => {
      response.writeHead(status, {
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-RequestId": requestId,
        // The SDK corrects its own clock by this.
        date: new Date(clock.now()).toUTCString(),
        ...(errorType !== undefined && { "x-amzn-ErrorType": errorType }),
      });
      response.end(JSON.stringify(body));
    };
    try {
      const body = await bodyOf(request);
      const { method = "", url = "/", headers } = request;
      const signed = { method, url, headers, body };
      const { region } = verifySigV4(signed, { keys, service: "secretsmanager", nowMs: clock.now() });
      const store = options.inRegion(region);
      if (store === undefined) throw new AwsApiError("UnrecognizedClientException", "No such region.");
      const action = actionOf(request);
      const parameters = parametersOf(body, action);
      const call = { callId: requestId, action };
      const act = () => store.call(action, parameters as never, requestId);
      reply(200, await underWatch(options.onCall, call, act));
    } catch (error) {
      if (error instanceof AwsApiError) {
        reply(error.status, { __type: error.name, Message: error.message }, error.name);
      } else if (error instanceof DroppedCall) {
        request.socket.destroy();
      } else if (!(error instanceof BrokenAnswer)) {
        reply(500, { __type: "InternalServiceError", Message: "An error occurred on the server side." });
      } else if (error.fault.kind === "reset") {
        request.socket.resetAndDestroy();
      } else if (error.fault.kind === "status") {
        response.writeHead(error.fault.status, { "content-type": "text/html" });
        response.end("<html><body>Made to fail.</body></html>");
      }
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

function actionOf(request: IncomingMessage): Action {
  const [, action = ""] = /^secretsmanager\.(\w+)$/.exec(String(request.headers["x-amz-target"])) ?? [];
  const json = request.headers["content-type"]?.startsWith("application/x-amz-json-1.1");
  if (request.method === "POST" && request.url === "/" && json && Object.hasOwn(ACTIONS, action)) {
    return action as Action;
  }
  throw new AwsApiError("UnknownOperationException", "The operation is not known.");
}

function parametersOf(body: Uint8Array, action: Action): Readonly<Record<string, unknown>> {
  let parameters: unknown;
  try {
    parameters = JSON.parse(Buffer.from(body).toString());
  } catch {
    parameters = undefined;
  }
  if (typeof parameters !== "object" || parameters === null) {
    throw new AwsApiError("SerializationException", "The body is not a JSON object.");
  }
  const fields = parameters as Readonly<Record<string, unknown>>;
  const missing = ["SecretId", "Name"].every((field) => typeof fields[field] !== "string");
  if (missing && action !== "ListSecrets") {
    throw new AwsApiError("ValidationException", "1 validation error detected: SecretId must not be null.");
  }
  const withoutToken = NEEDS_TOKEN[action];
  if (withoutToken !== undefined && typeof fields.ClientRequestToken !== "string") {
    throw new AwsApiError(
      withoutToken,
      "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
    );
  }
  return fields;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
