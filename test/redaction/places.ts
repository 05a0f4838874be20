import Table from "cli-table3";
import { KINDS, type Kind, type Marks } from "./marks.ts";

/** Where a secret could be found. */
export const PLACES = [
  "standard output",
  "standard error",
  "replies",
  "errors",
  "reports",
  "process arguments",
  "environments of children",
  "files left behind",
] as const;
export type PlaceKind = (typeof PLACES)[number];

interface Place {
  readonly kind: PlaceKind;
  /** Which process or flow, for whoever has to find it. */
  readonly label: string;
  readonly text: string;
}

export interface Found {
  readonly secrets: Kind;
  readonly place: PlaceKind;
  readonly label: string;
}

export interface Places {
  add(kind: PlaceKind, label: string, text: string): void;
  count(kind: PlaceKind): number;
  /** Every kind of secret in every place that holds one: never the secret itself. */
  search(marks: Marks): readonly Found[];
  /** What has been searched for, and where. */
  table(marks: Marks, found: readonly Found[]): string;
}

export function createPlaces(): Places {
  const places: Place[] = [];
  const of = (kind: PlaceKind) => places.filter((place) => place.kind === kind);
  return {
    add: (kind, label, text) => void places.push({ kind, label, text }),
    count: (kind) => of(kind).length,
    search(marks) {
      const holds = marks.search();
      return places.flatMap(({ kind: place, label, text }) =>
        [...holds(text)].map((secrets) => ({ secrets, place, label })),
      );
    },
    table(marks, found) {
      const searched = new Table({ head: ["searched", "places", "bytes", "found"], style: { head: [] } });
      const sum = (list: readonly Place[]) =>
        list.reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0);
      for (const kind of PLACES) {
        searched.push([
          kind,
          of(kind).length,
          sum(of(kind)),
          found.filter(({ place }) => place === kind).length,
        ]);
      }
      searched.push(["all", places.length, sum(places), found.length]);
      const secrets = new Table({ head: ["searched for", "different ones", "found"], style: { head: [] } });
      for (const kind of KINDS) {
        secrets.push([kind, marks.count(kind), found.filter(({ secrets }) => secrets === kind).length]);
      }
      return `${searched}\n${secrets}`;
    },
  };
}
