import { parseCronExpression } from "cron-schedule";

/** Whether rotations may begin at a moment, in milliseconds since the epoch. */
export type MaintenanceWindow = (nowMs: number) => boolean;

const FIELDS = {
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
} as const;

/**
 * The minutes that a cron expression of five fields names, by the clocks of an IANA time zone: `* 1-4 * * 6,0` is every
 * minute from 1:00 to 4:59 on weekends. Where days of the month and of the week are both limited, either is enough, as in cron.
 *
 * @throws Error where the expression or the time zone is none
 */
export function maintenanceWindow(expression: string, timeZone: string): MaintenanceWindow {
  if (expression.trim().split(/\s+/).length !== 5) throw new Error("must have five fields");
  const { minutes, hours, days, months, weekdays } = parseCronExpression(expression);
  const local = new Intl.DateTimeFormat("en-u-hc-h23", { ...FIELDS, timeZone });
  return (nowMs) => {
    const parts = local.formatToParts(nowMs);
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = Object.keys(FIELDS).map((field) =>
      Number(parts.find(({ type }) => type === field)?.value),
    );
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
    const isBothLimited = days.length < 31 && weekdays.length < 7;
    const [isDay, isWeekday] = [days.includes(day), weekdays.includes(weekday)];
    return (
      minutes.includes(minute) &&
      hours.includes(hour) &&
      months.includes(month - 1) &&
      (isBothLimited ? isDay || isWeekday : isDay && isWeekday)
    );
  };
}
