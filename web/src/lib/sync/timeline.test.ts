import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  endedAt,
  frameAt,
  frameMs,
  loopRegion,
  movesAt,
  positionAt,
  seekSeconds,
  type Timeline,
} from './timeline';

interface Case {
  name: string;
  timeline: Timeline;
  samples: { at_ms: number; position: number; frame: number; ended: boolean }[];
}

const file = new URL('../../../../sessions/tests/vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { law: Case[] };

const clip: Timeline = {
  effective_ms: 1000,
  frame: 10,
  frames: 100,
  fps_num: 25,
  fps_den: 1,
  playing: true,
  rate: 1,
  loop: false,
};

describe('the law of position, as the server has it', () => {
  it.each(vectors.law)('$name', ({ timeline, samples }) => {
    expect(samples.length).toBeGreaterThan(0);
    for (const sample of samples) {
      expect(positionAt(timeline, sample.at_ms)).toBeCloseTo(sample.position, 6);
      expect(frameAt(timeline, sample.at_ms)).toBe(sample.frame);
      expect(endedAt(timeline, sample.at_ms)).toBe(sample.ended);
    }
  });

  it('is held against more than a handful of cases', () => {
    expect(vectors.law.length).toBeGreaterThan(20);
  });
});

describe('what follows from it', () => {
  it('moves from its moment to its end', () => {
    expect(movesAt(clip, 999)).toBe(false);
    expect(movesAt(clip, 1000)).toBe(true);
    expect(movesAt(clip, 1000 + 89 * 40)).toBe(false);
    expect(movesAt({ ...clip, playing: false }, 2000)).toBe(false);
  });

  it('knows how long a frame stands', () => {
    expect(frameMs(clip)).toBe(40);
    expect(frameMs({ ...clip, rate: 2 })).toBe(20);
    expect(frameMs({ ...clip, fps_num: null, fps_den: null })).toBeNull();
  });

  it('seeks to the middle of a frame', () => {
    expect(seekSeconds(clip, 10)).toBe(0.42);
    expect(seekSeconds({ ...clip, fps_num: 24000, fps_den: 1001 }, 0)).toBeCloseTo(0.020854, 6);
  });

  it('has no loop where there is nothing in it', () => {
    expect(loopRegion({ ...clip, loop: { in: 5, out: 4 } })).toBeNull();
    expect(loopRegion({ ...clip, loop: { in: 20, out: 29 } })).toEqual({ begin: 20, end: 30 });
  });
});
