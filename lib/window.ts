import { parseCronExpression } from "cron-schedule";

/** Whether rotations may begin at a moment, in milliseconds since the epoch. */
export type MaintenanceWindow = (nowMs: number) => boolean;

const FIELDS = {
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
} as const;

const LEAP_YEAR = 2028;
/** Each month and day that there is. */
function allDays(): (readonly [month: number, day: number])[] {
  return Array.from({ length: 366 }, (_, index) => {
    const date = new Date(Date.UTC(LEAP_YEAR, 0, 1 + index));
    return [date.getUTCMonth() + 1, date.getUTCDate()];
  });
}

/**
 * The minutes that a cron expression of five fields names, by the clocks of an IANA time zone: `* 1-4 * * 6,0` is every
 * minute from 1:00 to 4:59 on weekends. Where days of the month and of the week are both limited, either is enough, as in cron.
 *
 * @throws Error where the expression or the time zone is none, or an hourly timer could miss the window for ever
 */
export function maintenanceWindow(expression: string, timeZone: string): MaintenanceWindow {
  if (expression.trim().split(/\s+/).length !== 5) throw new Error("must have five fields");
  const { minutes, hours, days, months, weekdays } = parseCronExpression(expression);
  // A timer rings once an hour, and nobody knows in which minute.
  if (minutes.length < 60) throw new Error("must hold whole hours");
  const isDay = (year: number, month: number, day: number): boolean => {
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
    const isBothLimited = days.length < 31 && weekdays.length < 7;
    const [isOfMonth, isOfWeek] = [days.includes(day), weekdays.includes(weekday)];
    return months.includes(month - 1) && (isBothLimited ? isOfMonth || isOfWeek : isOfMonth && isOfWeek);
  };
  if (!allDays().some(([month, day]) => isDay(LEAP_YEAR, month, day))) throw new Error("must come");
  const local = new Intl.DateTimeFormat("en-u-hc-h23", { ...FIELDS, timeZone });
  return (nowMs) => {
    const parts = local.formatToParts(nowMs);
    const [year = 0, month = 0, day = 0, hour = 0] = Object.keys(FIELDS).map((field) =>
      Number(parts.find(({ type }) => type === field)?.value),
    );
    return hours.includes(hour) && isDay(year, month, day);
  };
}
