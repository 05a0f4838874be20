import { setMaxListeners } from "node:events";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { HttpResponse } from "@smithy/core/protocols";
import { type ErrorCode, RotationError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { proofsOf } from "./aws-proofs.ts";
import { mask } from "./mask.ts";
import { ProxyFailure } from "./proxy-agent.ts";

export interface AwsPostOptions {
  /** Lends its region, credentials, signer, and connections: a client of the SDK for each service is too much for the bundles. */
  readonly client: SecretsManagerClient;
  /** The service's name in signatures. */
  readonly service: "sts" | "sqs" | "sns" | "events";
  /** The call, for messages: `GetWebIdentityToken (AWS STS)`. */
  readonly what: string;
  readonly clock: Clock;
  /** Aborted at the run's deadline. */
  readonly signal: AbortSignal;
}

export interface AwsRequest {
  readonly url: URL;
  /** Of the signature. Default: the client's. */
  readonly region?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AwsAnswer {
  readonly status: number;
  readonly text: string;
  readonly requestId?: string | undefined;
}

export interface AwsPost {
  /**
   * Signs a request anew (Signature Version 4) and sends it once.
   *
   * @throws RotationError `StoreCredentialsMissing`, `CloudUnreachable`, `NoAnswer`, `InProgress`
   */
  send(request: AwsRequest): Promise<AwsAnswer>;
  /**
   * Each has the effect `none`: nothing that the call may have done is to be cleared away. No cause: it holds the request.
   * What the requests were signed with is masked.
   */
  refusal(code: ErrorCode, text: string, requestId?: string): RotationError;
}

const MAX_ANSWER_BYTES = 64 * 1024;

const NEVER_CONNECTED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];

/** One call of an AWS service that has no client of its own here. */
export function awsPost({ client, service, what, clock, signal }: AwsPostOptions): AwsPost {
  const { config } = client;
  // Every call that is under way listens to it.
  setMaxListeners(0, signal);

  const proofs = new Set<string>();

  const refusal: AwsPost["refusal"] = (code, text, requestId) =>
    new RotationError(code, `${what}: ${mask(text, proofs)}`, {
      effect: "none",
      requestId: requestId && mask(requestId, proofs),
    });

  const sign = async ({ url, region, headers, body }: AwsRequest) => {
    const { protocol, hostname, port, host, pathname } = url;
    const request = {
      method: "POST",
      protocol,
      hostname,
      ...(port && { port: Number(port) }),
      path: pathname,
      query: {},
      headers: { host, "content-length": String(Buffer.byteLength(body)), ...headers },
      body,
    };
    try {
      const signer = await config.signer();
      const signed = await signer.sign(request, {
        signingService: service,
        signingDate: new Date(clock.now()),
        ...(region !== undefined && { signingRegion: region }),
      });
      for (const proof of proofsOf(signed)) proofs.add(proof);
      return signed;
    } catch {
      throw refusal("StoreCredentialsMissing", "no AWS credentials were found");
    }
  };

  /** Of what failed below HTTP only the kind is told. */
  const lost = (error: unknown): RotationError => {
    if (signal.aborted) return refusal("InProgress", "stopped at the deadline");
    const kind = error instanceof Error && "code" in error ? String(error.code) : "";
    if (error instanceof ProxyFailure) return refusal("CloudUnreachable", error.message);
    if (NEVER_CONNECTED.includes(kind)) return refusal("CloudUnreachable", `no connection (${kind})`);
    return refusal("NoAnswer", kind === "" ? "no answer in time, or one that cannot be read" : kind);
  };

  return {
    refusal,
    async send(request) {
      const signed = await sign(request);
      try {
        const handled = await config.requestHandler.handle(signed, { abortSignal: signal });
        const { statusCode, headers, body }: HttpResponse = handled.response;
        return { status: statusCode, text: await textOf(body), requestId: headers["x-amzn-requestid"] };
      } catch (error) {
        throw lost(error);
      }
    },
  };
}

/** What is in an element of XML that holds nothing but text. */
export function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim();
}

/** @throws RotationError `ConfigurationInvalid`, with the variables that it can come from */
export function awsUrl(text: string, variables: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new RotationError("ConfigurationInvalid", `${variables} is not a URL`, { effect: "none" });
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw new Error("The answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
