import { describe, expect, it } from 'vitest';
import { exactRate, frameAt, frameCentre, nominalRate, timecode, timecodeBase } from './timecode';
import type { FrameRate } from './timecode';

const pal = { num: 25, den: 1 };
const film = { num: 24000, den: 1001 };
const ntsc = { num: 30000, den: 1001 };

const from0 = (rate: FrameRate) => timecodeBase(rate, null);

describe('timecode', () => {
  it('counts frames, seconds, minutes and hours', () => {
    const base = from0(pal);
    expect(timecode(0, base)).toBe('00:00:00:00');
    expect(timecode(24, base)).toBe('00:00:00:24');
    expect(timecode(25, base)).toBe('00:00:01:00');
    expect(timecode(25 * 3600 + 25 * 61 + 3, base)).toBe('01:01:01:03');
  });

  it('counts 24 frames to the second at 23.976', () => {
    expect(nominalRate(film)).toBe(24);
    expect(timecode(23, from0(film))).toBe('00:00:00:23');
    expect(timecode(24, from0(film))).toBe('00:00:01:00');
  });

  it('never goes below zero and ignores the part of a frame', () => {
    expect(timecode(-3, from0(pal))).toBe('00:00:00:00');
    expect(timecode(25.9, from0(pal))).toBe('00:00:01:00');
  });

  it('begins where the clip does, and goes round at midnight', () => {
    expect(timecode(0, timecodeBase(pal, '10:00:00:00'))).toBe('10:00:00:00');
    expect(timecode(26, timecodeBase(pal, '01:02:03:04'))).toBe('01:02:04:05');
    expect(timecode(1, timecodeBase(pal, '23:59:59:24'))).toBe('00:00:00:00');
  });

  it('takes nonsense for none', () => {
    for (const text of ['', 'soon', '00:61:00:00', '00:00:00:25', '1:2:3:4', undefined]) {
      expect(timecodeBase(pal, text)).toEqual({ rate: pal, start: 0, drop: false });
    }
  });

  it('drops numbers at 29.97, and no frames', () => {
    const base = timecodeBase(ntsc, '00:00:00;00');
    expect(timecode(1799, base)).toBe('00:00:59;29');
    expect(timecode(1800, base)).toBe('00:01:00;02');
    expect(timecode(17_981, base)).toBe('00:09:59;29');
    expect(timecode(17_982, base)).toBe('00:10:00;00');
    // An hour of drop-frame timecode is an hour on the wall, to the frame.
    expect(timecode(107_892, base)).toBe('01:00:00;00');
  });

  it('reads what it writes, dropping or not', () => {
    const wrong: string[] = [];
    for (const base of [timecodeBase(ntsc, '00:00:00;00'), from0(ntsc), from0(film)]) {
      for (let frame = 0; frame < 120_000; frame += 61) {
        const text = timecode(frame, base);
        if (timecodeBase(base.rate, text).start !== frame) wrong.push(text);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('exactRate', () => {
  it('finds the fraction behind rounded rates', () => {
    expect(exactRate(23.976)).toEqual(film);
    expect(exactRate(29.97)).toEqual({ num: 30000, den: 1001 });
    expect(exactRate(24)).toEqual({ num: 24, den: 1 });
    expect(exactRate(25)).toEqual(pal);
  });

  it('keeps an odd rate and refuses what is none', () => {
    expect(exactRate(18.5)).toEqual({ num: 18500, den: 1000 });
    expect(exactRate(0)).toBeNull();
    expect(exactRate(Number.NaN)).toBeNull();
  });
});

describe('frames and seconds', () => {
  it('round-trips every frame of ten minutes through its centre and its start', () => {
    for (const rate of [pal, film, { num: 60000, den: 1001 }]) {
      const wrong: number[] = [];
      for (let frame = 0; frame < 36_000; frame += 7) {
        // A browser reports the start of a frame in seconds, rounded to microseconds.
        const start = Math.round(((frame * rate.den) / rate.num) * 1e6) / 1e6;
        if (frameAt(frameCentre(frame, rate), rate) !== frame || frameAt(start, rate) !== frame) {
          wrong.push(frame);
        }
      }
      expect(wrong).toEqual([]);
    }
  });
});
