import { randomUUID } from "node:crypto";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../fakes/clock.ts";
import { type LocalService, startLocalService } from "./local-service.ts";

const clock = createVirtualClock({ startMs: Date.now() });
const FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:rotate";
let service: LocalService;
let client: SecretsManagerClient;
let SecretId: string;
let first: string;

beforeAll(async () => {
  service = await startLocalService(clock);
  client = service.client();
  service.europe.registerFunction(FUNCTION_ARN, () => {});
});
afterAll(() => service.server.close());
beforeEach(async () => {
  SecretId = `redis/${randomUUID()}`;
  const created = await client.send(new CreateSecretCommand({ Name: SecretId, SecretString: "one" }));
  first = created.VersionId ?? "";
});

const put = (SecretString: string, ClientRequestToken: string, VersionStages?: string[]) =>
  client.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken, VersionStages }));
const get = (VersionId?: string, VersionStage?: string) =>
  client.send(new GetSecretValueCommand({ SecretId, VersionId, VersionStage }));
const move = (VersionStage: string, RemoveFromVersionId?: string, MoveToVersionId?: string) =>
  client.send(
    new UpdateSecretVersionStageCommand({ SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId }),
  );
const labels = async () =>
  (await client.send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages ?? {};

describe("PutSecretValue", () => {
  it("makes the new version current and the one before it previous by default", async () => {
    const [second, third] = [randomUUID(), randomUUID()];
    await put("two", second);
    expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS"], [second]: ["AWSCURRENT"] });
    await put("three", third);
    expect(await labels()).toEqual({ [second]: ["AWSPREVIOUS"], [third]: ["AWSCURRENT"] });
  });

  it("moves AWSPENDING from any other version", async () => {
    const [second, third] = [randomUUID(), randomUUID()];
    await put("two", second, ["AWSPENDING"]);
    await put("three", third, ["AWSPENDING"]);
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"], [third]: ["AWSPENDING"] });
  });

  it("takes AWSPENDING off whatever carries it when the new value is current at once", async () => {
    const [second, third] = [randomUUID(), randomUUID()];
    await put("two", second, ["AWSPENDING"]);
    await put("three", third);
    expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS"], [third]: ["AWSCURRENT"] });
  });

  it("ignores a repetition with the same content, its labels too", async () => {
    const second = randomUUID();
    await put("two", second, ["AWSPENDING"]);
    await move("AWSPENDING", second);
    const repeated = await put("two", second, ["AWSPENDING"]);
    expect(repeated).toMatchObject({ VersionId: second, VersionStages: [] });
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
  });

  it("refuses other content for a used token and keeps the first", async () => {
    const second = randomUUID();
    await put("two", second, ["AWSPENDING"]);
    await expect(put("other", second, ["AWSPENDING"])).rejects.toMatchObject({
      name: "ResourceExistsException",
      message: expect.stringContaining(second),
    });
    expect((await get(second)).SecretString).toBe("two");
  });

  it.each([31, 65])("refuses a token of %i characters", async (length) => {
    await expect(put("two", "a".repeat(length))).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: "ClientRequestToken must be 32-64 characters long.",
    });
  });

  it.each([32, 64])("takes a token of %i characters", async (length) => {
    const token = randomUUID().repeat(2).slice(0, length);
    expect((await put("two", token)).VersionId).toBe(token);
  });

  it("refuses a call without a value", async () => {
    await expect(client.send(new PutSecretValueCommand({ SecretId }))).rejects.toMatchObject({
      name: "InvalidRequestException",
    });
  });

  it("fills the placeholder that RotateSecret made", async () => {
    const token = randomUUID();
    await client.send(
      new RotateSecretCommand({ SecretId, ClientRequestToken: token, RotationLambdaARN: FUNCTION_ARN }),
    );
    await put("two", token, ["AWSPENDING"]);
    expect(await get(token, "AWSPENDING")).toMatchObject({
      SecretString: "two",
      VersionStages: ["AWSPENDING"],
    });
    await expect(put("three", token, ["AWSPENDING"])).rejects.toMatchObject({
      name: "ResourceExistsException",
    });
  });
});

