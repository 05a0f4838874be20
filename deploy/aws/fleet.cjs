// What the parameters say of the fleet that the schedule rotates.

const listed = (text) =>
  (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);

/** The value of a parameter, or undefined. */
const reader =
  ({ resolveVariable }) =>
  async (name) => {
    const value = await resolveVariable(`param:${name}, null`);
    return value === null ? undefined : String(value);
  };

/** Which of the three ways to say what the fleet is are taken. */
const fleetWays = async (param) => {
  const ways = [];
  if (listed(await param("rotationSecrets")).length > 0) ways.push("rotationSecrets");
  if ((await param("rotationTag")) !== undefined) ways.push("rotationTag");
  if ((await param("rotationPrefix")) !== undefined) ways.push("rotationPrefix");
  return ways;
};

const isDriven = async (param) => (await param("schedule")) === "true" && (await fleetWays(param)).length > 0;

/** What does not fit together of a fleet. */
const fleetProblems = async (param) => {
  const problems = [];
  const ways = await fleetWays(param);
  const managed = listed(await param("managedSecrets"));
  if (ways.length > 1) problems.push(`${ways.join(" and ")} are two ways to say what the fleet is`);
  if ((await param("onlyManaged")) === "true" && ways.length > 0) {
    problems.push(`onlyManaged takes from the role what ${ways.join(" and ")} needs`);
  }
  const tag = await param("rotationTag");
  if (tag !== undefined && !/^[^=]+=./.test(tag)) problems.push("rotationTag must be key=value");
  const prefix = await param("rotationPrefix");
  const secretPrefix = await param("secretPrefix");
  if (prefix !== undefined && !prefix.startsWith(secretPrefix)) {
    problems.push(`rotationPrefix must begin with secretPrefix, which is ${secretPrefix}`);
  }
  for (const name of managed.filter((each) => prefix !== undefined && each.startsWith(prefix))) {
    problems.push(`${name} is in managedSecrets and begins with rotationPrefix`);
  }
  const isFound = tag !== undefined || prefix !== undefined;
  if (isFound && managed.length > 0 && (await param("dailyVerify")) === "true") {
    problems.push("dailyVerify cannot name managedSecrets beside a fleet that is found when it runs");
  }
  if (
    (await param("rotationWindowTimezone")) !== undefined &&
    (await param("rotationWindow")) === undefined
  ) {
    problems.push("rotationWindowTimezone needs rotationWindow");
  }
  return problems;
};

/** What does not fit together of a queue. */
const queueProblems = async (param) => {
  if ((await param("queue")) !== "true") return [];
  const problems = [];
  if (!(await isDriven(param))) {
    problems.push("queue=true needs schedule=true and rotationSecrets, rotationTag or rotationPrefix");
  }
  const most = Number(await param("queueConcurrency"));
  if (!Number.isInteger(most) || most < 2 || most > 1000) {
    problems.push("queueConcurrency must be 2 to 1000");
  }
  const reserved = await param("reservedConcurrency");
  if (reserved !== undefined && Number(reserved) <= most) {
    problems.push("reservedConcurrency must be more than queueConcurrency: the schedule needs one as well");
  }
  return problems;
};

module.exports = { fleetProblems, fleetWays, isDriven, listed, queueProblems, reader };
