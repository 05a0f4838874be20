import { randomUUID } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "vitest";
import type { Answer } from "../../../lib/ports.ts";
import { SCHEDULE } from "../../integration/world.ts";
import { inScene, type Proof, trickyPassword } from "../scene.ts";
import { FLEET } from "./lambda.ts";

const instances = FLEET.slice(0, 1);

/** Secrets in variables that are for something else, and endpoints with a password in them. */
export const configuration = (proof: Proof) =>
  inScene(proof, { instances }, async ({ environment, startFunction }) => {
    const secret = `m1splaced-${Math.random().toString(36).slice(2)}XyZ`;
    proof.marks.add("other secrets", secret);
    const url = `https://user:${secret}@127.0.0.1:9/${secret}?key=${secret}`;
    const mistakes: Readonly<Record<string, string>>[] = [
      ...[
        "VERIFY",
        "PASSWORD_LENGTH",
        "SECRET_STORE",
        "SECRET_STORE_REGION",
        "TENCENTCLOUD_SITE",
        "ROTATION_TAG",
        "ROTATION_CANARY",
        "ROTATION_WINDOW",
        "ROTATION_WINDOW_TIMEZONE",
        "ROTATION_QUEUE_URL",
        "ROTATION_FAN_OUT_SIZE",
        "API_CALLS_PER_SECOND",
        "ALTERNATION_INTERVAL_MINUTES",
        "TENCENTCLOUD_ROLE_ARN",
        "TENCENTCLOUD_PROVIDER_ID",
        "TENCENTCLOUD_STS_REGION",
        "LOG_LEVEL",
        "AWS_REGION",
        "HTTPS_PROXY",
      ].map((name) => ({ [name]: `${secret} ${secret}` })),
      { TENCENTCLOUD_ENDPOINT_URL: url },
      { TENCENTCLOUD_ENDPOINT_URL: `http://user:${secret}@127.0.0.1:9` },
      { TENCENTCLOUD_ENDPOINT_URL: `no url ${secret}` },
      { AWS_ENDPOINT_URL_SECRETS_MANAGER: url },
      { AWS_ENDPOINT_URL_SECRETS_MANAGER: `no url ${secret}` },
      { ROTATION_QUEUE_URL: url, ROTATION_SECRETS: "a,b" },
      { TENCENTCLOUD_SECRET_KEY: `${secret}\n${secret}` },
      {
        TENCENTCLOUD_SECRET_ID: `${environment.TENCENTCLOUD_SECRET_ID}\u0000`,
        TENCENTCLOUD_SECRET_KEY: secret,
      },
      { AWS_SECRET_ACCESS_KEY: `${secret}\r\nX: y` },
      { AWS_SESSION_TOKEN: `${secret}\r\nX: y` },
      { TENCENTCLOUD_SESSION_TOKEN: `${secret}\r\nX: y` },
      { TENCENTCLOUD_SECRET_KEY: secret },
      { AWS_SECRET_ACCESS_KEY: secret },
    ].map((variables) => variables as Readonly<Record<string, string>>);
    const ends = await Promise.all(
      mistakes.map(async (variables) => {
        const label = `configuration: ${Object.keys(variables).join()}`;
        const lambda = await startFunction("lambda", label, withoutNulls(variables));
        const { answer, error } = await lambda.invoke(SCHEDULE);
        return answer === undefined ? error?.name : (answer as Answer).summary.failed;
      }),
    );
    expect(ends.filter((end) => end === undefined)).toEqual([]);
  });

/** No process can be started with one. */
function withoutNulls(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, value.replaceAll("\u0000", "\u0001")]),
  );
}

