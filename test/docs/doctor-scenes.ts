import { randomUUID } from "node:crypto";
import { type CloudOptions, type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { secretName } from "../cloud/secrets.ts";
import { type Outcome, runCommand } from "../integration/command.ts";

const ORDERS = "crs-5a4py64p";
const SESSIONS = "crs-7ktls0qz";

type Environment = Readonly<Record<string, string>>;

/** One thing that is broken, and how. It is mended again when the command has run. */
interface Scene {
  /** Of the section of docs/doctor.md. */
  readonly heading: string;
  readonly exit: number;
  readonly cloud?: Partial<CloudOptions>;
  /** What differs in the environment, once the cloud itself is broken. */
  readonly arrange?: (cloud: LocalCloud) => Promise<Environment> | Environment;
}

function rewrite(cloud: LocalCloud, instanceId: string, edit: (text: string) => string): Environment {
  cloud.secretsManager.call("PutSecretValue", {
    SecretId: secretName(instanceId),
    ClientRequestToken: randomUUID(),
    SecretString: edit(cloud.secrets.currentText(instanceId)),
  });
  return {};
}

/** The same secret with another field. */
const withField = (cloud: LocalCloud, field: string, value: unknown) =>
  rewrite(cloud, ORDERS, (text) => JSON.stringify({ ...JSON.parse(text), [field]: value }));

export const SCENES: readonly Scene[] = [
  { heading: "All is good", exit: 0 },
  {
    heading: "The secrets are in SSM, and a region is a finance region",
    exit: 0,
    cloud: {
      store: "ssm",
      instances: [
        { instanceId: ORDERS, region: "ap-guangzhou" },
        { instanceId: "crs-9fsibank", region: "ap-shanghai-fsi", tls: true },
      ],
    },
  },
  {
    heading: "Variables are wrong",
    exit: 2,
    arrange: () => ({ VERIFY: "maybe", PASSWORD_LENGTH: "7", REDIS_CA_BUNDLE: "/missing/ca.pem" }),
  },
  {
    heading: "The key of Tencent Cloud is wrong",
    exit: 1,
    arrange: () => ({ TENCENTCLOUD_SECRET_KEY: "somebody-elses" }),
  },
  {
    heading: "A permission is missing",
    exit: 1,
    arrange(cloud) {
      const message =
        "You are not authorized to perform operation (redis:DescribeTaskList), resource (*) has no permission";
      const denial = { kind: "error", code: "UnauthorizedOperation", message } as const;
      cloud.tencentDb.failNext("DescribeTaskList", denial, { times: Number.POSITIVE_INFINITY });
      return {};
    },
  },
  {
    heading: "The clock is ten minutes fast",
    exit: 1,
    arrange(cloud) {
      cloud.clock.shiftMs = -600_000;
      return {};
    },
  },
  {
    heading: "Redis cannot be reached",
    exit: 1,
    async arrange(cloud) {
      await cloud.redis.get(ORDERS)?.stop();
      return {};
    },
  },
  {
    heading: "The certificate is not trusted",
    exit: 1,
    cloud: { instances: [{ instanceId: ORDERS, region: "ap-guangzhou", tls: true }] },
    arrange: () => ({ REDIS_CA_BUNDLE: "" }),
  },
  {
    heading: "A password was changed by hand",
    exit: 1,
    async arrange(cloud) {
      await cloud.redis.get(ORDERS)?.setPassword("changed-by-hand-1");
      return {};
    },
  },
  {
    heading: "A secret names the wrong region",
    exit: 1,
    arrange: (cloud) => withField(cloud, "region", "ap-singapore"),
  },
  {
    heading: "A secret is no JSON",
    exit: 1,
    arrange: (cloud) => rewrite(cloud, ORDERS, (text) => text.slice(0, -1)),
  },
];

const TWO: CloudOptions = {
  instances: [
    { instanceId: ORDERS, region: "ap-guangzhou" },
    { instanceId: SESSIONS, region: "ap-singapore" },
  ],
};

export interface Played extends Outcome {
  readonly cloud: LocalCloud;
}

/** Runs `doctor` of the built command in a cloud of the scene's own. */
export async function play(scene: Scene, file: string, ...args: readonly string[]): Promise<Played> {
  const cloud = await startCloud({ ...TWO, ...scene.cloud });
  try {
    const changed = await scene.arrange?.(cloud);
    const environment = { ...cloud.environment, ...changed };
    return { ...(await runCommand(["doctor", ...args], { file, environment })), cloud };
  } finally {
    await cloud.close();
  }
}

/** The output without what differs from run to run. */
export function masked(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/RequestId [0-9a-f-]{36}/g, "RequestId …")
    .replace(/(:secret:\S+)-[0-9A-Za-z]{6}(?= )/g, "$1-…")
    .replace(/(clock is )(59[5-9]|60[0-5]) s/g, "$1600 s");
}
