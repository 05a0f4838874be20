import type { CodeZip } from "../../deploy/scf/code-zip.ts";
import { deploy, type Wanted } from "../../deploy/scf/deployment.ts";
import type { ReportedCall } from "../../deploy/scf/reported-call.ts";
import { SCF_API_ERRORS } from "../../deploy/scf/scf-errors.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { createTencentClient } from "../../lib/drivers/tencent-client.ts";
import { createScfApi, type ScfApi } from "../cloud/scf/model.ts";
import { startTencentServer } from "../cloud/tencentdb/server.ts";
import { createVirtualClock } from "../fakes/clock.ts";

export const REGION = "ap-guangzhou";
export const NAME = "redis-rotation";
const KEY = { secretId: "AKIDdeployer", secretKey: "the-deployer's-key" };

export interface ScfAccount {
  readonly api: ScfApi;
  /** Deploys, and returns the changes that were told, in order. */
  run(
    wanted: Wanted,
    options?: { readonly dryRun?: boolean; readonly key?: typeof KEY },
  ): Promise<ReportedCall[]>;
  /** The names of the calls that have arrived since the last time. */
  arrived(): string[];
  close(): Promise<void>;
}

/** An account on the local SCF, which has a role, a VPC, and time that passes whenever somebody waits. */
export async function openAccount(changeMs = 2_000): Promise<ScfAccount> {
  const clock = createVirtualClock({ autoAdvance: true });
  const vpcs = { "vpc-1": ["subnet-1", "subnet-2"] };
  const api = createScfApi({ clock, changeMs, roles: ["rotation-role", "other-role"], vpcs });
  const server = await startTencentServer({ clock: systemClock, services: { scf: api }, credentials: [KEY] });
  let seen = 0;
  return {
    api,
    async run(wanted, { dryRun = false, key = KEY } = {}) {
      const client = createTencentClient({
        service: "scf",
        version: "2018-04-16",
        region: REGION,
        errors: SCF_API_ERRORS,
        credentials: async () => key,
        endpointUrl: server.url,
        signal: new AbortController().signal,
        clock,
        limiter: async () => {},
        timeoutMs: 2_000,
      });
      const told: ReportedCall[] = [];
      await deploy(wanted, { client, clock, dryRun, onCall: (call) => told.push(call) });
      return told;
    },
    arrived() {
      const names = api.calls.slice(seen).map(({ action }) => action);
      seen = api.calls.length;
      return names;
    },
    close: () => server.close(),
  };
}

export const isChange = (action: string): boolean => !/^(Get|List)/.test(action);

/** What is wanted of the function in most tests. */
export function wish(code: CodeZip, others: Partial<Wanted> = {}): Wanted {
  return {
    functionName: NAME,
    code,
    role: "rotation-role",
    vpc: { VpcId: "vpc-1", SubnetId: "subnet-1" },
    variables: { SECRET_STORE: "ssm", ROTATION_SECRETS: "redis-orders" },
    ...others,
  };
}
