import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { Answer } from "../../../lib/ports.ts";
import { startProxy } from "../../drivers/loopback-proxy.ts";
import { without } from "../../integration/world.ts";
import { ERRORS, ODDITIES, QUOTATIONS } from "../quotations.ts";
import { inScene, type Proof, type Scene } from "../scene.ts";
import { FLEET, summaryOf } from "./lambda.ts";

const TENCENT_KEYS = ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_SESSION_TOKEN"];
const rotate = { action: "rotate", force: true };
const instances = FLEET.slice(0, 3);

/** Keys of Tencent Cloud from a secret of AWS, which is good, and then in several ways is not. */
export const fromSecret = (proof: Proof) =>
  inScene(proof, { instances }, async ({ cloud, environment }) => {
    const {
      TENCENTCLOUD_SECRET_ID: secretId,
      TENCENTCLOUD_SECRET_KEY: secretKey,
      TENCENTCLOUD_SESSION_TOKEN: token,
    } = environment;
    const good = JSON.stringify({ secretId, secretKey, token });
    const values = [
      good,
      good.slice(0, -9),
      JSON.stringify({ secretId, [secretKey ?? ""]: 1 }),
      secretKey ?? "",
      "{}",
    ];
    for (const [index, SecretString] of values.entries()) {
      const Name = `keys-${index}`;
      cloud.secretsManager.call("CreateSecret", { Name, SecretString, ClientRequestToken: randomUUID() });
      const variables = {
        ...without(environment, ...TENCENT_KEYS),
        TENCENTCLOUD_CREDENTIALS_SECRET_ID: Name,
      };
      const lambda = await proof.processes.startFunction(
        "lambda",
        `credentials from a secret, ${index}`,
        variables,
      );
      const { answer, error } = await lambda.invoke(rotate);
      expect(error?.name ?? (answer as Answer).summary.rotated).toBe(index === 0 ? 3 : "CredentialsMissing");
      await lambda.close();
    }
  });

/** An identity token of AWS for a role of Tencent Cloud, with both ends refusing and quoting. */
export const federation = (proof: Proof) =>
  inScene(proof, { instances }, async ({ cloud, environment, tencent, sts }) => {
    const variables = {
      ...without(environment, ...TENCENT_KEYS),
      ...cloud.federation.environment,
      AWS_ENDPOINT_URL_STS: sts.url,
    };
    const once = async (label: string) => {
      const lambda = await proof.processes.startFunction("lambda", `federation: ${label}`, variables);
      const heard = await lambda.invoke(rotate);
      await lambda.close();
      return heard;
    };
    for (const [name, quote] of Object.entries(QUOTATIONS)) {
      const plans = [
        sts.plan({
          action: "GetWebIdentityToken",
          answer: (all) => ERRORS["AWS STS"]("AccessDenied", quote(all)),
        }),
        tencent.plan({
          action: "AssumeRoleWithWebIdentity",
          answer: (all) => ERRORS["API 3.0"]("AuthFailure", quote(all)),
        }),
      ];
      await once(`AWS quotes ${name}`);
      await once(`Tencent Cloud quotes ${name}`);
      expect(plans.map(({ met }) => met)).toEqual([1, 1]);
    }
    for (const [name, answer] of Object.entries(ODDITIES).slice(0, 4)) {
      const odd = (all: Parameters<typeof answer>[1]) => answer(JSON.stringify(all), all);
      sts.plan({ action: "GetWebIdentityToken", answer: odd });
      tencent.plan({ action: "AssumeRoleWithWebIdentity", answer: odd });
      await once(name);
    }
    expect(summaryOf(await once("granted")).rotated).toBe(3);
    for (const { secretKey, token } of cloud.federation.tencent.granted) {
      proof.marks.add("secret keys of Tencent Cloud", secretKey);
      proof.marks.add("session tokens", token);
    }
    for (const token of cloud.federation.aws.issued) proof.marks.add("identity tokens", token.split(".")[2]);
  });

/** A proxy with a password: the right one, a wrong one, and one that quotes what it was sent. */
export const proxy = (proof: Proof) =>
  inScene(proof, { store: "ssm", instances }, async (scene) => {
    const password = `pr0xy-p@ss/${Math.random().toString(36).slice(2)}`;
    const login = `me:${password}`;
    proof.marks.add("proxy passwords", password, login);
    const portOf = () => Number(new URL(scene.tencent.url).port);
    const asked = await startProxy({ login, portOf });
    const quoting = await startProxy({
      instead: (socket) =>
        socket.end(
          `HTTP/1.1 407 ${encodeURIComponent(login)}\r\nX-Login: ${Buffer.from(login).toString("base64")}\r\n\r\n${login}`,
        ),
    });
    try {
      const url = (to: { readonly url: string }, given = login) =>
        `http://${given.split(":").map(encodeURIComponent).join(":")}@${to.url.replace(/^.*[@/]/, "")}`;
      expect(summaryOf(await behind(proof, scene, url(asked), "the right password")).rotated).toBe(3);
      expect(
        summaryOf(await behind(proof, scene, url(asked, `me:x${password}`), "a wrong password")).rotated,
      ).toBe(0);
      expect(summaryOf(await behind(proof, scene, url(quoting), "it quotes")).rotated).toBe(0);
      for (const bad of [
        `socks5://${login}@127.0.0.1`,
        `http://me:100%${password}@127.0.0.1:1`,
        `http://${login}@:x`,
      ]) {
        const { answer, error } = await behind(proof, scene, bad, "no proxy");
        expect(error?.name ?? (answer as Answer).summary.rotated).not.toBe(3);
      }
    } finally {
      await asked.close();
      await quoting.close();
    }
  });

async function behind({ processes }: Proof, { environment }: Scene, HTTPS_PROXY: string, label: string) {
  // Nothing listens there: whoever does not ask the proxy gets nowhere.
  const variables = { ...environment, TENCENTCLOUD_ENDPOINT_URL: "http://127.77.0.1:9", HTTPS_PROXY };
  const scf = await processes.startFunction("scf", `behind a proxy: ${label}`, variables);
  const heard = await scf.invoke(rotate);
  await scf.close();
  return heard;
}
