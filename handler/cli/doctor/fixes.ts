/** What to do about what is wrong: what the error says of itself, and more where the place to mend is known. */
import type { RotationError } from "../../../lib/errors.ts";

const POLICIES = "deploy/scf/policies";

/** By words of the error's message: the first that fits. */
const BY_WORDS: readonly (readonly [RegExp, string])[] = [
  [
    /AuthFailure\.SignatureExpire/,
    "Set this machine's clock by the network's time: a signature is good for 300 s. Temporary credentials may have ended: get new ones.",
  ],
  [
    /AuthFailure\.SecretIdNotFound|AuthFailure\.InvalidSecretId/,
    "Set the SecretId of a key that exists and is enabled; the international site has keys of its own (TENCENTCLOUD_SITE=intl).",
  ],
  [/AuthFailure\.SignatureFailure/, "Set the SecretKey that belongs to the SecretId."],
  [/AuthFailure\.TokenFailure/, "Get new temporary credentials, and set all three variables together."],
  [
    /UnrecognizedClientException|InvalidClientTokenId/,
    "Set an AWS access key that exists, and for a temporary one its session token as well.",
  ],
  [/InvalidSignatureException/, "Set the AWS secret access key that belongs to the access key id."],
  [/ExpiredTokenException/, "Get new temporary credentials of AWS."],
  [
    /the connection was refused/,
    "Compare host and port with the instance's address in the console: nothing listens there, or a firewall refuses.",
  ],
  [
    /no connection in time|no route to the host/,
    "Let this machine's network in: the instance's security group, its VPC's routes, or the VPN between the networks.",
  ],
  [/host name cannot be resolved/, "Correct host in the secret, or use a resolver that knows it."],
  [
    /certificate is not accepted/,
    "Set REDIS_CA_BUNDLE to a PEM file with the authority of the instance's certificate, and host to a name that it is for.",
  ],
  [
    /closed without an answer|was reset|connection failed|no answer in time/,
    "Set ssl in the secret to what the instance has: true with TLS, false without.",
  ],
];

/** What the messages of denied calls look like: `GetSecretValue of x: …` (AWS), `Secret x: GetSecretValue: …` (SSM), `DescribeTaskList: …`. */
const DENIED: readonly (readonly [RegExp, (action: string) => string])[] = [
  [
    /^(\w+) of .*AccessDeniedException/s,
    (action) =>
      `Grant secretsmanager:${action}, and kms:Decrypt where the secret has a key of its own: serverless.yml has the statements.`,
  ],
  [
    /^(?:Secret|The list).*?: (\w+): UnauthorizedOperation/s,
    (action) => `Grant ssm:${action}: ${policyOf(action)} has it.`,
  ],
  [/^(\w+): .*UnauthorizedOperation/s, (action) => `Grant redis:${action}: ${policyOf(action)} has it.`],
];

export function fixOf({ message, next }: RotationError): string {
  for (const [pattern, fix] of DENIED) {
    const [, action] = pattern.exec(message) ?? [];
    if (action !== undefined) return fix(action);
  }
  return BY_WORDS.find(([words]) => words.test(message))?.[1] ?? next;
}

/** Where a policy grants it. */
export function policyOf(action: string): string {
  if (action === "ModfiyRedisPassword") return `${POLICIES}/function-api-2.0.json`;
  return `${POLICIES}/${action === "ListSecrets" ? "function-fleet" : "function"}.json`;
}
