/** A frame rate as the exact fraction `num / den` (24000/1001 for 23.976). */
export interface FrameRate {
  num: number;
  den: number;
}

/** Frames per second as a number. */
export function fps(rate: FrameRate): number {
  return rate.num / rate.den;
}

/** The number of frames that a second of timecode counts: 24 for 23.976, 30 for 29.97. */
export function nominalRate(rate: FrameRate): number {
  return Math.max(1, Math.round(fps(rate)));
}

/**
 * Non-drop-frame timecode `HH:MM:SS:FF` of a frame counted from zero. At 23.976 and 29.97 it therefore
 * runs slower than the clock on the wall, as it does in an edit.
 */
export function timecode(frame: number, rate: FrameRate): string {
  const base = nominalRate(rate);
  const whole = Math.max(0, Math.floor(frame));
  const seconds = Math.floor(whole / base);
  const parts = [
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60) % 60,
    seconds % 60,
    whole % base,
  ];
  return parts.map((n) => String(n).padStart(2, '0')).join(':');
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
