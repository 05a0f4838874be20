/** The local AWS STS over HTTP: the query protocol, a form and XML, with Signature Version 4. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../../../lib/ports.ts";
import { listen } from "../listen.ts";
import { AwsApiError } from "../secrets-manager/aws-api-error.ts";
import { type Key, verifySigV4 } from "../secrets-manager/sigv4.ts";
import { type CallWatcher, DroppedCall, underWatch } from "../watched-call.ts";
import type { AwsSts, IssuedToken, Principal } from "./aws-sts.ts";

export interface AwsStsServerOptions {
  /** Judges how old a signature is. */
  readonly clock: Clock;
  /** Makes request ids. */
  readonly newId: () => string;
  /** By access key id. */
  readonly keys: Readonly<Record<string, Key & { readonly principal: Principal }>>;
  readonly sts: AwsSts;
  /** The only one that is served. */
  readonly region: string;
  readonly onCall?: CallWatcher | undefined;
}

export interface AwsStsServer {
  /** For AWS_ENDPOINT_URL_STS. */
  readonly url: string;
  close(): Promise<void>;
}

/** The names that the query protocol has for what a signature can lack. */
const QUERY_NAMES: Readonly<Record<string, string>> = {
  MissingAuthenticationTokenException: "MissingAuthenticationToken",
  IncompleteSignatureException: "IncompleteSignature",
  InvalidSignatureException: "SignatureDoesNotMatch",
  UnrecognizedClientException: "InvalidClientTokenId",
};

export async function startAwsSts(options: AwsStsServerOptions): Promise<AwsStsServer> {
  const { clock, keys, sts, region: served } = options;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = options.newId();
    const reply = (status: number, xml: string) =>
      response.writeHead(status, { "content-type": "text/xml", "x-amzn-RequestId": requestId }).end(xml);
    try {
      const { method = "", url = "/", headers } = request;
      const body = await bodyOf(request);
      const { region } = verifySigV4(
        { method, url, headers, body },
        { keys, service: "sts", nowMs: clock.now() },
      );
      const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
      if (region !== served) throw new AwsApiError("RegionDisabledException", "No such region.", 403);
      if (method !== "POST" || url !== "/" || !isForm) {
        throw new AwsApiError("InvalidAction", "Send a form by POST to /.");
      }
      const form = Object.fromEntries(new URLSearchParams(Buffer.from(body).toString("utf8")));
      const { principal } = signerOf(request, keys);
      const call = { callId: requestId, action: form.Action ?? "" };
      const issued = await underWatch(options.onCall, call, () => sts.call(principal, form));
      reply(200, tokenXml(issued, requestId));
    } catch (error) {
      if (error instanceof DroppedCall) request.socket.destroy();
      else if (error instanceof AwsApiError) reply(statusOf(error), errorXml(error, requestId));
      else reply(500, errorXml(new AwsApiError("InternalFailure", "An internal error.", 500), requestId));
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  const { port, close } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    close,
  };
}

/** Of a request whose signature is verified. */
function signerOf<K>(request: IncomingMessage, keys: Readonly<Record<string, K>>): K {
  const [, accessKeyId = ""] = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "") ?? [];
  const key = keys[accessKeyId];
  if (key === undefined) throw new Error("A verified key is not known");
  return key;
}

function statusOf({ name, status }: AwsApiError): number {
  return name in QUERY_NAMES && name !== "IncompleteSignatureException" ? 403 : status;
}

const NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';

function tokenXml({ token, expiration }: IssuedToken, requestId: string): string {
  return `<GetWebIdentityTokenResponse ${NAMESPACE}>
  <GetWebIdentityTokenResult>
    <WebIdentityToken>${token}</WebIdentityToken>
    <Expiration>${expiration.toISOString()}</Expiration>
  </GetWebIdentityTokenResult>
  <ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>
</GetWebIdentityTokenResponse>`;
}

function errorXml({ name, message, status }: AwsApiError, requestId: string): string {
  const escaped = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<ErrorResponse ${NAMESPACE}>
  <Error>
    <Type>${status >= 500 ? "Receiver" : "Sender"}</Type>
    <Code>${QUERY_NAMES[name] ?? name}</Code>
    <Message>${escaped}</Message>
  </Error>
  <RequestId>${requestId}</RequestId>
</ErrorResponse>`;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
