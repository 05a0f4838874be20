import type { Version } from "./wire.ts";

export function holderOf(versions: readonly Version[], stage: string): Version | undefined {
  return versions.find((version) => version.stages.includes(stage));
}

/** A label is on one version at most: attaching it takes it off any other. AWSPREVIOUS follows AWSCURRENT by itself. */
export function attach(versions: readonly Version[], versionId: string, stage: string): readonly Version[] {
  const loser = holderOf(versions, stage);
  if (loser?.versionId === versionId) return versions;
  const moved = versions.map((version) => {
    const others = version.stages.filter((label) => label !== stage);
    return { ...version, stages: version.versionId === versionId ? [...others, stage].sort() : others };
  });
  return stage === "AWSCURRENT" && loser !== undefined
    ? attach(moved, loser.versionId, "AWSPREVIOUS")
    : moved;
}

export function detach(versions: readonly Version[], versionId: string, stage: string): readonly Version[] {
  return versions.map((version) =>
    version.versionId === versionId
      ? { ...version, stages: version.stages.filter((label) => label !== stage) }
      : version,
  );
}
