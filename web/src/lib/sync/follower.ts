import {
  endedAt,
  frameAt,
  frameMs,
  loopRegion,
  movesAt,
  positionAt,
  type Timeline,
} from './timeline';

/** What was measured of the player at one moment. */
export interface Measured {
  /** Where the media stands, in frames and parts of one; null while there is nothing to show. */
  position: number | null;
  /** Whether the media runs. */
  playing: boolean;
  /** Whether a seek is under way, or it waits for data. */
  busy: boolean;
}

/** What the player shall do. Rates are factors of the clip's own speed. */
export type Action =
  | { do: 'nothing' }
  /** Pause, and show exactly this frame. */
  | { do: 'show'; frame: number }
  /** Run; from `frame` where one is given, else from where it stands. */
  | { do: 'play'; rate: number; frame: number | null }
  /** Go on running, at this speed. */
  | { do: 'rate'; rate: number }
  /** Go on running, from this frame. */
  | { do: 'jump'; frame: number; rate: number };

/** How far the media is from where the room is; above 0 when it is ahead. */
export interface SyncError {
  frames: number;
  ms: number;
}

/**
 * Below this nothing is corrected. It lies under what the refreshes of a screen leave between two pages that run in step,
 * and above the noise of what is measured, so that a steady player runs at its own speed.
 */
const LEAVE_MS = 5;
/** A correction goes on until this little is left, so that it does not begin again at once. */
const SETTLED_MS = 1.5;
/** An error has to be there for this long before it is believed: one frame that came late is none. */
const BELIEVED_MS = 100;
/** Beyond this a changed speed would take too long. */
const JUMP_MS = 160;
/** The same soon after a start that was far too late, or early: nobody has seen much of it yet. */
const START_JUMP_MS = 80;
/** A correction would take this long if it went on as it began. Several times what measuring takes, or it would swing. */
const SETTLE_MS = 500;
/** The least change of speed that is worth it. */
const LEAST_CHANGE = 0.004;
/** Within this after a start or a jump nobody has heard the speed yet, and it may change more. */
const FRESH_MS = 1000;
/**
 * The greatest change of speed long after a start and soon after, where the pitch goes with it: a third and a half of a semitone.
 * Browsers keep the pitch by a filter that holds sound and picture back. In Chromium each time that it comes in costs 25 ms, more
 * than most errors are; without it a change costs nothing.
 */
const BEND = { most: 0.02, fresh: 0.03 };
/** The same with the pitch kept, for errors that would otherwise take long. */
const STRETCH = { most: 0.05, fresh: 0.08 };
/** From here on the pitch is kept, until the error is down to there. */
const STRETCH_FROM_MS = 80;
const STRETCH_TO_MS = 30;
/** Two speeds nearer to each other than this are one. */
const SAME_SPEED = 0.003;
/** Times between two changes of speed, and between two jumps, in milliseconds. */
const RATE_EVERY_MS = 100;
const JUMP_EVERY_MS = 1000;
/** A loop that turns back jumps by itself, so that it may do so more often. */
const LOOP_JUMP_EVERY_MS = 200;
/** A jump takes time, and the room does not wait: how far ahead it aims, at first and at most. */
const FIRST_LEAD_MS = 80;
const MOST_LEAD_MS = 1500;

/**
 * Decides how a player follows a room: exact while paused; while it plays nothing under 5 ms, a slightly changed speed
 * up to 160 ms, a jump beyond. It reads no clock and touches no player.
 */
export class Follower {
  #correcting = false;
  #stretching = false;
  #rate: number | null = null;
  #rateAt = -Infinity;
  #jumpAt = -Infinity;
  /** When it started, or jumped. */
  #freshAt = -Infinity;
  #startAt = -Infinity;
  /** Since when the error is beyond what is left alone. */
  #offSince: number | null = null;
  #lead = FIRST_LEAD_MS;
  /** A jump whose outcome has not been measured yet. */
  #jumped = false;

  /** Forgets what was; for another clip, or when the person follows again. */
  reset(): void {
    this.#correcting = false;
    this.#stretching = false;
    this.#rate = null;
    this.#rateAt = -Infinity;
    this.#jumpAt = -Infinity;
    this.#freshAt = -Infinity;
    this.#startAt = -Infinity;
    this.#offSince = null;
    this.#jumped = false;
  }

  /** What to do now. `now` is the present time on the server's clock, in milliseconds. */
  decide(timeline: Timeline, measured: Measured, now: number): Action {
    if (timeline.fps_num === null) return { do: 'nothing' };
    if (!movesAt(timeline, now)) return this.#stand(timeline, now);
    if (measured.position === null || measured.busy) return { do: 'nothing' };
    const error = errorFrames(timeline, measured.position, now) * (frameMs(timeline) ?? 0);
    this.#learn(error);
    if (!measured.playing) return this.#start(timeline, measured.position, error, now);
    if (this.#mustTurnBack(timeline, measured.position)) {
      return this.#jump(timeline, now, LOOP_JUMP_EVERY_MS);
    }
    if (Math.abs(error) > this.#jumpsFrom(now)) return this.#jump(timeline, now, JUMP_EVERY_MS);
    return this.#steer(timeline, error, now);
  }

  #stand(timeline: Timeline, now: number): Action {
    this.#correcting = false;
    this.#rate = null;
    this.#jumped = false;
    const frame = endedAt(timeline, now) ? (timeline.frames ?? 1) - 1 : frameAt(timeline, now);
    return { do: 'show', frame };
  }

