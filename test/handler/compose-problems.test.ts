import { expect, it } from "vitest";
import { compose } from "../../handler/compose.ts";

const BAD = {
  SECRET_STORE: "ssm",
  VERIFY: "perhaps",
  REDIS_CA_BUNDLE: "/nowhere/ca.pem",
  TENCENTCLOUD_ENDPOINT_URL: "http://198.51.100.7",
  HTTPS_PROXY: "socks5://proxy",
};

const composed = (environment: Record<string, string>) =>
  compose({ environment, remainingMs: 900_000, defaultStore: "aws", log: { bindings: {} } });

it("names everything that is wrong with an environment at once", async () => {
  const problems = composed(BAD);
  await expect(problems).rejects.toMatchObject({ code: "ConfigurationInvalid", effect: "none" });
  for (const named of [
    "VERIFY:",
    "REDIS_CA_BUNDLE:",
    "ENDPOINT_URL",
    "HTTPS_PROXY:",
    "credentials",
    "SECRET_STORE_REGION:",
  ]) {
    await expect(problems).rejects.toThrow(named);
  }
});

it("keeps the code of what is wrong alone", async () => {
  const environment = { SECRET_STORE: "ssm", SECRET_STORE_REGION: "ap-guangzhou" };
  await expect(composed(environment)).rejects.toMatchObject({ code: "CredentialsMissing" });
});