describe("GetSecretValue", () => {
  const unknown = randomUUID();

  it.each([
    ["an unknown version", unknown, undefined, "ResourceNotFoundException", `VersionId: ${unknown}`],
    ["an unknown version with a label", unknown, "AWSPENDING", "ResourceNotFoundException", unknown],
    [
      "a label on no version",
      undefined,
      "AWSPENDING",
      "ResourceNotFoundException",
      "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
    ],
  ])("refuses %s", async (_, versionId, stage, name, message) => {
    await expect(get(versionId, stage)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message),
    });
  });

  it("refuses a version and a label that do not belong together", async () => {
    await expect(get(first, "AWSPREVIOUS")).rejects.toMatchObject({
      name: "InvalidRequestException",
      message: "You provided a VersionStage that is not associated to the provided VersionId.",
    });
  });

  it.each([undefined, "AWSPENDING"])("finds no value in an empty placeholder (label: %s)", async (stage) => {
    const token = randomUUID();
    await client.send(
      new RotateSecretCommand({ SecretId, ClientRequestToken: token, RotationLambdaARN: FUNCTION_ARN }),
    );
    await expect(get(token, stage)).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: `Secrets Manager can't find the specified secret value for VersionId: ${token}`,
    });
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"], [token]: ["AWSPENDING"] });
  });

  it("answers as before a write while reads lag", async () => {
    const second = randomUUID();
    service.europe.setLag(2_000);
    try {
      await put("two", second);
      expect((await get()).SecretString).toBe("one");
      await expect(get(second)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
      await clock.advance(2_000);
      expect((await get()).SecretString).toBe("two");
    } finally {
      service.europe.setLag(0);
    }
  });

  it("tells the time of creation to the millisecond", async () => {
    expect((await get()).CreatedDate).toEqual(new Date(clock.now()));
  });
});

describe("UpdateSecretVersionStage", () => {
  let second: string;
  beforeEach(async () => {
    second = randomUUID();
    await put("two", second, ["AWSPENDING"]);
  });

  it("moves AWSCURRENT, lets AWSPREVIOUS follow and leaves AWSPENDING where it is", async () => {
    await move("AWSCURRENT", first, second);
    expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS"], [second]: ["AWSCURRENT", "AWSPENDING"] });
    await move("AWSPENDING", second);
    expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS"], [second]: ["AWSCURRENT"] });
  });

  it("swaps AWSCURRENT and AWSPREVIOUS when the previous version becomes current again", async () => {
    await move("AWSCURRENT", first, second);
    await move("AWSCURRENT", second, first);
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"], [second]: ["AWSPENDING", "AWSPREVIOUS"] });
  });

  it("takes the move of a label to where it is already", async () => {
    await move("AWSCURRENT", undefined, first);
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"], [second]: ["AWSPENDING"] });
  });

  const strange = randomUUID();
  it.each([
    [
      "to move a label without naming its version",
      () => move("AWSCURRENT", undefined, second),
      "InvalidParameterException",
      "RemoveFromVersionId can't be empty",
    ],
    [
      "to move a label from a version that does not carry it",
      () => move("AWSCURRENT", second, first),
      "InvalidParameterException",
      "not attached",
    ],
    [
      "to take a label off a version that does not carry it",
      () => move("AWSPENDING", first),
      "InvalidParameterException",
      "not attached",
    ],
    [
      "to take AWSCURRENT away",
      () => move("AWSCURRENT", first),
      "InvalidParameterException",
      "can't be completely removed",
    ],
    [
      "a move from nowhere to nowhere",
      () => move("AWSPENDING"),
      "InvalidParameterException",
      "MoveToVersionId or",
    ],
    [
      "an unknown version",
      () => move("AWSCURRENT", first, strange),
      "ResourceNotFoundException",
      "VersionId: ",
    ],
  ])("refuses %s", async (_, call, name, message) => {
    await expect(call()).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"], [second]: ["AWSPENDING"] });
  });

  it("makes a version without labels deprecated: not told of, still readable by id", async () => {
    await move("AWSPENDING", second);
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
    const listed = async (IncludeDeprecated?: boolean) => {
      const page = await client.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated }));
      return page.Versions?.map(({ VersionId, VersionStages }) => [VersionId, VersionStages]);
    };
    expect(await listed()).toEqual([[first, ["AWSCURRENT"]]]);
    expect(await listed(true)).toEqual([
      [first, ["AWSCURRENT"]],
      [second, undefined],
    ]);
    expect(await get(second)).toMatchObject({ SecretString: "two" });
  });
});
