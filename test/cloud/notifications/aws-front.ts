/** An AWS service of one region over HTTP: whoever asks has signed, and is answered in the service's own protocol. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../../../lib/ports.ts";
import { listen } from "../listen.ts";
import { AwsApiError } from "../secrets-manager/aws-api-error.ts";
import { type Key, verifySigV4 } from "../secrets-manager/sigv4.ts";

export interface AwsFrontOptions {
  /** Judges how old a signature is. */
  readonly clock: Clock;
  /** Makes request ids. */
  readonly newId: () => string;
  /** By access key id. `allows`: the actions that it may take; default: all. */
  readonly keys: Readonly<Record<string, Key & { readonly allows?: readonly string[] }>>;
  readonly region: string;
}

export interface AwsProtocol {
  readonly service: string;
  readonly contentType: string;
  /** Throws AwsApiError for what is refused. `allows`: whether the signer may take an action. */
  readonly carryOut: (call: AwsCall) => string;
  readonly renderError: (error: AwsApiError, requestId: string) => string;
}

export interface AwsCall {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly requestId: string;
  readonly allows: (action: string) => boolean;
}

export interface AwsFront {
  /** For AWS_ENDPOINT_URL_…. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startAwsFront(options: AwsFrontOptions, protocol: AwsProtocol): Promise<AwsFront> {
  const { clock, keys, newId, region: served } = options;
  const { service, contentType } = protocol;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const requestId = newId();
    const reply = (status: number, text: string) =>
      response.writeHead(status, { "content-type": contentType, "x-amzn-RequestId": requestId }).end(text);
    try {
      const { method = "", url = "/", headers } = request;
      const { region } = verifySigV4({ method, url, headers, body }, { keys, service, nowMs: clock.now() });
      if (region !== served)
        throw new AwsApiError("InvalidSignatureException", "Credential is of another region.");
      const [, keyId = ""] = /Credential=([^/]+)\//.exec(headers.authorization ?? "") ?? [];
      const allows = (action: string) => keys[keyId]?.allows?.includes(action) ?? true;
      reply(200, protocol.carryOut({ headers, body: body.toString(), requestId, allows }));
    } catch (error) {
      if (!(error instanceof AwsApiError)) throw error;
      reply(error.status, protocol.renderError(error, requestId));
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
