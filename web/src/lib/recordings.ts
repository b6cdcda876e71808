/** What is recorded of the live sources of a room, as `rushes/live/recordings` says. */

export interface RecordedSource {
  /** The registration of the source. */
  id: string;
  /** The asset that shows it. */
  asset_id: string | null;
  recording: { since: number | null; duration_ms: number; problem: string | null } | null;
  may_record: boolean;
}

export interface RecordedSources {
  sources: readonly RecordedSource[];
  /** How far back an instant replay reaches; 0: there is none. */
  replay_seconds: number;
}

/** What `LIVE_RECORDING_CHANGED` says. */
export interface RecordingChange {
  asset_id: string | null;
  recording: boolean;
  replay: boolean;
  /** What a recording became that has ended; null where there was nothing in it. */
  recorded_asset_id: string | null;
}

export const NONE: RecordedSources = { sources: [], replay_seconds: 0 };

/** The source that an asset shows. */
export function sourceOf(all: RecordedSources, assetId: string | null): RecordedSource | null {
  return all.sources.find((source) => assetId !== null && source.asset_id === assetId) ?? null;
}

/** How long a recording has run by now, as `0:07` or `1:02:03`. */
export function runningTime(sinceMs: number, serverNowMs: number): string {
  const all = Math.max(0, Math.floor((serverNowMs - sinceMs) / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** What a person is told when a recording has ended that they asked for. */
export function endedText(change: RecordingChange): string {
  if (change.recorded_asset_id === null) return 'There was nothing to record.';
  return change.replay ? 'The replay is in the playlist.' : 'The recording is in the playlist.';
}
