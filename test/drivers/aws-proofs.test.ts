import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proofsOf } from "../../lib/drivers/aws-proofs.ts";
import { awsQueue } from "../../lib/drivers/aws-queue.ts";
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { RotationError } from "../../lib/errors.ts";

const SESSION = "IQoJb3JpZ2luX2VjEJr0k7Zq9vT2mLx8";

let server: Server;
let client: SecretsManagerClient;
/** The error's name, and the headers that it quotes. */
let refusal: { name: string; form: (quoted: string) => string };
let signature = "";

/** As AWS answers where a signature is wrong: with the canonical request. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const headers = Object.entries(request.headers).map(([name, value]) => `${name}:${value}`);
    signature = /Signature=(\w+)/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const message = `The Canonical String should have been\n'POST\n/\n\n${refusal.form(headers.join("\n"))}'`;
    response.writeHead(400, { "x-amzn-RequestId": SESSION, "x-amzn-ErrorType": refusal.name });
    response.end(JSON.stringify({ __type: refusal.name, message, Message: message }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new SecretsManagerClient({
    region: "eu-west-1",
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "key", sessionToken: SESSION },
    maxAttempts: 1,
  });
});
afterAll(() => {
  client?.destroy();
  server?.close();
});

const failure = (call: Promise<unknown>): Promise<RotationError> =>
  call.then(
    () => Promise.reject(new Error("It did not fail")),
    (error: RotationError) => error,
  );

const FORMS: readonly (readonly [string, (quoted: string) => string])[] = [
  ["as it is", (quoted) => quoted],
  ["in a URL", encodeURIComponent],
  ["in base64", (quoted) => Buffer.from(quoted).toString("base64")],
];

function expectNothingTold({ message, requestId, cause }: RotationError): void {
  expect(cause).toBeUndefined();
  const told = `${message} ${requestId}`;
  // Not shown where the test fails.
  expect([SESSION, SESSION.slice(-8), signature].map((secret) => told.includes(secret))).toEqual([
    false,
    false,
    false,
  ]);
}

describe.each(FORMS)("where AWS quotes a request's headers %s", (_, form) => {
  it("Secrets Manager's message is not shown", async () => {
    refusal = { name: "InvalidSignatureException", form };
    const error = await failure(awsSecretsManager({ client, clock: systemClock }).describe("redis/orders"));
    expect(error.message).toMatch(/: InvalidSignatureException \(its message quotes the request\)$/);
    expectNothingTold(error);
  });

  it("what is told of a queue is masked", async () => {
    refusal = { name: "AccessDeniedException", form };
    const queueUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/123456789012/fleet`;
    const signal = new AbortController().signal;
    const error = await failure(awsQueue({ client, queueUrl, clock: systemClock, signal })(["redis/orders"]));
    expect(error.message).toContain("***");
    expectNothingTold(error);
  });
});

it("a request without headers has no proofs", () => {
  expect([undefined, null, "text", {}, { headers: "text" }].map(proofsOf)).toEqual([[], [], [], [], []]);
});
