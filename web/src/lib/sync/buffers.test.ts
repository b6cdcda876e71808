import { describe, expect, it } from 'vitest';
import { delaysBetween, type BufferTotals } from './buffers';

describe('delaysBetween', () => {
  const totals = (count: number, target: number, least?: number): BufferTotals => ({
    jitterBufferEmittedCount: count,
    jitterBufferDelay: target / 2,
    jitterBufferTargetDelay: target,
    ...(least === undefined ? {} : { jitterBufferMinimumDelay: least }),
  });

  it('is the average of the pictures between two looks', () => {
    const before = { video: totals(100, 5, 4), audio: null };
    const after = { video: totals(150, 15, 6), audio: null };
    expect(delaysBetween(before, after)).toEqual({
      picture: { delay: 100, target: 200, least: 40 },
      sound: null,
      soundBehind: null,
    });
    expect(delaysBetween(after, after), 'nothing came').toBeNull();
    const silent = { video: totals(100, 5), audio: null };
    expect(delaysBetween(silent, { video: totals(150, 15), audio: null })).toBeNull();
  });

  it('says how far the sound is behind, once both are played', () => {
    const before = { video: totals(100, 5, 4), audio: totals(48_000, 100, 100) };
    const after = { video: totals(150, 15, 6), audio: totals(96_000, 9700, 4420) };
    const sound = { delay: 100, target: 200, least: 90 };
    expect(delaysBetween(before, after)).toMatchObject({ sound, soundBehind: null });
    const played = {
      video: { ...after.video, estimatedPlayoutTimestamp: 5_000_130 },
      audio: { ...after.audio, estimatedPlayoutTimestamp: 5_000_000 },
    };
    expect(delaysBetween(before, played)).toMatchObject({ sound, soundBehind: 130 });
    const stopped = { video: played.video, audio: before.audio };
    expect(delaysBetween(before, stopped)).toMatchObject({ sound: null, soundBehind: null });
  });
});
