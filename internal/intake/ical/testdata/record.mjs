// Records how ical.js, which shares no code with the library in use here, follows 10,000 random rules:
//
//	npm install ical.js@2.2.1 && node record.mjs | gzip -9n >rules.txt.gz
//
// A line is DTSTART, RRULE, the number of repetitions within four years (at most 200), and the first half of the MD5 of
// all of them, each followed by a newline.
import { createHash } from 'node:crypto';
import ICAL from 'ical.js';

// A small generator of random numbers, so that the same rules come out each time.
let state = 20261128;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const within = (from, to) => from + Math.floor(random() * (to - from + 1));
const one = (list) => list[within(0, list.length - 1)];
const often = (share) => random() < share;
const some = (list, most) => {
  const chosen = new Set();
  for (let n = within(1, most); n > 0; n--) chosen.add(one(list));
  return list.filter((x) => chosen.has(x));
};
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const pad = (n, size = 2) => String(n).padStart(size, '0');

const days = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const weekday = (t) => ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'][t.dayOfWeek() - 1];
const numbered = ['1', '2', '3', '4', '5', '-1', '-2'].flatMap((n) => days.map((d) => n + d));

// A rule to which its start belongs, as RFC 5545 wants it. Rules with numbered weekdays begin with the first of them.
function rule(year, start) {
  const within12 = (most) => [...new Set([start.month, ...some(range(1, 12), most)])].sort((a, b) => a - b);
  const weekdays = (most) => days.filter(((chosen) => (d) => d === start.day || chosen.includes(d))(some(days, most)));
  const freq = one(['HOURLY', 'DAILY', 'DAILY', 'WEEKLY', 'WEEKLY', 'WEEKLY', 'MONTHLY', 'MONTHLY', 'YEARLY']);
  const parts = [`FREQ=${freq}`];
  if (often(0.4)) parts.push(`INTERVAL=${within(1, freq === 'HOURLY' ? 30 : 5)}`);
  if (often(0.3)) parts.push(`COUNT=${within(1, 40)}`);
  else if (often(0.4)) parts.push(`UNTIL=${year + within(0, 3)}${pad(within(1, 12))}${pad(within(1, 28))}T${pad(within(0, 23))}0000`);
  switch (freq) {
    case 'HOURLY':
    case 'DAILY':
      if (often(0.3)) parts.push(`BYMONTH=${within12(4)}`);
      if (often(0.3)) parts.push(`BYDAY=${weekdays(4)}`);
      break;
    case 'WEEKLY':
      if (often(0.7)) parts.push(`BYDAY=${weekdays(4)}`);
      if (often(0.4)) parts.push(`WKST=${one(['MO', 'SU'])}`);
      break;
    case 'MONTHLY':
      if (often(0.4)) parts.push(`BYMONTHDAY=${some([...range(1, 31), -1, -2, -5], 4)}`);
      else if (often(0.6)) parts.push(`BYDAY=${some(numbered, 3)}`);
      else if (often(0.7)) parts.push(`BYDAY=${some(days, 5)}`, `BYSETPOS=${one([1, 2, -1, -2])}`);
      break;
    case 'YEARLY':
      if (often(0.7)) {
        parts.push(`BYMONTH=${within12(3)}`);
        if (often(0.4)) parts.push(`BYDAY=${some(numbered, 2)}`);
        else if (often(0.5)) parts.push(`BYMONTHDAY=${some(range(1, 28), 3)}`);
      }
      break;
  }
  if (freq === 'DAILY' || freq === 'WEEKLY') {
    if (often(0.15)) parts.push(`BYHOUR=${[...new Set([start.hour, ...some(range(6, 20), 3)])].sort((a, b) => a - b)}`);
    if (often(0.1)) parts.push(`BYMINUTE=${[...new Set([start.minute, ...some([0, 15, 30, 45], 2)])].sort((a, b) => a - b)}`);
  }
  return parts.join(';');
}

// Whether BYSETPOS, if there is one, chooses a day of its month. ical.js begins with one that it does not choose.
function chosen(value, t) {
  const position = +(/BYSETPOS=(-?\d+)/.exec(value)?.[1] ?? 0);
  if (position === 0) return true;
  const candidates = range(1, ICAL.Time.daysInMonth(t.month, t.year)).filter((day) => {
    const one = new ICAL.Time({ year: t.year, month: t.month, day, isDate: true });
    return /BYDAY=([A-Z,]+)/.exec(value)[1].split(',').includes(weekday(one));
  });
  return t.day === candidates.at(position > 0 ? position - 1 : position);
}

for (let recorded = 0; recorded < 10000; ) {
  const year = within(2020, 2030);
  const start = `${year}${pad(within(1, 12))}${pad(within(1, 28))}T${pad(within(0, 23))}${one(['00', '15', '30'])}00`;
  const from = new ICAL.Time({
    year, month: +start.slice(4, 6), day: +start.slice(6, 8), hour: +start.slice(9, 11), minute: +start.slice(11, 13), second: 0, isDate: false,
  });
  const day = weekday(from);
  const value = rule(year, { month: from.month, day, hour: from.hour, minute: from.minute });
  const end = from.clone();
  end.year += 4;
  const hash = createHash('md5');
  let iterator;
  try {
    iterator = ICAL.Recur.fromString(value).iterator(from);
  } catch {
    continue; // it does not take every rule
  }
  let count = 0;
  let counts = true;
  for (let t; count < 200 && (t = iterator.next()) && t.compare(end) < 0; count++) {
    if (count === 0 && !chosen(value, t)) counts = false;
    hash.update(`${pad(t.year, 4)}${pad(t.month)}${pad(t.day)}T${pad(t.hour)}${pad(t.minute)}${pad(t.second)}\n`);
  }
  if (!counts) continue;
  recorded++;
  console.log(`${start} ${value} ${count} ${hash.digest('hex').slice(0, 16)}`);
}
