import Table from "cli-table3";

/** Prints a table under a title. In colour only where somebody looks at it. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (index === 0 ? "left" : "right")),
    ...(!process.stdout.isTTY && { style: { head: [], border: [] } }),
  });
  for (const row of rows) table.push([...row]);
  console.log(`\n${title}\n${table}`);
}

/** The value below which this share of the values lies, by nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error("There is nothing to take a quantile of");
  return value;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(0)} ms`;
}

export function bytes(value: number): string {
  return `${(value / 1000).toFixed(0)} kB`;
}
