import { randomUUID } from "node:crypto";
import {
  CancelRotateSecretCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  paginateListSecrets,
  RotateSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../fakes/clock.ts";
import { type LocalService, startLocalService } from "./local-service.ts";

const clock = createVirtualClock({ startMs: Date.now() });
let service: LocalService;
let client: SecretsManagerClient;

beforeAll(async () => {
  service = await startLocalService(clock);
  client = service.client();
});
afterAll(() => service.server.close());

const create = (Name: string, SecretString?: string, ClientRequestToken?: string) =>
  client.send(new CreateSecretCommand({ Name, SecretString, ClientRequestToken }));

describe("CreateSecret", () => {
  it("refuses a name that is taken, and takes its own repetition", async () => {
    const token = randomUUID();
    const { ARN } = await create("taken", "one", token);
    expect(await create("taken", "one", token)).toMatchObject({ ARN, VersionId: token });
    await expect(create("taken", "two")).rejects.toMatchObject({
      name: "ResourceExistsException",
      message: "The operation failed because the secret taken already exists.",
    });
  });

  it("refuses a name with other characters", async () => {
    await expect(create("Inv Name")).rejects.toMatchObject({ name: "ValidationException" });
  });

  it("makes no version where it is given no value", async () => {
    const answer = await create("empty");
    expect(answer.VersionId).toBeUndefined();
    expect(
      (await client.send(new DescribeSecretCommand({ SecretId: "empty" }))).VersionIdsToStages,
    ).toBeUndefined();
    await expect(client.send(new GetSecretValueCommand({ SecretId: "empty" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
  });
});

describe("a secret's id", () => {
  it("may be its name, its ARN, or its ARN without the random ending", async () => {
    const { ARN = "" } = await create("by/name", "one");
    for (const SecretId of ["by/name", ARN, ARN.slice(0, -7)]) {
      expect((await client.send(new GetSecretValueCommand({ SecretId }))).ARN).toBe(ARN);
    }
  });

  it("is known in its own region only", async () => {
    const { ARN = "" } = await create("here", "one");
    expect(ARN).toMatch(/^arn:aws:secretsmanager:eu-west-1:\d{12}:secret:here-\w{6}$/);
    const elsewhere = service.client({ region: "us-east-1" });
    await expect(elsewhere.send(new GetSecretValueCommand({ SecretId: "here" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: "Secrets Manager can't find the specified secret.",
    });
  });
});

describe("ListSecrets", () => {
  beforeAll(async () => {
    const america = service.client({ region: "us-east-1" });
    const secrets: [string, Record<string, string>][] = [
      ["prod/a", { team: "x", stage: "prod" }],
      ["prod/b", { team: "y" }],
      ["test/c", { stage: "x" }],
    ];
    for (const [Name, tags] of secrets) {
      await america.send(
        new CreateSecretCommand({
          Name,
          SecretString: "one",
          Description: `The secret ${Name}`,
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        }),
      );
    }
  });

  it.each([
    ["no filter", [], ["prod/a", "prod/b", "test/c"]],
    ["a name's prefix", [{ Key: "name", Values: ["prod/"] }], ["prod/a", "prod/b"]],
    ["a name's prefix with its case", [{ Key: "name", Values: ["Prod/"] }], []],
    ["a negated prefix", [{ Key: "name", Values: ["!prod/"] }], ["test/c"]],
    ["alternatives", [{ Key: "name", Values: ["prod/b", "test/"] }], ["prod/b", "test/c"]],
    ["a tag's key", [{ Key: "tag-key", Values: ["stage"] }], ["prod/a", "test/c"]],
    ["a tag's value", [{ Key: "tag-value", Values: ["x"] }], ["prod/a", "test/c"]],
    [
      "key and value, which may be of two different tags",
      [
        { Key: "tag-key", Values: ["stage"] },
        { Key: "tag-value", Values: ["x"] },
      ],
      ["prod/a", "test/c"],
    ],
    ["a word anywhere", [{ Key: "all", Values: ["TEST"] }], ["test/c"]],
  ] as const)("finds by %s", async (_, filters, expected) => {
    const america = service.client({ region: "us-east-1" });
    const Filters = filters.map(({ Key, Values }) => ({ Key, Values: [...Values] }));
    const answer = await america.send(new ListSecretsCommand({ Filters }));
    expect(answer.SecretList?.map(({ Name }) => Name)).toEqual(expected);
  });

  it("goes on with NextToken until nothing is left", async () => {
    const america = service.client({ region: "us-east-1" });
    const pages: (string | undefined)[][] = [];
    for await (const page of paginateListSecrets({ client: america, pageSize: 2 }, {})) {
      pages.push(page.SecretList?.map(({ Name }) => Name) ?? []);
    }
    expect(pages).toEqual([["prod/a", "prod/b"], ["test/c"]]);
  });

  it.each([
    [{ NextToken: "not-one" }, "InvalidNextTokenException"],
    [{ MaxResults: 101 }, "InvalidParameterException"],
  ])("refuses %j", async (request, name) => {
    await expect(client.send(new ListSecretsCommand(request))).rejects.toMatchObject({ name });
  });
});

describe("TagResource", () => {
  it("adds tags and replaces those of the same key", async () => {
    await create("tagged", "one");
    const tag = (Tags: { Key: string; Value: string }[]) =>
      client.send(new TagResourceCommand({ SecretId: "tagged", Tags }));
    await tag([{ Key: "a", Value: "1" }]);
    await tag([
      { Key: "a", Value: "2" },
      { Key: "b", Value: "3" },
    ]);
    expect((await client.send(new DescribeSecretCommand({ SecretId: "tagged" }))).Tags).toEqual([
      { Key: "a", Value: "2" },
      { Key: "b", Value: "3" },
    ]);
  });
});

describe("DeleteSecret", () => {
  it("marks the secret: it is described, and neither read, written nor listed", async () => {
    await create("doomed", "one");
    await client.send(new DeleteSecretCommand({ SecretId: "doomed" }));
    const refusal = {
      name: "InvalidRequestException",
      message: "You can't perform this operation on the secret because it was marked for deletion.",
    };
    const request = { SecretId: "doomed", SecretString: "two" };
    await expect(client.send(new GetSecretValueCommand(request))).rejects.toMatchObject(refusal);
    await expect(client.send(new PutSecretValueCommand(request))).rejects.toMatchObject(refusal);
    expect((await client.send(new DescribeSecretCommand(request))).DeletedDate).toBeInstanceOf(Date);
    const listed = await client.send(
      new ListSecretsCommand({ Filters: [{ Key: "name", Values: ["doomed"] }] }),
    );
    expect(listed.SecretList).toEqual([]);
    await expect(create("doomed", "two")).rejects.toMatchObject({ name: "InvalidRequestException" });
  });

  it("frees the name at once when forced", async () => {
    await create("gone", "one");
    await client.send(new DeleteSecretCommand({ SecretId: "gone", ForceDeleteWithoutRecovery: true }));
    await expect(client.send(new DescribeSecretCommand({ SecretId: "gone" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    await expect(create("gone", "two")).resolves.toMatchObject({ Name: "gone" });
  });
});

describe("RotateSecret", () => {
  const RotationLambdaARN = "arn:aws:lambda:eu-west-1:123456789012:function:rotate";
  beforeAll(() => service.europe.registerFunction(RotationLambdaARN, () => {}));

  it("refuses a secret without a function, and one whose function cannot be invoked", async () => {
    await create("unwired", "one");
    const rotate = (arn?: string) =>
      client.send(new RotateSecretCommand({ SecretId: "unwired", RotationLambdaARN: arn }));
    await expect(rotate()).rejects.toMatchObject({
      name: "InvalidRequestException",
      message: "No Lambda rotation function ARN is associated with this secret.",
    });
    await expect(rotate(`${RotationLambdaARN}-unknown`)).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    const described = await client.send(new DescribeSecretCommand({ SecretId: "unwired" }));
    expect(described.RotationEnabled).toBeUndefined();
  });

  it("registers the token under AWSPENDING and refuses a second rotation until that one is current", async () => {
    await create("wired", "one");
    const token = randomUUID();
    const rotate = (ClientRequestToken?: string) =>
      client.send(new RotateSecretCommand({ SecretId: "wired", RotationLambdaARN, ClientRequestToken }));
    expect((await rotate(token)).VersionId).toBe(token);
    await expect(rotate()).rejects.toMatchObject({
      name: "InvalidRequestException",
      message: "A previous rotation isn't complete. That rotation will be reattempted.",
    });
    const described = await client.send(new DescribeSecretCommand({ SecretId: "wired" }));
    expect(described).toMatchObject({ RotationEnabled: true, RotationLambdaARN });
    expect(described.VersionIdsToStages).toMatchObject({ [token]: ["AWSPENDING"] });
  });

  it("is switched off by CancelRotateSecret, which leaves AWSPENDING where it is", async () => {
    await create("cancelled", "one");
    const request = { SecretId: "cancelled", RotationLambdaARN };
    const { VersionId = "" } = await client.send(new RotateSecretCommand(request));
    expect((await client.send(new CancelRotateSecretCommand(request))).VersionId).toBe(VersionId);
    const described = await client.send(new DescribeSecretCommand(request));
    expect(described.RotationEnabled).toBe(false);
    expect(described.VersionIdsToStages).toMatchObject({ [VersionId]: ["AWSPENDING"] });
  });
});
