import type { Report } from '../lib/room/protocol';
import type { SyncError } from '../lib/sync';
import type { SyncStatus } from './clipFollower';

/**
 * A live picture that stands for longer than this is waited for. Browsers repeat a shared screen on which nothing changes
 * once a second, so that this is no one picture that was lost.
 */
export const LIVE_STANDS_MS = 3000;

/** A live source as this page shows it. Times are milliseconds of `performance.now()`. */
export interface LiveShown {
  /** True while its session stands and media arrives. */
  connected: boolean;
  /** When a picture of it last reached the screen; null before the first. */
  pictureAt: number | null;
  /** Since when its picture has to move; null while it is held, or the page hidden, of which browsers draw nothing. */
  movesSince: number | null;
  /** How far it is ahead of the others; null while that is not known. */
  error: SyncError | null;
  /** The least age at which it can be shown here; null for who does not wait for others. */
  leastMs: number | null;
}

/** A clip as this page shows it. */
export interface ClipShown {
  frame: number | null;
  sync: SyncStatus;
}

/** What this page tells its room of itself once a second. */
export interface Reported {
  asset_id: string | null;
  following: boolean;
  rttMs: number | null;
  /** What is on show: a clip, or nothing, unless it is a live source. */
  shown: ClipShown | LiveShown;
}

/** True while a live source is waited for: it is not connected, has shown nothing yet, or stands though it should move. */
export function waitsForLive(live: LiveShown, now: number): boolean {
  const { connected, pictureAt, movesSince } = live;
  if (!connected) return true;
  if (movesSince === null) return false;
  return pictureAt === null || now - Math.max(pictureAt, movesSince) > LIVE_STANDS_MS;
}

/** The report of this moment. What is said of a live source is the source's own, whatever was on show before. */
export function reportOf(reported: Reported, now: number): Report {
  const { asset_id, following, rttMs, shown } = reported;
  const [clip, live] = 'sync' in shown ? [shown, null] : [null, shown];
  const error = clip ? clip.sync.error : live.error;
  return {
    asset_id,
    frame: clip?.frame ?? null,
    error_ms: error?.ms ?? 0,
    error_frames: error?.frames ?? 0,
    rtt_ms: rttMs ?? 0,
    buffering: clip ? clip.sync.kind === 'buffering' : waitsForLive(live, now),
    following,
    live_ms: following ? (live?.leastMs ?? null) : null,
  };
}
