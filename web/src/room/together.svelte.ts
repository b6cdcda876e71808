import { isLive } from '../lib/room/predict';
import type { RoomState } from '../lib/room/protocol';
import { LiveFollower, type LiveFollowerOptions, type LiveStatus } from './liveFollower';
import type { LiveShown } from './report';

/** Whether and how a live source is shown here together with the others of the room. */
export class Together {
  /** How it is shown; null while something else is. */
  status = $state.raw<LiveStatus | null>(null);
  /** True if this person wants to see it as soon as it can be shown, and not together with the others. */
  ahead = $state(false);
  /** How old it shall be, in milliseconds; null while that is not known. */
  delayMs = $state<number | null>(null);
  /** True while it is held back for the others. */
  joined = $state(false);
  #follower: LiveFollower | null = null;
  /** When a picture last reached the screen; null where none of this connection has. */
  #pictureAt: number | null = null;
  /** Since when it has to move; null while it need not. */
  #movesSince: number | null = null;

  attach(options: LiveFollowerOptions): void {
    this.#follower = new LiveFollower(options);
  }

  /** Another source, or another connection to it. */
  begin(): void {
    this.#pictureAt = null;
    this.#follower?.reset();
  }

  picture(metadata: VideoFrameCallbackMetadata): void {
    this.#pictureAt = performance.now();
    this.#follower?.picture(metadata);
  }

  /** Takes what the room says now. */
  tick(state: RoomState | null, delayMs: number | null): void {
    if (!this.#follower) return;
    const live = state !== null && isLive(state);
    const moves = live && state.playing && !document.hidden;
    this.#movesSince = moves ? (this.#movesSince ?? performance.now()) : null;
    this.joined = live && state.playing && state.sync_mode !== 'UNSYNCED' && !this.ahead;
    this.delayMs = delayMs;
    this.#follower.wanted = this.joined ? delayMs : null;
    this.status = live ? this.#follower.status : null;
  }

  /** What the room is told of it, where its session stands or does not. */
  shown(connected: boolean): LiveShown {
    const { errorMs, errorFrames, leastMs } = this.status ?? {};
    const known = errorMs !== null && errorMs !== undefined;
    return {
      connected,
      pictureAt: this.#pictureAt,
      movesSince: this.#movesSince,
      error: known ? { ms: errorMs, frames: errorFrames ?? 0 } : null,
      leastMs: this.joined ? (leastMs ?? null) : null,
    };
  }

  stop(): void {
    this.#follower?.stop();
  }
}
