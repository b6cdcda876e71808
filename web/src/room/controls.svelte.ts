import { Pacer } from '../lib/pacer';
import { withIn, withOut } from '../lib/room/loop';
import type { Compare, Op, RoomState } from '../lib/room/protocol';
import { Reversal, STEP_EVERY_MS } from '../lib/room/reverse';
import type { FrameRate } from '../lib/timecode';

export const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4] as const;

/** What the controls need of their room. */
export interface Controlled {
  readonly state: RoomState | null;
  readonly canDrive: boolean;
  readonly unsynced: boolean;
  readonly isLive: boolean;
  readonly moving: boolean;
  readonly rate: FrameRate | null;
  readonly frames: number | null;
  /** The frame under a playhead that is being dragged. */
  dragged: number | null;
  /** The frame that the person means by "here". */
  here(): number;
  clamped(frame: number): number;
  /** Carries something out, for the room or for this person alone. */
  act(op: Op): void;
  apply(): void;
}

/** What a person does with the picture. */
export class Controls {
  readonly #room: Controlled;
  readonly #scrub: Pacer<number>;
  readonly #wipe: Pacer<number>;
  #reverse: ReturnType<typeof setInterval> | undefined;
  #resume = false;
  /** True while the clip is played backwards, step by step. */
  reversing = $state(false);

  constructor(room: Controlled) {
    this.#room = room;
    this.#scrub = new Pacer<number>({ send: (frame) => room.act({ op: 'SEEK', frame }) });
    this.#wipe = new Pacer<number>({ send: (split) => this.compare({ split }) });
  }

  destroy(): void {
    this.#scrub.cancel();
    this.#wipe.cancel();
    clearInterval(this.#reverse);
  }

  toggle(): void {
    if (this.#room.moving || this.reversing) this.pause();
    else this.play();
  }

  play(): void {
    this.stopReverse();
    this.#room.act({ op: 'PLAY', frame: this.#room.here() });
  }

  pause(): void {
    this.stopReverse();
    this.#room.act({ op: 'PAUSE', frame: this.#room.here() });
  }

  step(by: number): void {
    this.stopReverse();
    this.#room.act({ op: 'STEP', frame: this.#room.clamped(this.#room.here() + by) });
  }

  seekTo(frame: number): void {
    this.stopReverse();
    this.#room.act({ op: 'SEEK', frame: this.#room.clamped(frame) });
  }

  seekSeconds(by: number): void {
    if (!this.#room.rate) return;
    this.seekTo(this.#room.here() + Math.round((by * this.#room.rate.num) / this.#room.rate.den));
  }

  /** A dragged playhead holds everyone where it is, and lets go where it is dropped. */
  drag(frame: number): void {
    if (!this.#room.canDrive) return;
    this.stopReverse();
    if (this.#room.dragged === null) {
      this.#resume = this.#room.moving;
      if (this.#resume) this.pause();
    }
    this.#room.dragged = this.#room.clamped(frame);
    this.#scrub.push(this.#room.dragged);
    this.#room.apply();
  }

  drop(): void {
    const frame = this.#room.dragged;
    if (frame === null) return;
    this.#scrub.cancel();
    this.#room.dragged = null;
    this.#room.act(this.#resume ? { op: 'PLAY', frame } : { op: 'SEEK', frame });
    this.#resume = false;
  }

  setRate(rate: number): void {
    if (this.#room.state?.rate !== rate) this.#room.act({ op: 'RATE', rate });
  }

  faster(): void {
    if (!this.#room.moving) this.play();
    else this.setRate(RATES.find((rate) => rate > (this.#room.state?.rate ?? 1)) ?? 4);
  }

  /** Plays backwards from here, by steps; again to stop. */
  reverse(): void {
    const { canDrive, isLive, rate, state } = this.#room;
    if (this.reversing || !canDrive || isLive || !rate || !state) return this.stopReverse();
    const [from, since] = [this.#room.here(), performance.now()];
    const reversal = new Reversal(state, from, rate.num / rate.den, state.rate);
    this.reversing = true;
    this.#room.act({ op: 'PAUSE', frame: from });
    this.#reverse = setInterval(() => {
      const frame = reversal.next(this.#room.state, performance.now() - since);
      if (frame === null || !this.#room.canDrive) return this.stopReverse();
      if (frame !== 'wait') this.#room.act({ op: 'STEP', frame });
    }, STEP_EVERY_MS);
  }

  /** Anything else that is done ends it. */
  stopReverse(): void {
    clearInterval(this.#reverse);
    this.reversing = false;
  }

  toggleLoop(): void {
    this.#room.act({ op: 'LOOP', loop: !this.#room.state?.loop });
  }

  loopFromHere(): void {
    const loop = withIn(this.#room.state?.loop ?? false, this.#room.here(), this.#room.frames ?? 1);
    this.#room.act({ op: 'LOOP', loop });
  }

  loopToHere(): void {
    this.#room.act({
      op: 'LOOP',
      loop: withOut(this.#room.state?.loop ?? false, this.#room.here()),
    });
  }

  /** Shows another clip beside this one; null ends the comparison. */
  compareWith(assetId: string | null): void {
    if (!this.#room.unsynced) this.#room.act({ op: 'COMPARE', asset_id: assetId });
  }

  /** Changes how the two pictures share the screen. */
  compare(how: Partial<Pick<Compare, 'layout' | 'split' | 'offset'>>): void {
    const { compare } = this.#room.state ?? {};
    if (!compare || this.#room.unsynced) return;
    const { asset_id, layout, split, offset } = compare;
    this.#room.act({ op: 'COMPARE', asset_id, layout, split, offset, ...how });
  }

  wipeTo(split: number): void {
    if (this.#room.canDrive) this.#wipe.push(split);
  }
}