/** Secrets with a password in them that are no JSON, or not the right one. */
export const unreadable = (proof: Proof) =>
  inScene(proof, { instances }, async ({ cloud, startFunction }) => {
    const password = trickyPassword();
    proof.marks.add("Redis passwords", password);
    const good = JSON.parse(cloud.secrets.currentText("crs-reset"));
    const texts = [
      JSON.stringify({ ...good, password }).slice(0, -2),
      `${JSON.stringify({ ...good, password })}${password}`,
      password,
      JSON.stringify(password),
      JSON.stringify([password]),
      ...["engine", "region", "instanceId", "host", "port", "ssl", "username", "api", "usernames"].map(
        (field) => JSON.stringify({ ...good, [field]: password }),
      ),
      JSON.stringify({ ...good, password: { [password]: password } }),
      JSON.stringify({ ...good, usernames: [password, password] }),
    ];
    const names = texts.map((SecretString, index) => {
      const Name = `unreadable-${index}`;
      cloud.secretsManager.call("CreateSecret", { Name, SecretString, ClientRequestToken: randomUUID() });
      return Name;
    });
    const lambda = await startFunction("lambda", "secrets that cannot be read");
    for (const action of ["rotate", "plan", "status", "verify", "rollback", "abandon"]) {
      for (const secret of names) await lambda.invoke({ action, secrets: [secret] });
      const { answer } = await lambda.invoke({ action, secrets: names });
      expect((answer as Answer).results).toHaveLength(names.length);
    }
  });

/** What an old Redis, a proxy or somebody else may answer to AUTH, and quote. */
const REDIS_ANSWERS: readonly ((sent: string) => string)[] = [
  (sent) => `-ERR unknown command 'AUTH' with args beginning with: ${lines(sent)}\r\n`,
  (sent) => `-ERR unknown command \`AUTH\`, with args beginning with: '${lines(sent)}'\r\n`,
  (sent) => sent,
  (sent) => `+${lines(sent)}\r\n`,
  (sent) => `-WRONGPASS ${lines(sent)}\r\n`,
  (sent) => `-NOPERM ${lines(sent)}\r\n`,
  (sent) => `-MOVED 1 ${lines(sent)}\r\n`,
  (sent) => `HTTP/1.1 400 ${lines(sent)}\r\n\r\n`,
  (sent) => `$${lines(sent)}\r\n`,
];
const lines = (sent: string) => sent.replace(/[\r\n]+/g, " ");

/** Instances at whose address something indiscreet answers in Redis's place. */
export const redisEnds = (proof: Proof) => {
  const ends = REDIS_ANSWERS.map((answer, index) => ({ answer, instanceId: `crs-end${index}` }));
  const region = "ap-guangzhou";
  const ofEach = ends.map(({ instanceId }) => ({ instanceId, region, accounts: [{ name: "app" }] }));
  return inScene(proof, { instances: ofEach }, async ({ cloud, startFunction }) => {
    const sockets = new Set<Socket>();
    const servers = await Promise.all(
      ends.map(async ({ answer }) => {
        const server = createServer((socket) => {
          sockets.add(socket);
          socket.on("error", () => {});
          socket.on("data", (sent) => socket.write(answer(sent.toString())));
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return server;
      }),
    );
    const secrets = ends.flatMap(({ instanceId }, index) =>
      ["default", "app"].map((username) => {
        const Name = `${instanceId}-${username}`;
        const { port } = (servers[index] as Server).address() as AddressInfo;
        const value = { ...JSON.parse(cloud.secrets.currentText(instanceId)), port, username };
        const SecretString = JSON.stringify(value);
        cloud.secretsManager.call("CreateSecret", { Name, SecretString, ClientRequestToken: randomUUID() });
        return Name;
      }),
    );
    try {
      for (const VERIFY of ["auth", "task"]) {
        const lambda = await startFunction("lambda", `Redis quotes AUTH, VERIFY=${VERIFY}`, { VERIFY });
        for (const action of ["verify", "rotate", "rollback"]) {
          const { answer } = await lambda.invoke({ action, secrets, force: action === "rotate" });
          expect((answer as Answer).results).toHaveLength(secrets.length);
        }
      }
    } finally {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
    }
  });
};
