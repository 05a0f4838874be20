import { createHash } from "node:crypto";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync, zipSync } from "fflate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CodeZip, zipFolder } from "../../deploy/scf/code-zip.ts";
import type { Wanted } from "../../deploy/scf/deployment.ts";
import { adviceOn } from "../../deploy/scf/scf-errors.ts";
import { isChange, NAME, openAccount, REGION, type ScfAccount, wish } from "./scf-account.ts";

const zipped = (text: string): CodeZip => {
  const bytes = zipSync({ "index.js": Buffer.from(text) }, { mtime: new Date(1980, 0, 1) });
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
};
const CODE = zipped("one");
const OTHER_CODE = zipped("another");

let account: ScfAccount;
beforeEach(async () => {
  account = await openAccount();
});
afterEach(() => account.close());

const theFunction = () => account.api.functionNamed(REGION, NAME);
const changes = () => account.arrived().filter(isChange);
const failureOf = async (running: Promise<unknown>) => {
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error === undefined ? "no error" : adviceOn(error);
};

describe("a first deployment", () => {
  it("makes the function with its role, networks, limits, variables and timer", async () => {
    await account.run(wish(CODE));
    expect(changes()).toEqual(["CreateFunction", "CreateTrigger"]);
    expect(theFunction()).toMatchObject({
      runtime: "Nodejs20.19",
      handler: "index.main_handler",
      configuration: {
        MemorySize: 256,
        Timeout: 900,
        Role: "rotation-role",
        VpcConfig: { VpcId: "vpc-1", SubnetId: "subnet-1" },
        PublicNetConfig: { PublicNetStatus: "ENABLE" },
        Environment: {
          Variables: [
            { Key: "SECRET_STORE", Value: "ssm" },
            { Key: "ROTATION_SECRETS", Value: "redis-orders" },
          ],
        },
      },
      triggers: [
        { name: "rotation", qualifier: "$DEFAULT", cron: "0 0 * * * * *", open: true, argument: "" },
      ],
    });
    expect(theFunction().zip).toEqual(Buffer.from(CODE.bytes));
  });

  it("is all there is to do: the second one changes nothing", async () => {
    await account.run(wish(CODE));
    changes();
    expect(await account.run(wish(CODE))).toEqual([]);
    expect(changes()).toEqual([]);
  });

  it("needs a role", async () => {
    expect(await failureOf(account.run(wish(CODE, { role: undefined })))).toContain("--role");
    expect(changes()).toEqual([]);
  });
});

describe("a later deployment", () => {
  beforeEach(async () => {
    await account.run(wish(CODE));
    changes();
  });

  it.each<[string, Partial<Wanted>, string[]]>([
    ["the code", { code: OTHER_CODE }, ["UpdateFunctionCode"]],
    ["a variable", { variables: { VERIFY: "task" } }, ["UpdateFunctionConfiguration"]],
    ["the role", { role: "other-role" }, ["UpdateFunctionConfiguration"]],
    ["the subnet", { vpc: { VpcId: "vpc-1", SubnetId: "subnet-2" } }, ["UpdateFunctionConfiguration"]],
    ["the schedule", { schedule: "0 30 2 * * * *" }, ["UpdateTrigger"]],
    [
      "code and variables",
      { code: OTHER_CODE, variables: { VERIFY: "task" } },
      ["UpdateFunctionCode", "UpdateFunctionConfiguration"],
    ],
  ])("changes %s and nothing else", async (_, others, expected) => {
    await account.run(wish(CODE, others));
    expect(changes()).toEqual(expected);
    expect(await account.run(wish(CODE, others))).toEqual([]);
  });

  it("leaves alone what it is not given", async () => {
    await account.run(wish(CODE, { schedule: "0 30 2 * * * *" }));
    const state = () => structuredClone({ ...theFunction(), zip: undefined });
    const before = state();
    changes();
    await account.run({ functionName: NAME, code: CODE, variables: {} });
    expect(changes()).toEqual([]);
    expect(state()).toEqual(before);
  });

  it("adds variables to those that are there", async () => {
    await account.run(wish(CODE, { variables: { VERIFY: "task", ROTATION_SECRETS: "redis-sessions" } }));
    expect(theFunction().configuration.Environment?.Variables).toEqual([
      { Key: "SECRET_STORE", Value: "ssm" },
      { Key: "ROTATION_SECRETS", Value: "redis-sessions" },
      { Key: "VERIFY", Value: "task" },
    ]);
  });

  it("takes back how the fleet was named where it is now named in another way", async () => {
    await account.run(wish(CODE, { variables: { ROTATION_PREFIX: "redis-" } }));
    expect(theFunction().configuration.Environment?.Variables).toEqual([
      { Key: "SECRET_STORE", Value: "ssm" },
      { Key: "ROTATION_PREFIX", Value: "redis-" },
    ]);
  });

  it("wakes a timer that somebody has stopped only where a schedule is given", async () => {
    for (const trigger of theFunction().triggers) trigger.open = false;
    await account.run(wish(CODE));
    expect(theFunction().triggers).toMatchObject([{ open: false }]);
    await account.run(wish(CODE, { schedule: "0 0 * * * * *" }));
    expect(theFunction().triggers).toMatchObject([{ open: true }]);
  });

  it("gives back the time, the memory and the retries that somebody has taken away", async () => {
    Object.assign(theFunction().configuration, { Timeout: 3, MemorySize: 128 });
    theFunction().retry = { RetryNum: 0, MsgTTL: 60 };
    await account.run(wish(CODE));
    expect(changes()).toEqual(["UpdateFunctionConfiguration", "UpdateFunctionEventInvokeConfig"]);
    expect(theFunction()).toMatchObject({
      configuration: { Timeout: 900, MemorySize: 256 },
      retry: { RetryNum: 2, MsgTTL: 21_600 },
    });
  });

  it("leaves more memory than it would give", async () => {
    theFunction().configuration.MemorySize = 512;
    expect(await account.run(wish(CODE))).toEqual([]);
  });

  it.each<[string, string, Partial<Wanted>]>([
    ["one that cannot run the bundle", "Nodejs18.15", {}],
    ["another one than is wanted", "Nodejs20.19", { runtime: "Nodejs22.21" }],
  ])("refuses a function whose runtime, which SCF cannot change, is %s", async (_, runtime, others) => {
    Object.assign(theFunction(), { runtime });
    expect(await failureOf(account.run(wish(CODE, others)))).toContain(`its runtime is ${runtime}`);
    expect(changes()).toEqual([]);
  });

  it("takes a function of a newer runtime as it is", async () => {
    Object.assign(theFunction(), { runtime: "Nodejs22.21" });
    expect(await account.run(wish(CODE))).toEqual([]);
  });
});

