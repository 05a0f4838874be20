import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import type { RotationError } from "../../lib/errors.ts";
import { type LocalService, startLocalService } from "../cloud/secrets-manager/local-service.ts";
import { CALLS, clock, failed, localSecret, PASSWORD, ROTATION_TOKEN, TEXT } from "./local-secret.ts";

let service: LocalService;
let secret: ReturnType<typeof localSecret>;
beforeAll(async () => {
  service = await startLocalService(clock);
});
afterAll(() => service.server.close());
beforeEach(() => {
  secret = localSecret(service);
});

const denied = { kind: "error", name: "AccessDeniedException" } as const;
const throttled = { kind: "error", name: "ThrottlingException" } as const;
const lost = { kind: "reset", carriedOut: true } as const;
/** What an uncertain failure of each call says of its effect: a read has none. */
const uncertain = CALLS.map(
  (name) => [name, name === "describe" || name === "read" ? "none" : "unknown"] as const,
);

describe("an answer of Secrets Manager becomes a code", () => {
  it.each([
    ["AccessDeniedException", 400, "StoreDenied"],
    ["DecryptionFailure", 400, "StoreDenied"],
    ["EncryptionFailure", 400, "StoreDenied"],
    ["UnrecognizedClientException", 400, "StoreDenied"],
    ["ExpiredTokenException", 400, "StoreDenied"],
    ["ThrottlingException", 400, "StoreThrottled"],
    ["SomethingNew", 429, "StoreThrottled"],
    ["LimitExceededException", 400, "StoreRefused"],
    ["SomethingNew", 400, "StoreRefused"],
    ["InternalServiceError", 500, "StoreUnavailable"],
    ["ServiceUnavailable", 503, "StoreUnavailable"],
  ])("%s (HTTP %i) is %s", async (name, status, code) => {
    expect(
      await secret.broken("read", { kind: "error", name, status, message: "The reason." }),
    ).toMatchObject({
      name: "RotationError",
      code,
      effect: "none",
      message: `GetSecretValue of ${secret.secretId}: ${name}: The reason.`,
      requestId: secret.aws.calls.at(-1)?.requestId,
    });
  });

  it.each([
    ["describe", "DescribeSecret"],
    ["read", "GetSecretValue"],
    ["stage", "PutSecretValue"],
    ["promote", "UpdateSecretVersionStage"],
    ["release", "UpdateSecretVersionStage"],
  ] as const)("the error of %s names %s and the secret", async (name, action) => {
    expect((await secret.broken(name, denied)).message).toContain(`${action} of ${secret.secretId}`);
  });

  it.each(["read", "stage", "promote", "release"] as const)(
    "a secret that is marked for deletion is refused to %s",
    async (name) => {
      if (name !== "stage") await secret.stage();
      secret.aws.call("DeleteSecret", { SecretId: secret.secretId });
      expect(await failed(secret.call(name))).toMatchObject({
        code: "StoreRefused",
        effect: "none",
        message: expect.stringContaining("marked for deletion"),
      });
    },
  );

  it.each(["promote", "release"] as const)("%s fails where the refusal is not about labels", async (name) => {
    const error = await secret.broken(name, { kind: "error", name: "InvalidRequestException" });
    expect(error).toMatchObject({ code: "StoreRefused", effect: "none" });
    expect(error.message).toContain("InvalidRequestException");
  });
});

