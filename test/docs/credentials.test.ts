import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { STS_API_ERRORS } from "../../lib/drivers/tencent-sts.ts";
import { createAwsSts } from "../cloud/sts/aws-sts.ts";
import { createIdentityIssuer } from "../cloud/sts/identity-issuer.ts";
import { createTencentSts } from "../cloud/sts/tencent-sts.ts";
import type { Credential } from "../cloud/tencentdb/tc3.ts";

const page = readFileSync("docs/credentials.md", "utf8");
const [awsPolicy, trustPolicy] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) =>
  JSON.parse(text),
);
const clock = { now: () => Date.UTC(2026, 0, 1), sleep: async () => {} };

/** The settings with which a function lives in the accounts that the page sets up. */
const { role } = parseConfig(
  {
    TENCENTCLOUD_ROLE_ARN: /`(qcs::cam::uin\/\d+:roleName\/[\w-]+)`/.exec(page)?.[1],
    TENCENTCLOUD_PROVIDER_ID: "aws-rotation",
  },
  "aws",
);

describe("docs/credentials.md", () => {
  it("names every variable of the role, with its default", () => {
    const rows = [...page.matchAll(/^\| `(TENCENTCLOUD_\w+)` \|(.*)$/gm)].map(([, name, meaning = ""]) => ({
      name,
      fallback: /Default `([^`]+)`/.exec(meaning)?.[1],
    }));
    expect(rows).toEqual([
      { name: "TENCENTCLOUD_ROLE_ARN" },
      { name: "TENCENTCLOUD_PROVIDER_ID" },
      { name: "TENCENTCLOUD_ROLE_SESSION_NAME", fallback: role?.sessionName },
      { name: "TENCENTCLOUD_TOKEN_AUDIENCE", fallback: role?.audience },
      { name: "TENCENTCLOUD_STS_REGION", fallback: role?.region },
    ]);
  });

  it("has policies that let the function have its credentials, and nobody else", async () => {
    const [{ Action, Condition }] = awsPolicy.Statement;
    expect([awsPolicy.Statement.length, Action]).toEqual([1, "sts:GetWebIdentityToken"]);
    const [{ action, principal, condition }] = trustPolicy.statement;
    expect([trustPolicy.statement.length, action]).toEqual([1, "name/sts:AssumeRoleWithWebIdentity"]);
    const trusts = condition.string_equal;
    const [iss, sub] = [trusts["oidc:iss"], trusts["oidc:sub"]];

    const issuer = createIdentityIssuer(iss[0]);
    const aws = createAwsSts({
      clock,
      newId: randomUUID,
      issuer,
      grant: {
        audiences: Condition["ForAllValues:StringEquals"]["sts:IdentityTokenAudience"],
        maxSeconds: Condition.NumericLessThanEquals["sts:DurationSeconds"],
        algorithm: Condition.StringEquals["sts:SigningAlgorithm"],
      },
    });
    const [, provider] = /^qcs::cam::uin\/\d+:oidc-provider\/(.+)$/.exec(principal.federated[0]) ?? [];
    const credentials: Credential[] = [];
    const tencent = createTencentSts({
      clock,
      credentials,
      providers: [
        { name: provider ?? "", issuer: iss[0], clientIds: [role?.audience ?? ""], keySet: issuer.keySet },
      ],
      roles: [
        {
          arn: role?.roleArn ?? "",
          provider: provider ?? "",
          trusted: { iss, aud: trusts["oidc:aud"], sub },
        },
      ],
    });
    const exchange = (arn: string) => {
      const { token } = aws.call(
        { arn },
        {
          Action: "GetWebIdentityToken",
          Version: "2011-06-15",
          "Audience.member.1": role?.audience ?? "",
          SigningAlgorithm: "RS256",
          DurationSeconds: "300",
        },
      );
      return tencent.dispatch({
        host: "sts.tencentcloudapi.com",
        method: "POST",
        action: "AssumeRoleWithWebIdentity",
        version: "2018-08-13",
        region: role?.region,
        requestId: randomUUID(),
        parameters: {
          ProviderId: role?.providerId,
          WebIdentityToken: token,
          RoleArn: role?.roleArn,
          RoleSessionName: role?.sessionName,
          DurationSeconds: 3_600,
        },
      });
    };
    await exchange(sub[0]);
    expect(credentials).toHaveLength(1);
    await expect(exchange(`${sub[0]}-other`)).rejects.toMatchObject({ code: "UnauthorizedOperation" });
  });
});

describe("docs/errors.md", () => {
  it("says of STS's codes what the driver says", () => {
    const errors = readFileSync("docs/errors.md", "utf8");
    const [, table = ""] = /\| code of STS \|.*\n.*\n((?:\|.*\n)+)/.exec(errors) ?? [];
    const documented = table.split("\n").flatMap((line) => {
      const names = [...line.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
      const code = names.pop();
      return names.map((name) => [name, code]);
    });
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries([...STS_API_ERRORS].map(([name, [code]]) => [name, code])),
    );
  });
});