  #start(timeline: Timeline, position: number, error: number, now: number): Action {
    this.#begin(timeline, now);
    this.#startAt = now;
    if (Math.abs(error) <= JUMP_MS && !this.#mustTurnBack(timeline, position)) {
      return { do: 'play', rate: timeline.rate, frame: null };
    }
    if (now - this.#jumpAt < LOOP_JUMP_EVERY_MS) return { do: 'nothing' };
    return { do: 'play', rate: timeline.rate, frame: this.#aim(timeline, now) };
  }

  #jumpsFrom(now: number): number {
    const started = now - this.#startAt < FRESH_MS && this.#jumpAt < this.#startAt;
    return started ? START_JUMP_MS : JUMP_MS;
  }

  #jump(timeline: Timeline, now: number, every: number): Action {
    if (now - this.#jumpAt < every) return { do: 'nothing' };
    this.#begin(timeline, now);
    return { do: 'jump', rate: timeline.rate, frame: this.#aim(timeline, now) };
  }

  /** It starts or jumps: that is corrected until it is right, not merely until it is not wrong. */
  #begin(timeline: Timeline, now: number): void {
    this.#correcting = true;
    this.#rate = timeline.rate;
    this.#rateAt = now;
    this.#freshAt = now;
    this.#offSince = null;
  }

  /** Where the room will be when the jump has been made. */
  #aim(timeline: Timeline, now: number): number {
    this.#jumpAt = now;
    this.#jumped = true;
    return frameAt(timeline, now + this.#lead);
  }

  #steer(timeline: Timeline, error: number, now: number): Action {
    this.#correcting = this.#mustCorrect(Math.abs(error), now);
    const most = this.#mostChange(timeline.rate, Math.abs(error), now);
    const factor = this.#correcting ? 1 - Math.sign(error) * change(Math.abs(error), most) : 1;
    const rate = timeline.rate * factor;
    if (this.#rate !== null && Math.abs(rate - this.#rate) < timeline.rate * SAME_SPEED) {
      return { do: 'nothing' };
    }
    // Going back to the clip's own speed never waits: the longer it does, the farther it overshoots.
    if (factor !== 1 && now - this.#rateAt < RATE_EVERY_MS) return { do: 'nothing' };
    this.#rate = rate;
    this.#rateAt = now;
    return { do: 'rate', rate };
  }

  #mostChange(rate: number, size: number, now: number): number {
    if (size > STRETCH_FROM_MS) this.#stretching = true;
    else if (size < STRETCH_TO_MS) this.#stretching = false;
    // At another speed than the clip's own the filter is in all the time: a small change saves nothing there.
    const bounds = this.#stretching || keepsPitch(rate) ? STRETCH : BEND;
    return now - this.#freshAt < FRESH_MS ? bounds.fresh : bounds.most;
  }

  #mustCorrect(size: number, now: number): boolean {
    if (this.#correcting) return size > SETTLED_MS;
    if (size <= LEAVE_MS) this.#offSince = null;
    else this.#offSince ??= now;
    return this.#offSince !== null && now - this.#offSince >= BELIEVED_MS;
  }

  /** The media has run out of the loop, or out of the clip. */
  #mustTurnBack(timeline: Timeline, position: number): boolean {
    const region = loopRegion(timeline);
    return region !== null && position >= region.end;
  }

  /** What is left after a jump says how long a jump takes here. */
  #learn(error: number): void {
    if (!this.#jumped) return;
    this.#jumped = false;
    this.#lead = Math.min(MOST_LEAD_MS, Math.max(0, this.#lead - error / 2));
  }
}

/** Whether a player keeps the pitch at this factor of the clip's own speed; below, it goes with the speed. */
export function keepsPitch(rate: number): boolean {
  return Math.abs(rate - 1) > (BEND.fresh + STRETCH.most) / 2;
}

/** The change of speed for an error of so many milliseconds: in proportion to it, within bounds. */
function change(ms: number, most: number): number {
  return Math.min(most, Math.max(LEAST_CHANGE, ms / SETTLE_MS));
}

/** How far the media is ahead of the room, in frames; in a loop the shorter way round. */
function errorFrames(timeline: Timeline, position: number, now: number): number {
  const target = positionAt(timeline, now);
  const error = position - target;
  const region = loopRegion(timeline);
  if (!region || position < region.begin || target < region.begin) return error;
  const length = region.end - region.begin;
  return error - length * Math.round(error / length);
}

/**
 * The error of a player against its room, for the person's badge and the report. A picture that stands is compared by the frame
 * that it shows, one that moves by its place between frames; null where there is nothing to compare.
 */
export function syncError(
  timeline: Timeline,
  measured: Pick<Measured, 'position'>,
  now: number,
): SyncError | null {
  const { position } = measured;
  const ms = frameMs(timeline);
  if (position === null || ms === null) return null;
  const frames = movesAt(timeline, now)
    ? errorFrames(timeline, position, now)
    : Math.floor(position) - frameAt(timeline, now);
  return { frames, ms: frames * ms };
}
