import { randomUUID } from "node:crypto";
import type { Clock } from "../../../lib/ports.ts";
import type { Key } from "../secrets-manager/sigv4.ts";
import type { Credential } from "../tencentdb/tc3.ts";
import type { CallWatcher } from "../watched-call.ts";
import { type AwsSts, createAwsSts } from "./aws-sts.ts";
import { startAwsSts } from "./aws-sts-server.ts";
import { createIdentityIssuer, type IdentityIssuer } from "./identity-issuer.ts";
import { createTencentSts, type FederatedRole, type TencentSts } from "./tencent-sts.ts";

export interface FederationOptions {
  readonly clock: Clock;
  /** Of the function, by access key id. */
  readonly keys: Readonly<Record<string, Key>>;
  readonly region: string;
  /** Where Tencent Cloud's temporary keys are put. */
  readonly credentials: Credential[];
  /** Of the CAM role's sessions. */
  readonly maxSeconds?: number;
  readonly onCall?: CallWatcher | undefined;
}

export interface Federation {
  /** What a function needs in place of Tencent Cloud's keys. */
  readonly environment: Readonly<Record<string, string>>;
  readonly issuer: IdentityIssuer;
  readonly aws: AwsSts;
  readonly tencent: TencentSts;
  readonly role: FederatedRole;
  close(): Promise<void>;
}

export const FUNCTION_ROLE = "arn:aws:iam::123456789012:role/redis-rotation";
export const AUDIENCE = "sts.tencentcloudapi.com";
const PROVIDER = "aws-rotation";

/** An AWS account that issues identity tokens, and a Tencent Cloud account that trusts them, set up as documented. */
export async function startFederation(options: FederationOptions): Promise<Federation> {
  const { clock, region, credentials, onCall, maxSeconds } = options;
  const issuer = createIdentityIssuer(`https://${randomUUID()}.tokens.sts.global.api.aws`);
  const aws = createAwsSts({ clock, newId: randomUUID, issuer, grant: { audiences: [AUDIENCE] } });
  const role: FederatedRole = {
    arn: "qcs::cam::uin/100000000001:roleName/redis-rotation",
    provider: PROVIDER,
    trusted: { iss: [issuer.url], aud: [AUDIENCE], sub: [FUNCTION_ROLE] },
    ...(maxSeconds !== undefined && { maxSeconds }),
  };
  const { url, keySet } = issuer;
  const provider = { name: PROVIDER, issuer: url, clientIds: [AUDIENCE], keySet };
  const tencent = createTencentSts({ clock, providers: [provider], roles: [role], credentials });
  const principal = { arn: FUNCTION_ROLE };
  const keys = Object.fromEntries(
    Object.entries(options.keys).map(([id, key]) => [id, { ...key, principal }]),
  );
  const server = await startAwsSts({ clock, newId: randomUUID, keys, sts: aws, region, onCall });
  return {
    environment: {
      TENCENTCLOUD_ROLE_ARN: role.arn,
      TENCENTCLOUD_PROVIDER_ID: PROVIDER,
      AWS_ENDPOINT_URL_STS: server.url,
    },
    issuer,
    aws,
    tencent,
    role,
    close: () => server.close(),
  };
}