describe("an error says whether the call may have been carried out", () => {
  it.each(CALLS)("not where it was refused: %s", async (name) => {
    expect(await secret.broken(name, denied)).toMatchObject({ code: "StoreDenied", effect: "none" });
  });

  it.each(uncertain)("where the answer was lost: %s", async (name, effect) => {
    expect(await secret.broken(name, lost)).toMatchObject({
      code: "StoreUnavailable",
      effect,
      passing: true,
    });
  });

  it.each(uncertain)("where the service itself failed: %s", async (name, effect) => {
    const error = await secret.broken(name, { kind: "error", name: "InternalServiceError", status: 500 });
    expect(error).toMatchObject({ code: "StoreUnavailable", effect });
  });

  it.each(uncertain)("where a gateway answered instead: %s", async (name, effect) => {
    const error = await secret.broken(name, { kind: "status", status: 502 });
    expect(error).toMatchObject({ code: "StoreUnavailable", effect });
  });

  it.each(uncertain)("where the answer cannot be read: %s", async (name, effect) => {
    const error = await secret.broken(name, { kind: "status", status: 200, carriedOut: true });
    expect(error).toMatchObject({ code: "StoreUnavailable", effect });
    expect(error.message).toContain("cannot be read");
  });

  it.each([
    ["lost, then refused", [lost, denied], { code: "StoreDenied", effect: "unknown" }],
    ["lost, then throttled", [lost, throttled], { code: "StoreThrottled", effect: "unknown" }],
    ["throttled twice", [throttled, throttled], { code: "StoreThrottled", effect: "none" }],
  ])("where the SDK's two attempts were %s", async (_, faults, expected) => {
    secret = localSecret(service, { maxAttempts: 2 });
    expect(await secret.broken("stage", ...faults)).toMatchObject(expected);
  });

  it("not where nothing listens", async () => {
    const client = service.client();
    client.config.endpoint = async () => ({ protocol: "http:", hostname: "127.0.0.1", port: 1, path: "/" });
    const store = awsSecretsManager({ client, clock });
    const error = await failed(store.stage(secret.secretId, { versionId: secret.newId, text: TEXT }));
    expect(error).toMatchObject({ code: "StoreUnavailable", effect: "none" });
    expect(error.message).toContain("ECONNREFUSED");
  });
});

describe("an error shows neither the value nor the token", () => {
  it.each([
    ["the value in full", `Value '${TEXT}' at 'secretString' failed`],
    ["the value cut short", `Value '${TEXT.slice(0, 12)}…' at 'secretString' failed`],
    ["the token", `The token ${ROTATION_TOKEN} is not known`],
  ])("where the service quotes %s", async (_, message) => {
    const error = await secret.broken("stage", { kind: "error", name: "InvalidParameterException", message });
    expect(error).toMatchObject({
      code: "StoreRefused",
      message: expect.stringContaining("InvalidParameterException (its message quotes the request)"),
    });
    expectNoSecret(error);
  });

  it.each(CALLS)("where the answer of %s is lost or cannot be read", async (name) => {
    expectNoSecret(await secret.broken(name, lost));
    expectNoSecret(await secret.broken(name, { kind: "status", status: 200 }));
  });
});

describe("when the run's time is used up", () => {
  afterEach(() => vi.restoreAllMocks());

  it("a call that is under way ends, and may have been carried out", async () => {
    const controller = new AbortController();
    secret = localSecret(service, controller);
    secret.failNext("stage", { kind: "hang" });
    const error = failed(secret.stage());
    await vi.waitFor(() => expect(secret.calls()).toContain("PutSecretValue"));
    controller.abort();
    expect(await error).toMatchObject({ code: "InProgress", effect: "unknown" });
  });

  it.each(CALLS)("%s makes no call any more", async (name) => {
    secret = localSecret(service, { signal: AbortSignal.abort() });
    expect(await failed(secret.call(name))).toMatchObject({ code: "InProgress", effect: "none" });
    expect(secret.calls()).toEqual([]);
  });

  it("many calls under one limit print no warning", async () => {
    const warning = vi.spyOn(process, "emitWarning").mockReturnValue();
    secret = localSecret(service, new AbortController());
    await Promise.all(Array.from({ length: 20 }, () => secret.call("read")));
    expect(warning).not.toHaveBeenCalled();
  });
});

function expectNoSecret(error: RotationError): void {
  const shown = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join("\n");
  for (const hidden of [PASSWORD, ROTATION_TOKEN, TEXT.slice(0, 10)]) expect(shown).not.toContain(hidden);
}
