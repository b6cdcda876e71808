import { describe, expect, it } from 'vitest';
import { Reversal, reverseFrame, type Shown } from './reverse';

describe('playing backwards', () => {
  const shows = (frame: number, more: Partial<Shown> = {}): Shown => ({
    ...{ asset_id: 'a', frame, playing: false },
    ...more,
  });
  /** A clip of 25 frames a second that is played back from frame 100. */
  const begun = (shown = shows(100)) => new Reversal(shown, 100, 25, 1);

  it('goes by the time that passed, not by the steps that were made', () => {
    expect(reverseFrame(100, 1000, 25, 1)).toBe(75);
    expect(reverseFrame(100, 1000, 24000 / 1001, 2)).toBe(53);
    expect(reverseFrame(10, 5000, 25, 1)).toBe(0);
    const reversal = begun();
    expect([80, 100, 160].map((ms) => reversal.next(shows(100), ms))).toEqual([98, 'wait', 96]);
    expect(reversal.next(shows(98), 200)).toBe(95);
  });

  it('waits for the clip to stand, and not for ever', () => {
    const playing = shows(40, { playing: true });
    expect(begun(playing).next(playing, 62)).toBe('wait');
    expect(begun(playing).next(playing, 2001)).toBe(null);
  });

  it('ends at the first frame', () => {
    const reversal = begun();
    expect(reversal.next(shows(100), 1900)).toBe(53);
    expect(reversal.next(shows(53), 4000)).toBe(0);
    expect(reversal.next(shows(10), 4062)).toBe(null);
  });

  it.each([
    ['shows another clip', shows(98, { asset_id: 'b' })],
    ['plays', shows(98, { playing: true })],
    ['was taken ahead', shows(120)],
    ['was taken back further', shows(20)],
    ['is gone', null],
  ])('is over when the room %s', (_, shown) => {
    const reversal = begun();
    expect(reversal.next(shows(100), 80)).toBe(98);
    expect(reversal.next(shown, 160)).toBe(null);
  });

  it('is over when the room does not follow: its connection was lost, and the steps with it', () => {
    const reversal = begun();
    for (let ms = 80; ms <= 2040; ms += 40) expect(reversal.next(shows(100), ms)).not.toBe(null);
    expect(reversal.next(shows(100), 2080)).toBe(null);
  });
});
