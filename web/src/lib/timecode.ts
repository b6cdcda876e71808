/** A frame rate as the exact fraction `num / den` (24000/1001 for 23.976). */
export interface FrameRate {
  num: number;
  den: number;
}

/** How a clip counts time: its rate, the number of its first frame, and whether numbers are dropped (29.97, 59.94). */
export interface TimecodeBase {
  rate: FrameRate;
  start: number;
  drop: boolean;
}

/** Frames per second as a number. */
export function fps(rate: FrameRate): number {
  return rate.num / rate.den;
}

/** The number of frames that a second of timecode counts: 24 for 23.976, 30 for 29.97. */
export function nominalRate(rate: FrameRate): number {
  return Math.max(1, Math.round(fps(rate)));
}

/** The frame numbers that drop-frame timecode leaves out each minute but every tenth: 2 at 29.97, 4 at 59.94. */
function droppedPerMinute(rate: FrameRate): number {
  const nominal = nominalRate(rate);
  return nominal % 30 === 0 && rate.den === 1001 ? (nominal / 30) * 2 : 0;
}

/** The number that a counted frame has in drop-frame timecode. */
function withDropped(frame: number, rate: FrameRate): number {
  const dropped = droppedPerMinute(rate);
  const perMinute = nominalRate(rate) * 60 - dropped;
  const perTen = perMinute * 10 + dropped;
  const tens = Math.floor(frame / perTen);
  const rest = frame % perTen;
  const minutes = rest < dropped ? 0 : Math.floor((rest - dropped) / perMinute);
  return frame + dropped * (9 * tens + minutes);
}

/**
 * Timecode `HH:MM:SS:FF` of a frame of the clip, counted from zero; `HH:MM:SS;FF` where numbers are dropped. Without
 * dropping, time at 23.976 and 29.97 runs slower than the clock on the wall, as it does in an edit.
 */
export function timecode(frame: number, base: TimecodeBase): string {
  const nominal = nominalRate(base.rate);
  const counted = Math.max(0, Math.floor(frame) + base.start);
  const whole = base.drop ? withDropped(counted, base.rate) : counted;
  const seconds = Math.floor(whole / nominal);
  const [hh, mm, ss, ff] = [
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
    whole % nominal,
  ].map((n) => String(n).padStart(2, '0'));
  return `${hh}:${mm}:${ss}${base.drop ? ';' : ':'}${ff}`;
}

/** How a clip counts time whose first frame carries this timecode; from zero where it carries none that makes sense. */
export function timecodeBase(rate: FrameRate, start: string | null | undefined): TimecodeBase {
  const parts = /^(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})$/.exec(start?.trim() ?? '');
  const none = { rate, start: 0, drop: false };
  if (!parts) return none;
  const [hours = 0, minutes = 0, seconds = 0, frames = 0] = [1, 2, 3, 5].map((n) =>
    Number(parts[n]),
  );
  const nominal = nominalRate(rate);
  if (minutes > 59 || seconds > 59 || frames >= nominal) return none;
  const number = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames;
  const dropped = parts[4] === ':' ? 0 : droppedPerMinute(rate);
  const all = hours * 60 + minutes;
  return { rate, start: number - dropped * (all - Math.floor(all / 10)), drop: dropped > 0 };
}

const rates: readonly FrameRate[] = [
  ...[24, 30, 48, 60, 120].map((n) => ({ num: n * 1000, den: 1001 })),
  ...[12, 15, 24, 25, 30, 48, 50, 60, 100, 120].map((num) => ({ num, den: 1 })),
];

/** The exact fraction behind a rate that was written as a number: 23.976 -> 24000/1001, 25 -> 25/1. */
export function exactRate(value: number): FrameRate | null {
  if (!Number.isFinite(value) || value <= 0) return null;
  const nearest = rates.reduce((a, b) =>
    Math.abs(fps(b) - value) < Math.abs(fps(a) - value) ? b : a,
  );
  if (Math.abs(fps(nearest) - value) < 0.005) return nearest;
  return { num: Math.round(value * 1000), den: 1000 };
}

/** Where the middle of a frame lies in the media, in seconds: seeking there always decodes that frame. */
export function frameCentre(frame: number, rate: FrameRate): number {
  return ((frame + 0.5) * rate.den) / rate.num;
}

/** The frame that a presentation time (seconds) belongs to; times come rounded, so a hair before counts. */
export function frameAt(seconds: number, rate: FrameRate): number {
  return Math.max(0, Math.floor((seconds * rate.num) / rate.den + 0.01));
}
