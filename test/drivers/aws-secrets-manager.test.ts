import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import type { SecretStore } from "../../lib/ports.ts";
import { type LocalService, startLocalService } from "../cloud/secrets-manager/local-service.ts";
import { createSecretsManager, type SecretsManager } from "../cloud/secrets-manager/model.ts";
import {
  describeSecretStoreContract,
  type SecretStoreUnderTest,
} from "../contracts/secret-store.contract.ts";
import { createFakeSecretStore } from "../fakes/secret-store.ts";
import { clock, failed, localSecret, PASSWORD, TEXT } from "./local-secret.ts";

const FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:rotate";

let service: LocalService;
beforeAll(async () => {
  service = await startLocalService(clock);
});
afterAll(() => service.server.close());

function underTest(store: SecretStore, secretsManager: SecretsManager): SecretStoreUnderTest {
  secretsManager.registerFunction(FUNCTION_ARN, () => {});
  return {
    store,
    async create(text) {
      const secretId = `redis/${randomUUID()}`;
      const { VersionId = "" } = secretsManager.call("CreateSecret", { Name: secretId, SecretString: text });
      return { secretId, currentId: VersionId };
    },
    async startRotation(SecretId, ClientRequestToken) {
      secretsManager.call("RotateSecret", { SecretId, ClientRequestToken, RotationLambdaARN: FUNCTION_ARN });
    },
    async promoteByHalf(SecretId, MoveToVersionId, RemoveFromVersionId) {
      const VersionStage = "AWSCURRENT";
      const move = { SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId };
      secretsManager.call("UpdateSecretVersionStage", move);
    },
  };
}

describeSecretStoreContract("awsSecretsManager", async () =>
  underTest(awsSecretsManager({ client: service.client(), clock }), service.europe),
);

describeSecretStoreContract("the fake", async () => {
  const secretsManager = createSecretsManager({ clock, newId: randomUUID });
  return underTest(createFakeSecretStore({ secretsManager }), secretsManager);
});

