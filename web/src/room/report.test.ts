import { describe, expect, it } from 'vitest';
import { LIVE_STANDS_MS, reportOf, waitsForLive, type ClipShown, type LiveShown } from './report';

const clip: ClipShown = {
  frame: 40,
  sync: { kind: 'buffering', error: { ms: -80, frames: -2 } },
};
const live: LiveShown = {
  ...{ connected: true, pictureAt: 9_960, movesSince: 4_000 },
  ...{ error: { ms: 3, frames: 0.1 }, leastMs: 120 },
};
const NOW = 10_000;
const report = (shown: ClipShown | LiveShown, following = true) =>
  reportOf({ asset_id: 'A', following, rttMs: 9, shown }, NOW);

describe('what a page reports', () => {
  it('is how a clip stands to its room', () => {
    expect(report(clip)).toEqual({
      ...{ asset_id: 'A', frame: 40, error_ms: -80, error_frames: -2, rtt_ms: 9 },
      ...{ buffering: true, following: true, live_ms: null },
    });
    expect(report({ ...clip, sync: { kind: 'synced', error: null } })).toMatchObject({
      ...{ buffering: false, error_ms: 0, error_frames: 0 },
    });
  });

  it("a clip's buffering does not outlive it", () => {
    expect(report(clip).buffering).toBe(true);
    expect(report(live)).toEqual({
      ...{ asset_id: 'A', frame: null, error_ms: 3, error_frames: 0.1, rtt_ms: 9 },
      ...{ buffering: false, following: true, live_ms: 120 },
    });
  });

  it('a live picture that stands is loading', () => {
    const since = NOW - LIVE_STANDS_MS;
    expect(report({ ...live, pictureAt: since }).buffering).toBe(false);
    expect(report({ ...live, pictureAt: since - 1 }).buffering).toBe(true);
  });

  it('who looks at something else does not wait for others', () => {
    expect(report(live, false)).toMatchObject({ following: false, live_ms: null });
  });
});

describe('a live source is waited for', () => {
  it('until it is connected and shows its first picture', () => {
    expect(waitsForLive({ ...live, connected: false, pictureAt: null }, NOW)).toBe(true);
    expect(waitsForLive({ ...live, pictureAt: null }, NOW)).toBe(true);
    expect(waitsForLive(live, NOW)).toBe(false);
  });

  it('when its session is gone, whatever stands on the screen', () => {
    expect(waitsForLive({ ...live, connected: false }, NOW)).toBe(true);
  });

  it('not while it is held or the page hidden, nor right after', () => {
    const held = { ...live, pictureAt: NOW - 60_000 };
    expect(waitsForLive({ ...held, movesSince: null }, NOW)).toBe(false);
    expect(waitsForLive({ ...held, movesSince: NOW - 100 }, NOW)).toBe(false);
    expect(waitsForLive({ ...held, movesSince: NOW - LIVE_STANDS_MS - 1 }, NOW)).toBe(true);
  });
});
