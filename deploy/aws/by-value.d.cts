/** What osls hands to a function in a file of variables. */
export interface Variables {
  resolveVariable(address: string): Promise<unknown>;
}

/** Asked for a part of the template. */
export type Part<T = { readonly Resources?: Readonly<Record<string, unknown>> }> = (
  variables: Variables,
) => Promise<T>;

export const checked: Part;
export const key: Part;
export const listing: Part;
export const queueConcurrency: Part<number>;
export const rotationSchedules: Part;
export const moreAlarms: Part;
export const notifications: Part;
export const notifyTopic: Part<string | { readonly Ref: string } | null>;
export const driven: Part<boolean>;
export const verification: Part<{ readonly action: "verify"; readonly secrets?: readonly string[] }>;
