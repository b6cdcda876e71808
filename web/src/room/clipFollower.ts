import type { TwinPlayer } from '../lib/twinPlayer';
import type { RoomState } from '../lib/room/protocol';
import { Follower, frameAt, frameMs, loopRegion, movesAt, positionAt } from '../lib/sync';
import { syncError, type SyncError } from '../lib/sync';

/**
 * - `exact`: it stands, on the very frame of the room
 * - `synced`: it plays, less than half a frame off
 * - `correcting`: it is on its way there
 * - `buffering`: it waits for data
 * - `waiting`: there is nothing to measure yet
 */
export type SyncKind = 'exact' | 'synced' | 'correcting' | 'buffering' | 'waiting';

export interface SyncStatus {
  kind: SyncKind;
  /** How far the shown picture is ahead of the room; null while there is nothing to measure. */
  error: SyncError | null;
}

/** What this module needs of a clip player, so that tests can stand in for it. */
export type FollowingPlayer = Pick<
  TwinPlayer,
  | 'source'
  | 'shown'
  | 'busy'
  | 'buffering'
  | 'playing'
  | 'positionAt'
  | 'show'
  | 'play'
  | 'jump'
  | 'setRate'
> &
  // One that has a second video turns a loop back without a break.
  Partial<Pick<TwinPlayer, 'prepareTurn' | 'startTurn' | 'finishTurn' | 'cancelTurn'>>;

export interface ClipFollowerOptions {
  player: FollowingPlayer;
  /** The server's time at a moment of `performance.now()`; null before the clocks were compared. */
  serverAt: (performanceMs: number) => number | null;
  now?: () => number;
}

/** How long a `<video>` takes from being told to play until it does, at first; learned from every start. */
const FIRST_START_MS = 30;
const MOST_START_MS = 250;
/** A start that is refused or swallowed by the browser is asked for again, but not at every chance. */
const RETRY_PLAY_MS = 500;
/** In a shorter loop there is no time to get the second video ready. */
const LEAST_LOOP_MS = 600;
/** From so many frames before a turn on it is left to the second video. */
const TURN_FRAMES = 1.5;

/** Keeps a clip player where the room is, by the decisions of a `Follower`. */
export class ClipFollower {
  readonly #options: Required<ClipFollowerOptions>;
  readonly #follower = new Follower();
  #state: RoomState | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startMs = FIRST_START_MS;
  /** A start whose outcome has not been measured yet. */
  #started = false;
  #playAt = Number.NEGATIVE_INFINITY;
  /** True from when the second video is started until it is seen. */
  #turning = false;
  #turnTimer: ReturnType<typeof setTimeout> | undefined;
  /** When the room turns back next, on the server's clock, if the second video is ready for it. */
  #turnAt = Number.POSITIVE_INFINITY;

  constructor(options: ClipFollowerOptions) {
    this.#options = { now: () => performance.now(), ...options };
  }

  /** The frame that should be on the screen now. */
  target(): number | null {
    const at = this.#serverNow();
    return this.#state && at !== null ? frameAt(this.#state, at) : null;
  }

  get status(): SyncStatus {
    const { player } = this.#options;
    const error = this.#error();
    if (player.buffering) return { kind: 'buffering', error };
    if (!error) return { kind: 'waiting', error };
    if (player.playing) {
      return { kind: Math.abs(error.frames) < 0.5 ? 'synced' : 'correcting', error };
    }
    return { kind: error.frames === 0 ? 'exact' : 'correcting', error };
  }

  /** Follows this state from now on; null follows nothing. */
  follow(state: RoomState | null): void {
    const before = this.#state;
    this.#state = state;
    if (before?.asset_id !== state?.asset_id) this.#follower.reset();
    if (before?.rev !== state?.rev || before?.epoch !== state?.epoch) this.#cancelTurn();
    if (before?.effective_ms !== state?.effective_ms) this.#playAt = Number.NEGATIVE_INFINITY;
    this.tick();
  }

