import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { credentialsFromEnvironment, credentialsFromSecret } from "../../handler/credentials.ts";
import { createSecretsManager } from "../cloud/secrets-manager/model.ts";
import { createVirtualClock } from "../fakes/clock.ts";
import { createFakeSecretStore } from "../fakes/secret-store.ts";

const SCF = {
  TENCENTCLOUD_SECRETID: "scf-id",
  TENCENTCLOUD_SECRETKEY: "scf-key",
  TENCENTCLOUD_SESSIONTOKEN: "scf-token",
};
const SDK = {
  TENCENTCLOUD_SECRET_ID: "sdk-id",
  TENCENTCLOUD_SECRET_KEY: "sdk-key",
  TENCENTCLOUD_SESSION_TOKEN: "sdk-token",
};
const FROM_SCF = { secretId: "scf-id", secretKey: "scf-key", token: "scf-token" };
const FROM_SDK = { secretId: "sdk-id", secretKey: "sdk-key", token: "sdk-token" };
const MISSING = { code: "CredentialsMissing", effect: "none" };

describe("credentialsFromEnvironment", () => {
  it.each<[string, object, object]>([
    ["SCF's names", SCF, FROM_SCF],
    ["the SDK's names", SDK, FROM_SDK],
    ["SCF's names where both are there", { ...SDK, ...SCF }, FROM_SCF],
    [
      "lasting ones without a token",
      { ...SCF, TENCENTCLOUD_SESSIONTOKEN: "" },
      { secretId: "scf-id", secretKey: "scf-key" },
    ],
    ["the SDK's names where SCF's are incomplete", { ...SCF, ...SDK, TENCENTCLOUD_SECRETKEY: "" }, FROM_SDK],
  ])("takes %s", (_, environment, credentials) => {
    expect(credentialsFromEnvironment({ ...environment })).toEqual(credentials);
  });

  it("never adds a token of the other spelling", () => {
    const { TENCENTCLOUD_SESSIONTOKEN: _, ...lasting } = SCF;
    const { TENCENTCLOUD_SESSION_TOKEN: __, ...alsoLasting } = SDK;
    expect(credentialsFromEnvironment({ ...lasting, ...SDK })).toEqual({
      secretId: "scf-id",
      secretKey: "scf-key",
    });
    expect(credentialsFromEnvironment({ ...alsoLasting, TENCENTCLOUD_SESSIONTOKEN: "scf-token" })).toEqual({
      secretId: "sdk-id",
      secretKey: "sdk-key",
    });
  });

  it.each<[string, object]>([
    ["nothing", {}],
    ["an id alone", { TENCENTCLOUD_SECRETID: "scf-id" }],
    ["a key alone", { TENCENTCLOUD_SECRET_KEY: "sdk-key" }],
    [
      "an id of one spelling and a key of the other",
      { TENCENTCLOUD_SECRETID: "a", TENCENTCLOUD_SECRET_KEY: "b" },
    ],
    ["the other way round", { TENCENTCLOUD_SECRET_ID: "a", TENCENTCLOUD_SECRETKEY: "b" }],
    ["names set to nothing", { TENCENTCLOUD_SECRETID: "", TENCENTCLOUD_SECRETKEY: "" }],
  ])("has none where there is %s", (_, environment) => {
    expect(() => credentialsFromEnvironment({ ...environment })).toThrow(expect.objectContaining(MISSING));
  });
});

describe("credentialsFromSecret", () => {
  const NAME = "ops/tencent";
  const from = (text: string | undefined, name = NAME) => {
    const secretsManager = createSecretsManager({ clock: createVirtualClock(), newId: randomUUID });
    const content = text === undefined ? {} : { SecretString: text };
    secretsManager.call("CreateSecret", { Name: NAME, ClientRequestToken: randomUUID(), ...content });
    return credentialsFromSecret(createFakeSecretStore({ secretsManager }), name);
  };

  it.each([[{ secretId: "id", secretKey: "key" }], [{ secretId: "id", secretKey: "key", token: "token" }]])(
    "reads %j",
    async (credentials) => {
      expect(await from(JSON.stringify({ ...credentials, note: "kept out" }))).toEqual(credentials);
    },
  );

  it.each([
    [{}, ["secretId", "secretKey"]],
    [{ secretId: "", secretKey: 7, token: ["confidential"] }, ["secretId", "secretKey", "token"]],
    [{ SecretId: "confidential", SecretKey: "confidential" }, ["secretId", "secretKey"]],
    [["confidential"], ["(whole)"]],
  ])("names every bad field of %j at once, and no value", async (content, fields) => {
    const error = await from(JSON.stringify(content)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(MISSING);
    const { message } = error as Error;
    const told = message.replace(`Secret ${NAME} (TENCENTCLOUD_CREDENTIALS_SECRET_ID): `, "");
    expect(told.split("; ").map((problem) => problem.split(":")[0])).toEqual(fields);
    expect(message).not.toContain("confidential");
  });

  it("does not quote what is not JSON", async () => {
    const error = await from("confidential").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(MISSING);
    expect((error as Error).message).toMatch(/it is not JSON$/);
    expect((error as Error).message).not.toContain("confidential");
  });

  it("says so where the secret has no value", async () => {
    await expect(from(undefined)).rejects.toThrow(
      `${NAME} (TENCENTCLOUD_CREDENTIALS_SECRET_ID): it has no value`,
    );
  });

  it("passes on what the store says of a secret that is not there", async () => {
    await expect(from("{}", "ops/other")).rejects.toMatchObject({ code: "SecretNotFound" });
  });
});