describe("a dry run", () => {
  it.each<[string, Wanted | undefined]>([
    ["of a new function", undefined],
    ["of a changed one", wish(OTHER_CODE)],
    ["of one that could not be made", wish(CODE)],
  ])("%s tells the calls that the real one makes, and only reads", async (title, first) => {
    if (title.endsWith("made")) account.api.failNextChange("no room");
    if (first) await account.run(first).catch(() => {});
    const later = wish(CODE, { variables: { VERIFY: "task" }, schedule: "0 30 2 * * * *" });
    changes();
    const told = await account.run(later, { dryRun: true });
    expect(changes()).toEqual([]);
    expect(await account.run(later)).toEqual(told);
    expect(told.map(({ action }) => action)).toEqual(changes());
  });

  it("shows neither the code nor what a variable holds", async () => {
    const told = await account.run(wish(CODE, { variables: { AWS_SECRET_ACCESS_KEY: "hidden-value" } }), {
      dryRun: true,
    });
    const text = JSON.stringify(told);
    expect(text).toContain("AWS_SECRET_ACCESS_KEY");
    expect(text).toContain(CODE.sha256);
    expect(text).not.toContain("hidden-value");
    expect(text).not.toContain(Buffer.from(CODE.bytes).toString("base64").slice(0, 40));
  });
});

describe("what was left half done is found and carried on", () => {
  const LATER = wish(OTHER_CODE, { variables: { VERIFY: "task" }, schedule: "0 30 2 * * * *" });
  const cases = [
    ...["CreateFunction", "CreateTrigger"].map((action) => ["a first deployment", action] as const),
    ...["UpdateFunctionCode", "UpdateFunctionConfiguration", "UpdateTrigger"].map(
      (action) => ["a later deployment", action] as const,
    ),
  ].flatMap(([of, action]) => [[of, "before", action] as const, [of, "after", action] as const]);

  it.each(cases)("%s that dies %s %s", async (of, when, action) => {
    if (of === "a later deployment") await account.run(wish(CODE));
    account.api.failNext(action, { kind: "reset", carriedOut: when === "after" });
    expect(await failureOf(account.run(LATER))).toContain(`${action}: `);
    await account.run(LATER);
    expect(theFunction()).toMatchObject({ triggers: [{ cron: LATER.schedule, open: true }] });
    expect(theFunction().zip).toEqual(Buffer.from(OTHER_CODE.bytes));
    expect(await account.run(LATER)).toEqual([]);
  });

  it("a function that could not be made is made anew", async () => {
    account.api.failNextChange("no room left");
    expect(await failureOf(account.run(wish(CODE)))).toContain("CreateFailed (no room left), run this again");
    changes();
    await account.run(wish(CODE));
    expect(changes()).toEqual(["DeleteFunction", "CreateFunction", "CreateTrigger"]);
    expect(await account.run(wish(CODE))).toEqual([]);
  });

  it("after an update that failed, code and configuration are both sent again", async () => {
    await account.run(wish(CODE));
    account.api.failNextChange("no room left");
    expect(await failureOf(account.run(wish(OTHER_CODE)))).toContain(
      "UpdateFailed (no room left), run this again",
    );
    changes();
    await account.run(wish(OTHER_CODE));
    expect(changes()).toEqual(["UpdateFunctionCode", "UpdateFunctionConfiguration"]);
    expect(await account.run(wish(OTHER_CODE))).toEqual([]);
  });

  it("another deployment that is under way is waited for", async () => {
    await account.run(wish(CODE));
    account.api.failNext("UpdateFunctionCode", { kind: "error", code: "FailedOperation.UpdateFunctionCode" });
    await account.run(wish(OTHER_CODE));
    expect(theFunction().zip).toEqual(Buffer.from(OTHER_CODE.bytes));
  });

  it("and so is SCF itself, for five minutes", async () => {
    const slow = await openAccount(400_000);
    try {
      expect(await failureOf(slow.run(wish(CODE)))).toContain("it has been Creating for 300 s");
      await slow.run(wish(CODE));
      expect(await slow.run(wish(CODE))).toEqual([]);
    } finally {
      await slow.close();
    }
  });

  it("and not for ever", async () => {
    await account.run(wish(CODE));
    const fault = { kind: "error", code: "FailedOperation.UpdateFunctionCode" } as const;
    account.api.failNext("UpdateFunctionCode", fault, { times: 9 });
    expect(await failureOf(account.run(wish(OTHER_CODE)))).toMatch(/run this again when it is done\.$/);
  });
});

