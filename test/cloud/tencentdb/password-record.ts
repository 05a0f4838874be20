export interface PasswordsSent {
  /** Calls that carried a new password, refused ones included. */
  readonly calls: number;
  /** Different passwords among them. */
  readonly distinct: number;
  /** Different passwords among those that arrived after the last change. */
  readonly distinctSinceChange: number;
}

/** Each answer is about one account where one is named, else about every account of the instance. */
export interface PasswordRecord {
  /** When a task last changed a password, in milliseconds since the epoch. */
  passwordChangedAt(instanceId: string, account?: string): number | undefined;
  passwordChanges(instanceId: string, account?: string): number;
  passwordsSent(instanceId: string, account?: string): PasswordsSent;
}

interface Entry {
  readonly instanceId: string;
  readonly account: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What was sent and what was changed, without any password. */
export function createPasswordRecord(): PasswordRecord & {
  addSent(entry: Entry & { readonly digest: string }): void;
  addChange(entry: Entry): void;
} {
  const sent: (Entry & { readonly digest: string })[] = [];
  const changes: Entry[] = [];
  const lastChange = (...which: Parameters<typeof about>) => changes.filter(about(...which)).at(-1)?.at;

  return {
    addSent: (entry) => void sent.push(entry),
    addChange: (entry) => void changes.push(entry),
    passwordChangedAt: lastChange,
    passwordChanges: (...which) => changes.filter(about(...which)).length,
    passwordsSent(...which) {
      const all = sent.filter(about(...which));
      const since = all.filter(({ at }) => at > (lastChange(...which) ?? Number.NEGATIVE_INFINITY));
      return { calls: all.length, distinct: countDistinct(all), distinctSinceChange: countDistinct(since) };
    },
  };
}

function about(instanceId: string, account?: string): (entry: Entry) => boolean {
  return (entry) => entry.instanceId === instanceId && (account === undefined || entry.account === account);
}

function countDistinct(sent: readonly { readonly digest: string }[]): number {
  return new Set(sent.map(({ digest }) => digest)).size;
}
