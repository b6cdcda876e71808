import { describe, expect, it } from 'vitest';
import { exactRate, frameAt, frameCentre, nominalRate, timecode } from './timecode';

const pal = { num: 25, den: 1 };
const film = { num: 24000, den: 1001 };

describe('timecode', () => {
  it('counts frames, seconds, minutes and hours', () => {
    expect(timecode(0, pal)).toBe('00:00:00:00');
    expect(timecode(24, pal)).toBe('00:00:00:24');
    expect(timecode(25, pal)).toBe('00:00:01:00');
    expect(timecode(25 * 3600 + 25 * 61 + 3, pal)).toBe('01:01:01:03');
  });

  it('counts 24 frames to the second at 23.976', () => {
    expect(nominalRate(film)).toBe(24);
    expect(timecode(23, film)).toBe('00:00:00:23');
    expect(timecode(24, film)).toBe('00:00:01:00');
  });

  it('never goes below zero and ignores the part of a frame', () => {
    expect(timecode(-3, pal)).toBe('00:00:00:00');
    expect(timecode(25.9, pal)).toBe('00:00:01:00');
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