describe("an error names SCF's code and what to do", () => {
  it.each<[string, Partial<Wanted>, RegExp]>([
    ["the role is missing", { role: "nobody" }, /ResourceNotFound\.Role.*Create the role first/],
    ["the VPC is missing", { vpc: { VpcId: "vpc-9", SubnetId: "s" } }, /ResourceNotFound\.Vpc.*--subnet/],
    ["the name is not one", { functionName: "-" }, /InvalidParameter\.FunctionName.*--function/],
    ["the runtime is not one", { runtime: "Nodejs20" }, /InvalidParameterValue\.Runtime.*--runtime/],
    ["the schedule is not one", { schedule: "a b c d e f g" }, /TriggerDesc.*--schedule/],
    ["the schedule is too short", { schedule: "0 0 * * *" }, /has 5 fields/],
    ["a variable is SCF's", { variables: { TENCENTCLOUD_SITE: "intl" } }, /TENCENTCLOUD_SITE.*TENCENT_SITE/],
    ["a variable is wrong", { variables: { VERIFY: "perhaps" } }, /Environment: VERIFY/],
    [
      "the fleet's names are too many",
      { variables: { ROTATION_SECRETS: "x".repeat(4_096) } },
      /SCF takes 4096: .*ROTATION_PREFIX or ROTATION_TAG/,
    ],
    ["the variables are too many", { variables: { OTHER: "x".repeat(4_096) } }, /SCF takes 4096(?!:)/],
    [
      "a fleet is named in two ways",
      { variables: { ROTATION_SECRETS: "a", ROTATION_TAG: "a=b" } },
      /ROTATION_TAG: must not be set with ROTATION_SECRETS/,
    ],
    [
      "somebody is to be told through AWS",
      { variables: { NOTIFY_EVENT_BUS: "ops" } },
      /NOTIFY_EVENT_BUS: is for Lambda; on SCF set a webhook/,
    ],
    [
      "a fleet is handed over as on Lambda",
      { variables: { ROTATION_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/q" } },
      /ROTATION_QUEUE_URL: is for Lambda; on SCF set ROTATION_FAN_OUT_SIZE/,
    ],
  ])("%s", async (_, others, says) => {
    expect(await failureOf(account.run(wish(CODE, others)))).toMatch(says);
  });

  it.each([
    ["UnauthorizedOperation.CAM", /Grant your credentials/],
    ["InternalError.System", /Run this again/],
    ["LimitExceeded.Function", /larger quota/],
    ["FailedOperation.SomethingNew", /Read the message/],
  ])("%s", async (code, says) => {
    account.api.failNext("CreateFunction", { kind: "error", code });
    const advice = await failureOf(account.run(wish(CODE)));
    expect(advice).toContain(code);
    expect(advice).toMatch(says);
  });

  it("the credentials are wrong", async () => {
    const key = { secretId: "AKIDdeployer", secretKey: "not-the-key" };
    const advice = await failureOf(account.run(wish(CODE), { key }));
    expect(advice).toMatch(/AuthFailure\.SignatureFailure.*Correct your credentials/);
    expect(advice).not.toContain(key.secretKey);
  });
});

describe("the zip of the code", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "scf-zip-"));
    await writeFile(join(folder, "index.js"), "exports.main_handler = async () => 1;");
    await writeFile(join(folder, "package.json"), "{}");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("holds the files of the folder", async () => {
    const { bytes, sha256 } = await zipFolder(folder);
    expect(Object.keys(unzipSync(bytes))).toEqual(["index.js", "package.json"]);
    expect(sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  it("is the same whenever and wherever it is made", async () => {
    const before = await zipFolder(folder);
    const zone = process.env.TZ;
    process.env.TZ = "Pacific/Kiritimati";
    await utimes(join(folder, "index.js"), 1, 1);
    const after = await zipFolder(folder);
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    expect(after).toEqual(before);
  });
});
