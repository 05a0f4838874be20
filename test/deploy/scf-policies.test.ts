import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { actionsGranted, actionsOf, type CamStatement, readPolicy } from "./cam-policy.ts";

const POLICIES = [
  "trust",
  "function",
  "function-api-2.0",
  "function-fleet",
  "function-notify",
  "consumer",
  "deployer",
];
const INSTANCE = "qcs::redis:<region>:uin/<account>:instance/<instanceId>";
const SECRET = "qcs::ssm:<region>:uin/<account>:secret/creatorUin/<creator>/<secretName>";
const ACTION =
  /"((?!\w+Failed")(?:Describe|Get|List|Reset|Modify|Modfiy|Create|Put|Update|Delete)[A-Z]\w+)"/g;

/** The names of API actions in the texts of some files, as `service:Action`. */
async function actionsIn(service: string, folder: string, files: RegExp): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => files.test(name));
  const texts = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")));
  return texts.flatMap((text) => [...text.matchAll(ACTION)].map(([, action]) => `${service}:${action}`));
}

const sorted = (actions: readonly string[]) => [...new Set(actions)].sort();
const resourcesOf = ({ resource = [] }: CamStatement) => [resource].flat();

it("are all of them looked at here", async () => {
  const files = await readdir("deploy/scf/policies");
  expect(files.sort()).toEqual(POLICIES.map((name) => `${name}.json`).sort());
});

describe.each(POLICIES)("the policy %s", (name) => {
  it("is in CAM's second version, and names each action in full", async () => {
    const policy = await readPolicy(name);
    expect(policy.version).toBe("2.0");
    for (const action of actionsGranted(policy)) expect(action).toMatch(/^[a-z]+:[A-Za-z]+$/);
  });

  it("has no placeholder that the README does not explain", async () => {
    const text = await readFile(`deploy/scf/policies/${name}.json`, "utf8");
    const readme = await readFile("deploy/scf/README.md", "utf8");
    for (const [placeholder] of text.matchAll(/<\w+>/g)) expect(readme).toContain(`\`${placeholder}\``);
  });
});

describe("the function's role", () => {
  it("may call what its drivers call, and nothing else", async () => {
    const policies = await Promise.all(["function", "function-api-2.0", "function-fleet"].map(readPolicy));
    const redis = await actionsIn("redis", "lib/drivers", /^tencent-redis/);
    const ssm = await actionsIn("ssm", "lib/drivers", /ssm/);
    const granted = sorted(policies.flatMap(actionsGranted));
    // CAM's documents call the action of Invoke so; the other name is the API's own.
    const scf = ["scf:InvokeFunction", "scf:Invoke"];
    expect(await readFile("lib/drivers/scf-invoke.ts", "utf8")).toContain('action: "Invoke"');
    expect(granted).toEqual(sorted([...redis, ...ssm, ...scf]));
  });

  it("may change its own instances and secrets, and no others", async () => {
    const { statement } = await readPolicy("function");
    for (const each of statement) {
      const changing = actionsOf(each).filter((action) => !/:(Describe|Get|List)/.test(action));
      if (changing.length > 0) expect([[INSTANCE], [SECRET]]).toContainEqual(resourcesOf(each));
    }
  });

  it("may read of every instance only what CAM cannot limit to one", async () => {
    const { statement } = await readPolicy("function");
    const everywhere = statement.filter((each) => resourcesOf(each).includes("*")).flatMap(actionsOf);
    expect(everywhere).toEqual(["redis:DescribeInstancePasswordPolicy", "redis:DescribeTaskInfo"]);
  });

  it("may hand secrets over to itself alone; of others it may, for a fleet, read lists and nothing more", async () => {
    const { statement } = await readPolicy("function-fleet");
    expect(statement.map((each) => [actionsOf(each), resourcesOf(each)])).toEqual([
      [["ssm:ListSecrets"], ["*"]],
      [["redis:DescribeInstances", "redis:DescribeTaskList"], ["*"]],
      [
        ["scf:InvokeFunction", "scf:Invoke"],
        ["qcs::scf:<region>:uin/<account>:namespace/default/function/<functionName>"],
      ],
    ]);
  });

  it("may read one secret besides, which says where notifications go, and not write it", async () => {
    const { statement } = await readPolicy("function-notify");
    expect(statement.map((each) => [actionsOf(each), resourcesOf(each)])).toEqual([
      [
        ["ssm:DescribeSecret", "ssm:ListSecretVersionIds", "ssm:GetSecretValue"],
        [SECRET.replace("<secretName>", "<webhookSecretName>")],
      ],
    ]);
  });

  it("may be taken on by SCF alone", async () => {
    expect((await readPolicy("trust")).statement).toEqual([
      { effect: "allow", action: "name/sts:AssumeRole", principal: { service: ["scf.qcloud.com"] } },
    ]);
  });
});

it("a consumer may read one secret, and nothing else", async () => {
  const policy = await readPolicy("consumer");
  expect(actionsGranted(policy)).toEqual(["ssm:GetSecretValue"]);
  expect(policy.statement.flatMap(resourcesOf)).toEqual([SECRET]);
});

it("whoever deploys may call what the script calls, on one function, and pass one role", async () => {
  const policy = await readPolicy("deployer");
  const called = await actionsIn("scf", "deploy/scf", /\.ts$/);
  expect(actionsGranted(policy)).toEqual(sorted([...called, "cam:PassRole"]));
  expect(policy.statement.flatMap(resourcesOf).filter((resource) => resource.includes("*"))).toEqual([]);
});

it("what a policy denies is not granted, and an action counts once", () => {
  const statement = [
    { effect: "allow", action: ["ssm:A", "name/ssm:B", "ssm:B"], resource: ["*"] },
    { effect: "allow", action: "ssm:C", resource: "*" },
    { effect: "deny", action: "ssm:A", resource: "*" },
  ];
  expect(actionsGranted({ version: "2.0", statement })).toEqual(["ssm:B", "ssm:C"]);
});
