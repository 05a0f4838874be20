/** The local SQS over HTTP: AWS JSON 1.0, Signature Version 4, the one action that the function calls. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../../../lib/ports.ts";
import { listen } from "../listen.ts";
import { AwsApiError } from "../secrets-manager/aws-api-error.ts";
import { type Key, verifySigV4 } from "../secrets-manager/sigv4.ts";
import type { Sqs } from "./model.ts";

export interface SqsServerOptions {
  /** Judges how old a signature is. */
  readonly clock: Clock;
  /** Makes request ids. */
  readonly newId: () => string;
  /** By access key id. A key without the permission may sign, and is denied. */
  readonly keys: Readonly<Record<string, Key & { readonly maySend?: boolean }>>;
  readonly sqs: Sqs;
}

export interface SqsServer {
  /** For AWS_ENDPOINT_URL_SQS. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startSqs({ clock, newId, keys, sqs }: SqsServerOptions): Promise<SqsServer> {
  function carryOut(request: IncomingMessage, body: Buffer): object {
    const { method = "", url = "/", headers } = request;
    const { region } = verifySigV4(
      { method, url, headers, body },
      { keys, service: "sqs", nowMs: clock.now() },
    );
    if (region !== sqs.region) throw coral("InvalidSignatureException", "Credential is of another region.");
    const json = headers["content-type"] === "application/x-amz-json-1.0";
    if (method !== "POST" || !json || headers["x-amz-target"] !== "AmazonSQS.SendMessageBatch") {
      throw coral("UnknownOperationException", "The operation is not known.");
    }
    const [, accessKeyId = ""] = /Credential=([^/]+)\//.exec(headers.authorization ?? "") ?? [];
    const fields: Readonly<Record<string, unknown>> = JSON.parse(body.toString());
    if (keys[accessKeyId]?.maySend === false) {
      const resource = `arn:aws:sqs:${region}:${new URL(String(fields.QueueUrl)).pathname.slice(1).replace("/", ":")}`;
      const text = `is not authorized to perform: sqs:sendmessage on resource: ${resource}`;
      throw coral("AccessDeniedException", `User: arn:aws:sts::123456789012:assumed-role/x ${text}`);
    }
    return sqs.sendMessageBatch(fields);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const reply = (status: number, body: object) =>
      response
        .writeHead(status, { "content-type": "application/x-amz-json-1.0", "x-amzn-RequestId": newId() })
        .end(JSON.stringify(body));
    try {
      reply(200, carryOut(request, Buffer.concat(chunks)));
    } catch (error) {
      if (!(error instanceof AwsApiError)) throw error;
      const { name, message, status } = error;
      reply(status, { __type: name.includes("#") ? name : coral(name, "").name, message });
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(500).end("A defect of the local cloud");
    });
  });
  const { port, close } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    close,
  };
}

/** What the services have in common has another name space. */
function coral(name: string, message: string): AwsApiError {
  return new AwsApiError(`com.amazon.coral.service#${name}`, message);
}
