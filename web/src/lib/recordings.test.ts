import { expect, test } from 'vitest';
import { endedText, NONE, runningTime, sourceOf, type RecordedSources } from './recordings';

test('a recording says how long it runs', () => {
  expect(runningTime(1_000, 1_000)).toBe('0:00');
  expect(runningTime(1_000, 8_999)).toBe('0:07');
  expect(runningTime(0, 3_723_000)).toBe('1:02:03');
  expect(runningTime(9_000, 1_000)).toBe('0:00');
});

test('the source is found that the screen shows', () => {
  const source = { id: 'r', asset_id: 'a', recording: null, may_record: true };
  const all: RecordedSources = {
    sources: [{ ...source, id: 'new', asset_id: null }, source],
    replay_seconds: 300,
  };
  expect(sourceOf(all, 'a')).toBe(source);
  expect(sourceOf(all, 'b')).toBeNull();
  expect(sourceOf(all, null)).toBeNull();
  expect(sourceOf(NONE, 'a')).toBeNull();
});

test('what became of a recording is said', () => {
  const change = { asset_id: 'a', recording: false, replay: false, recorded_asset_id: 'c' };
  expect(endedText(change)).toContain('recording is in the playlist');
  expect(endedText({ ...change, replay: true })).toContain('replay');
  expect(endedText({ ...change, recorded_asset_id: null })).toContain('nothing');
});
