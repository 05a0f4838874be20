/** What the clouds take: their documented limits. */

/** Calls a second, for each action in each region. What is not named has the limit of most actions of Tencent Cloud. */
const CALLS_PER_SECOND: Readonly<Record<string, number>> = {
  // SSM's API documents, "default request limit".
  DescribeSecret: 40,
  ListSecretVersionIds: 40,
  GetSecretValue: 300,
  // Secrets Manager User Guide, "Quotas": PutSecretValue and UpdateSecretVersionStage together.
  changes: 50,
};
const OTHER_CALLS_PER_SECOND = 20;

/** The limit of a key `<region>/<action>`. `own`: what the operator has set for Tencent Cloud's actions. */
export function callsPerSecond(own: number | undefined): (key: string) => number {
  return (key) => {
    const documented = CALLS_PER_SECOND[key.replace(/.*\//, "")];
    return documented ?? own ?? OTHER_CALLS_PER_SECOND;
  };
}