  /** Does what is to be done now; called on every frame, and now and then besides. */
  tick(): void {
    clearTimeout(this.#timer);
    const state = this.#state;
    const at = this.#serverNow();
    const { player } = this.#options;
    if (!state || at === null || !player.source) return;
    const ahead = state.playing ? state.effective_ms - at : 0;
    if (ahead > 0) return this.#awaitStart(state, at, ahead);
    if (player.playing) this.#learnStart(state, at);
    this.#prepareTurn(state, at);
    // Just before a turn that comes anyway nothing is corrected: half a frame ahead is behind the loop.
    const soon = this.#turnAt - at < TURN_FRAMES * (frameMs(state) ?? 0);
    if (!this.#turning && !soon) this.#act(state, at);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#cancelTurn();
    this.#state = null;
  }

  /** The moment from which it plays lies ahead. */
  #awaitStart(state: RoomState, at: number, ahead: number): void {
    if (this.#options.player.playing) {
      // Begun already, as early as it takes; or at the last frame before a change of speed.
      const leave = Math.max(this.#startMs, 1.1 * (frameMs(state) ?? 0));
      if (ahead <= leave) return;
    } else if (ahead <= this.#startMs) {
      return this.#act(state, state.effective_ms);
    }
    this.#act(state, at);
    if (Number.isFinite(ahead)) {
      this.#timer = setTimeout(() => this.tick(), Math.max(0, ahead - this.#startMs));
    }
  }

  /** Gets the second video ready for the turn of a loop, and starts it in time. */
  #prepareTurn(state: RoomState, at: number): void {
    const { player } = this.#options;
    if (!player.prepareTurn || this.#turning) return;
    const region = loopRegion(state);
    const ms = frameMs(state) ?? 0;
    const long = region !== null && (region.end - region.begin) * ms >= LEAST_LOOP_MS;
    if (!long || !movesAt(state, at)) {
      this.#turnAt = Number.POSITIVE_INFINITY;
      return void player.prepareTurn(null);
    }
    const ready = player.prepareTurn(region.begin);
    clearTimeout(this.#turnTimer);
    this.#turnAt = Number.POSITIVE_INFINITY;
    if (!ready || !player.playing) return;
    const left = (region.end - positionAt(state, at)) * ms;
    this.#turnAt = at + left;
    const wait = left - this.#startMs;
    this.#turnTimer = setTimeout(
      () => this.#turn(state, left - Math.max(0, wait)),
      Math.max(0, wait),
    );
  }

  #turn(state: RoomState, left: number): void {
    const { player } = this.#options;
    // Meanwhile it may have lost its data, or been paused.
    if (this.#state !== state || !player.playing || player.buffering) return;
    this.#turning = true;
    player.startTurn?.(state.rate);
    this.#turnTimer = setTimeout(() => {
      this.#turning = false;
      this.#turnAt = Number.POSITIVE_INFINITY;
      player.finishTurn?.();
      this.#follower.reset();
      this.tick();
    }, left);
  }

  #cancelTurn(): void {
    clearTimeout(this.#turnTimer);
    this.#turnAt = Number.POSITIVE_INFINITY;
    if (!this.#turning) return;
    this.#turning = false;
    this.#options.player.cancelTurn?.();
  }

  #act(state: RoomState, at: number): void {
    const { player, now } = this.#options;
    const measured = {
      position: player.positionAt(now()),
      playing: player.playing,
      busy: player.busy,
    };
    const action = this.#follower.decide(state, measured, at);
    switch (action.do) {
      case 'show':
        return player.show(action.frame);
      case 'play':
        return this.#play(state, action.rate, action.frame);
      case 'rate':
        return player.setRate(action.rate);
      case 'jump':
        player.setRate(action.rate);
        return player.jump(action.frame);
    }
  }

  #play(state: RoomState, rate: number, frame: number | null): void {
    const { player, now } = this.#options;
    if (now() - this.#playAt < RETRY_PLAY_MS) return;
    this.#playAt = now();
    this.#started = frame === null && player.shown?.frame === state.frame;
    player.play(rate, frame);
  }

  /** What is left after a start says how long a start takes here. */
  #learnStart(state: RoomState, at: number): void {
    const { player, now } = this.#options;
    if (!this.#started || player.busy) return;
    const error = syncError(state, { position: player.positionAt(now()) }, at);
    if (!error) return;
    this.#started = false;
    if (Math.abs(error.ms) > MOST_START_MS) return;
    this.#startMs = Math.min(MOST_START_MS, Math.max(0, this.#startMs - error.ms / 2));
  }

  #error(): SyncError | null {
    const { player, now } = this.#options;
    const at = this.#serverNow();
    if (!this.#state || at === null || !player.source) return null;
    return syncError(this.#state, { position: player.positionAt(now()) }, at);
  }

  #serverNow(): number | null {
    return this.#options.serverAt(this.#options.now());
  }
}