describe("awsSecretsManager", () => {
  let secret: ReturnType<typeof localSecret>;
  beforeEach(() => {
    secret = localSecret(service);
  });

  it("makes one call for each of describe and read, and for stage where the version is pending already", async () => {
    for (const name of ["describe", "read", "stage"] as const) await secret.call(name);
    expect(secret.calls()).toEqual(["DescribeSecret", "GetSecretValue", "PutSecretValue"]);
  });

  it("stores a version before it makes it pending, and takes off both labels to release it", async () => {
    const { store, secretId, newId: versionId } = secret;
    await store.stage(secretId, { versionId, text: TEXT });
    expect(secret.labels()).toEqual([["AWSCURRENT"], ["AWSPENDING", "ROTATION_STAGED"]]);
    await secret.call("release");
    expect(secret.labels()).toEqual([["AWSCURRENT"], []]);
    const changes = secret.calls().filter((action) => !/^(Get|Describe)/.test(action));
    expect(changes).toEqual(["PutSecretValue", ...Array(3).fill("UpdateSecretVersionStage")]);
  });

  it("stores under its own label where another version is pending, and makes it pending once none is", async () => {
    const { aws, store, secretId, newId: versionId } = secret;
    const other = randomUUID();
    aws.call("RotateSecret", {
      SecretId: secretId,
      ClientRequestToken: other,
      RotationLambdaARN: FUNCTION_ARN,
    });
    expect(await failed(store.stage(secretId, { versionId, text: TEXT }))).toMatchObject({
      code: "StoreConflict",
      effect: "none",
    });
    expect(secret.labels()).toEqual([["AWSCURRENT"], ["AWSPENDING"], ["ROTATION_STAGED"]]);
    await store.release(secretId, other);
    expect(await store.stage(secretId, { versionId, text: "another" })).toMatchObject({
      text: TEXT,
      stages: ["pending"],
    });
  });

  it("makes two calls for promote", async () => {
    await secret.stage();
    await secret.call("promote");
    expect(secret.calls().slice(1)).toEqual(["UpdateSecretVersionStage", "UpdateSecretVersionStage"]);
  });

  it("leaves out labels that are not the rotation's, and versions that carry only such", async () => {
    const { aws, store, secretId: SecretId, oldId, newId } = secret;
    await secret.stage();
    const ClientRequestToken = randomUUID();
    aws.call("PutSecretValue", { SecretId, SecretString: "x", ClientRequestToken, VersionStages: ["kept"] });
    aws.call("UpdateSecretVersionStage", { SecretId, VersionStage: "mine", MoveToVersionId: newId });
    const { versions } = await store.describe(SecretId);
    expect(new Map(versions.map(({ versionId, stages }) => [versionId, stages]))).toEqual(
      new Map([
        [oldId, ["current"]],
        [newId, ["pending"]],
      ]),
    );
    expect(await store.read(SecretId, newId)).toMatchObject({ stages: ["pending"] });
  });

  it("says SecretInvalid of a binary value, and shows nothing of it", async () => {
    const { aws, store, secretId: SecretId, newId: ClientRequestToken } = secret;
    const SecretBinary = Buffer.from(PASSWORD).toString("base64");
    aws.call("PutSecretValue", { SecretId, ClientRequestToken, SecretBinary });
    const error = await failed(store.read(SecretId, ClientRequestToken));
    expect(error).toMatchObject({ code: "SecretInvalid", effect: "none" });
    expect(error.message).not.toContain(PASSWORD);
    expect(error.message).not.toContain(SecretBinary);
  });

  describe("while reads lag behind writes", () => {
    beforeEach(() => secret.aws.setLag(1_500));

    it("waits for a version that another run has just stored", async () => {
      await secret.stage();
      expect(await secret.store.read(secret.secretId, secret.newId)).toMatchObject({ text: TEXT });
    });

    it("stage still answers with the value that was stored first", async () => {
      await secret.stage();
      expect(await secret.stage("another")).toMatchObject({ text: TEXT, stages: ["pending"] });
    });

    it("stage fails, to be tried again, where that value does not appear", async () => {
      secret.aws.setLag(60_000);
      await secret.stage();
      expect(await failed(secret.stage("another"))).toMatchObject({
        code: "StoreUnavailable",
        effect: "none",
      });
    });

    it("gives up a version without a value after two seconds", async () => {
      const startedAt = clock.now();
      expect(await secret.store.read(secret.secretId, secret.newId)).toBeUndefined();
      expect(clock.now() - startedAt).toBe(2_000);
    });

    it("says at once that there is no such secret", async () => {
      const startedAt = clock.now();
      expect(await failed(secret.store.read("no-such-secret", secret.newId))).toMatchObject({
        code: "SecretNotFound",
      });
      expect(clock.now()).toBe(startedAt);
    });
  });

  describe("converges where the SDK itself repeats a call whose answer was lost", () => {
    const lost = { kind: "reset", carriedOut: true } as const;
    beforeEach(() => {
      secret = localSecret(service, { maxAttempts: 2 });
    });

    it("stage stores one value", async () => {
      secret.failNext("stage", lost);
      expect(await secret.stage()).toMatchObject({ text: TEXT, stages: ["pending"] });
      expect(secret.labels()).toEqual([["AWSCURRENT"], ["AWSPENDING"]]);
    });

    it("promote, in its first half", async () => {
      await secret.stage();
      secret.failNext("promote", lost);
      await secret.call("promote");
      expect(secret.labels()).toEqual([["AWSPREVIOUS"], ["AWSCURRENT"]]);
    });

    it("promote, in its second half", async () => {
      const { aws, secretId: SecretId, newId: MoveToVersionId, oldId: RemoveFromVersionId } = secret;
      await secret.stage();
      const VersionStage = "AWSCURRENT";
      aws.call("UpdateSecretVersionStage", { SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId });
      // The first half is refused, since it is done: it takes the first fault.
      secret.failNext("promote", { kind: "error", name: "InvalidParameterException" });
      secret.failNext("promote", lost);
      await secret.call("promote");
      expect(secret.labels()).toEqual([["AWSPREVIOUS"], ["AWSCURRENT"]]);
    });

    it("release", async () => {
      await secret.stage();
      secret.failNext("release", lost);
      await secret.call("release");
      expect(secret.labels()).toEqual([["AWSCURRENT"], []]);
    });
  });
});
